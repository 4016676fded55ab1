// The choices of a run: drawn from a seed, or repeated, and noted.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "tyto/testing/choices.hpp"

namespace tyto::testing {

/// Numbers that follow from a seed, or that were drawn earlier; notes each one.
class recorded_choices final : public choices {
 public:
  /// The same `seed` gives the same numbers everywhere.
  explicit recorded_choices(std::uint64_t seed) : state_(seed) {}

  /// Repeats `drawn`, each number modulo the bound that is asked for; when they are used up, every number is 0.
  explicit recorded_choices(std::vector<std::uint64_t> drawn) : repeated_(std::move(drawn)), is_repeating_(true) {}

  std::uint64_t below(std::uint64_t bound) override;

  /// Returns the numbers that below() has returned, in order.
  [[nodiscard]] const std::vector<std::uint64_t>& drawn() const { return drawn_; }

 private:
  std::uint64_t next();

  std::uint64_t state_ = 0;
  std::vector<std::uint64_t> repeated_;
  bool is_repeating_ = false;
  std::vector<std::uint64_t> drawn_;
};

}  // namespace tyto::testing
