// What does not work at the moment. Actors report it, and take it back when it works again; health() shows it.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
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
  /// Whoever reports it logs the first failure; from there on this logs how often it was, at 10, 100, 1,000 and so on,
  /// and that it is over.
  void report(std::string_view subject, const error& why);
  /// `subject` works again.
  void clear(std::string_view subject);

  [[nodiscard]] health_report shown() const;

 private:
  static constexpr std::size_t max_listed = 1'000;

  const clock& time_;
  const std::function<void(std::string_view)> log_;
  mutable std::mutex mutex_;
  std::map<std::string, health_problem, std::less<>> problems_;
  std::uint64_t unlisted_ = 0;
};

}  // namespace tyto::detail
