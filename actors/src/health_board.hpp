// What does not work at the moment. Actors report it, and take it back when it works again; health() shows it.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "tyto/clock.hpp"
#include "tyto/status.hpp"

namespace tyto::detail {

/// Safe to use from any thread.
class health_board {
 public:
  /// `log` must not throw.
  explicit health_board(const clock& time, std::function<void(std::string_view)> log = {})
      : time_(time), log_(std::move(log)) {}

  /// Notes that `subject` failed, maybe not for the first time. Of very many subjects the later ones are only counted.
  /// Whoever reports it logs the first failure; from there on this logs the first failure of each other code, how often
  /// it was, at 10, 100, 1,000 and so on, and that it is over.
  void report(std::string_view subject, const error& why);
  /// Notes that `subject` is in the condition that `why` describes, in place of an earlier one. That is no failure
  /// which is counted, and logs nothing.
  void report_condition(std::string_view subject, const error& why);
  /// `subject` works again, or its condition is over.
  void clear(std::string_view subject);

  [[nodiscard]] health_report shown() const;

 private:
  static constexpr std::size_t max_listed = 1'000;
  static constexpr std::size_t max_unlisted = 100'000;

  struct problem {
    health_problem shown;
    std::set<errc> codes;  // of the failures that have been reported
  };

  problem* find_or_list(std::string_view subject, const error& why);

  const clock& time_;
  const std::function<void(std::string_view)> log_;
  mutable std::mutex mutex_;
  std::map<std::string, problem, std::less<>> problems_;
  std::unordered_set<std::size_t> unlisted_;  // hashes of the other subjects
};

}  // namespace tyto::detail
