// The command ids that an aggregate has seen lately, with their first outcomes: what makes a repeated command harmless.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "fifo.hpp"
#include "tyto/command.hpp"

namespace tyto::detail {

/// Keeps the last ids up to a limit, as hashes of 128 bits: two of a million commands of one aggregate share one with a
/// probability below 10^-26.
class recent_commands {
 public:
  explicit recent_commands(std::size_t limit) : limit_(limit) {}

  /// Returns the outcome of the command `id`, or nullptr if it was not seen or is forgotten.
  [[nodiscard]] const committed* find(std::string_view id) const;

  /// Notes the outcome of the command `id`, maybe for now an empty one; the oldest id beyond the limit is forgotten.
  void note(std::string_view id, const committed& outcome);

  void clear() { *this = recent_commands{limit_}; }

 private:
  struct key {
    std::uint64_t low;
    std::uint64_t high;
    friend bool operator==(const key&, const key&) = default;
  };
  struct key_hash {
    std::size_t operator()(const key& k) const { return static_cast<std::size_t>(k.low); }
  };
  static key key_of(std::string_view id);

  std::size_t limit_;
  std::unordered_map<key, committed, key_hash> outcomes_;
  fifo<key> order_;  // the oldest first
};

}  // namespace tyto::detail
