#include "health_board.hpp"

namespace tyto::detail {

void health_board::report(std::string_view subject, const error& why) {
  const std::lock_guard lock{mutex_};
  if (const auto known = problems_.find(subject); known != problems_.end()) {
    known->second.why = why;
    ++known->second.times;
  } else if (problems_.size() < max_listed) {
    problems_.emplace(subject, health_problem{std::string{subject}, why, time_.now(), 1});
  } else {
    ++unlisted_;
  }
}

void health_board::clear(std::string_view subject) {
  const std::lock_guard lock{mutex_};
  if (const auto known = problems_.find(subject); known != problems_.end()) problems_.erase(known);
}

health_report health_board::shown() const {
  const std::lock_guard lock{mutex_};
  health_report now;
  for (const auto& [subject, problem] : problems_) now.problems.push_back(problem);
  now.unlisted = unlisted_;
  return now;
}

}  // namespace tyto::detail
