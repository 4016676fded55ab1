// Where everything that a simulation leaves open is drawn from: which fiber is next, which write fails, where the
// program ends. A run is the list of the numbers drawn, so that it can be repeated and shortened.
#pragma once

#include <cstdint>
#include <vector>

namespace tyto::testing {

/// A source of numbers. Used by one thread at a time.
class choices {
 public:
  virtual ~choices() = default;

  /// Returns a number below `bound`. Throws std::invalid_argument if `bound` is 0: there is none. Callers see to it
  /// that 0 is the plainest choice: no fault, the oldest first.
  virtual std::uint64_t below(std::uint64_t bound) = 0;

  /// Returns true once in `n` times; where `n` is 0, never, and nothing is drawn. The number 0 stands for false, unless
  /// `n` is 1.
  bool one_in(std::uint64_t n) { return n != 0 && below(n) == n - 1; }

  /// Returns a number from `first` to `last`, where `first` is the plainest. Throws std::invalid_argument if `last` is
  /// less than `first`, or all numbers of 64 bits lie between them.
  std::uint64_t between(std::uint64_t first, std::uint64_t last) {
    return first + below(last < first ? 0 : last - first + 1);
  }

  /// Returns one of `all`; the first is the plainest. Throws std::invalid_argument if `all` is empty.
  template <class T>
  const T& pick(const std::vector<T>& all) {
    return all[below(all.size())];
  }
};

}  // namespace tyto::testing
