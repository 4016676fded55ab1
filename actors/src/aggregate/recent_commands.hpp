// The command ids that an aggregate has seen lately, with their first outcomes: what makes a repeated command harmless.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actor/fifo.hpp"
#include "tyto/aggregate.hpp"
#include "tyto/command.hpp"
#include "tyto/document.hpp"
#include "tyto/event.hpp"

namespace tyto::detail {

/// How a command with an id ended: with events, or with a rejection that was recorded as one.
struct first_outcome {
  committed stored;
  std::shared_ptr<const rejection> refused;
};

/// Keeps the last ids up to a limit, as hashes of 128 bits: two of a million commands of one aggregate share one with a
/// probability below 10^-26. Most aggregates see a few commands in their life, so a few are kept in one piece of memory
/// and looked through; an index is made for more.
class recent_commands {
 public:
  explicit recent_commands(std::size_t limit) : limit_(limit) {}

  /// Returns the outcome of the command `id`, until the next one is noted, or nullptr if it was not seen or is
  /// forgotten.
  [[nodiscard]] const first_outcome* find(std::string_view id) const;

  /// Notes the outcome of the command `id`, maybe for now an empty one; the oldest id beyond the limit is forgotten.
  void note(std::string_view id, first_outcome outcome);

  void clear() { *this = recent_commands{limit_}; }

  /// One id with its outcome, in a form that can be stored.
  struct entry {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::uint64_t position = 0;
    std::uint64_t sequence_number = 0;
    std::uint32_t events = 0;
    std::optional<std::string> refused = {};  // the reason of a recorded rejection …
    std::string code = {};                    // … and what else is in it, see command_rejected
    document refusal = {};
  };
  /// Returns those whose outcome is not an empty one, the oldest first.
  [[nodiscard]] std::vector<entry> entries() const;
  /// Notes what entries() returned.
  void note(const std::vector<entry>& entries);

  /// Returns the first sequence number that an outcome begins with, 0 if none is known.
  [[nodiscard]] std::uint64_t since() const;

 private:
  struct key {
    std::uint64_t low;
    std::uint64_t high;
    friend bool operator==(const key&, const key&) = default;
  };
  struct key_hash {
    std::size_t operator()(const key& k) const { return static_cast<std::size_t>(k.low); }
  };
  struct noted {
    key hashed;
    first_outcome outcome;
  };
  using index = std::unordered_map<key, std::uint64_t, key_hash>;

  static key key_of(std::string_view id);
  void note(const key& hashed, first_outcome outcome);
  [[nodiscard]] std::optional<std::size_t> place_of(const key& hashed) const;
  void make_index();

  std::size_t limit_;
  fifo<noted> outcomes_;           // the oldest first
  std::uint64_t forgotten_ = 0;    // so many were before these
  std::unique_ptr<index> by_key_;  // which one it is of all, with those that are forgotten; none while there are few
};

template <class Inspector>
bool inspect(Inspector& f, recent_commands::entry& x) {
  return f.object(x).fields(f.field("low", x.low), f.field("high", x.high), f.field("position", x.position),
                            f.field("sequence_number", x.sequence_number), f.field("events", x.events),
                            f.field("refused", x.refused), f.field("code", x.code).fallback(std::string{}),
                            f.field("refusal", x.refusal).fallback(document{}));
}

}  // namespace tyto::detail
