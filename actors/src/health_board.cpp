#include "health_board.hpp"

namespace tyto::detail {

namespace {

bool is_power_of_ten(std::uint64_t times) {
  while (times >= 10 && times % 10 == 0) times /= 10;
  return times == 1;
}

std::size_t hash_of(std::string_view subject) { return std::hash<std::string_view>{}(subject); }

}  // namespace

void health_board::report(std::string_view subject, const error& why) {
  std::uint64_t times = 0;
  bool is_of_new_code = false;
  {
    const std::lock_guard lock{mutex_};
    auto* failing = find_or_list(subject, why);
    if (failing == nullptr) return;
    times = ++failing->shown.times;
    is_of_new_code = failing->codes.insert(why.code()).second;
  }
  if (log_ && times > 1 && (is_of_new_code || is_power_of_ten(times))) {
    log_(std::string{subject} + ", " + std::to_string(times) + " times by now: " + why.message());
  }
}

void health_board::report_condition(std::string_view subject, const error& why) {
  const std::lock_guard lock{mutex_};
  if (auto* condition = find_or_list(subject, why)) condition->shown.times = 1;
}

// Nullptr if it is one of too many.
health_board::problem* health_board::find_or_list(std::string_view subject, const error& why) {
  if (const auto known = problems_.find(subject); known != problems_.end()) {
    known->second.shown.why = why;
    return &known->second;
  }
  if (problems_.size() < max_listed) {
    unlisted_.erase(hash_of(subject));
    health_problem first{std::string{subject}, why, time_.now(), 0};
    return &problems_.emplace(subject, problem{std::move(first), {}}).first->second;
  }
  if (unlisted_.size() < max_unlisted) unlisted_.insert(hash_of(subject));
  return nullptr;
}

void health_board::clear(std::string_view subject) {
  std::uint64_t times = 0;
  {
    const std::lock_guard lock{mutex_};
    const auto known = problems_.find(subject);
    if (known == problems_.end()) {
      unlisted_.erase(hash_of(subject));
      return;
    }
    times = known->second.shown.times;
    problems_.erase(known);
  }
  if (log_ && times > 1) log_(std::string{subject} + ": over, after " + std::to_string(times) + " times");
}

health_report health_board::shown() const {
  const std::lock_guard lock{mutex_};
  health_report now;
  for (const auto& [subject, each] : problems_) now.problems.push_back(each.shown);
  now.unlisted = unlisted_.size();
  return now;
}

}  // namespace tyto::detail
