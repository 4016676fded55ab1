#include "health_board.hpp"

namespace tyto::detail {

namespace {

bool is_power_of_ten(std::uint64_t times) {
  while (times >= 10 && times % 10 == 0) times /= 10;
  return times == 1;
}

}  // namespace

void health_board::report(std::string_view subject, const error& why) {
  std::uint64_t times = 1;
  {
    const std::lock_guard lock{mutex_};
    if (const auto known = problems_.find(subject); known != problems_.end()) {
      known->second.why = why;
      times = ++known->second.times;
    } else if (problems_.size() < max_listed) {
      problems_.emplace(subject, health_problem{std::string{subject}, why, time_.now(), 1});
    } else {
      ++unlisted_;
    }
  }
  if (log_ && times > 1 && is_power_of_ten(times)) {
    log_(std::string{subject} + ", " + std::to_string(times) + " times by now: " + why.message());
  }
}

void health_board::clear(std::string_view subject) {
  std::uint64_t times = 0;
  {
    const std::lock_guard lock{mutex_};
    const auto known = problems_.find(subject);
    if (known == problems_.end()) return;
    times = known->second.times;
    problems_.erase(known);
  }
  if (log_ && times > 1) log_(std::string{subject} + ": over, after " + std::to_string(times) + " times");
}

health_report health_board::shown() const {
  const std::lock_guard lock{mutex_};
  health_report now;
  for (const auto& [subject, problem] : problems_) now.problems.push_back(problem);
  now.unlisted = unlisted_;
  return now;
}

}  // namespace tyto::detail
