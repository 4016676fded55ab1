// How fast a run was in each part of its time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace shop {

class pace {
 public:
  /// Takes note that there were `events` when the run had lasted `seconds`; neither goes back. May be called as often
  /// as one likes: some hundreds of notes are kept, spread over the whole run.
  void note(double seconds, std::uint64_t events);

  /// Returns the events per second in each of `parts` of the time from the first note to the last one, all of one
  /// length; none if no time has passed.
  [[nodiscard]] std::vector<double> in_parts(std::size_t parts) const;

 private:
  struct moment {
    double seconds = 0;
    double events = 0;
  };

  std::vector<moment> noted_;
  moment last_;
  double interval_ = 0.001;  // seconds between two that are kept
};

}  // namespace shop
