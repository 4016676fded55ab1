#include "recorded_choices.hpp"

#include <stdexcept>

namespace tyto::testing {

std::uint64_t recorded_choices::below(std::uint64_t bound) {
  if (bound == 0) throw std::invalid_argument{"tyto: there is nothing to choose from"};
  const auto number = next() % bound;
  drawn_.push_back(number);
  return number;
}

std::uint64_t recorded_choices::next() {
  if (is_repeating_) return drawn_.size() < repeated_.size() ? repeated_[drawn_.size()] : 0;
  // SplitMix64. The standard library's distributions differ from one library to another.
  state_ += 0x9e37'79b9'7f4a'7c15;
  auto mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58'476d'1ce4'e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d0'49bb'1331'11eb;
  return mixed ^ (mixed >> 31);
}

}  // namespace tyto::testing
