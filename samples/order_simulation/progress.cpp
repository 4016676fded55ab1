#include "progress.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include "money.hpp"

namespace shop {
namespace {

constexpr auto period = std::chrono::milliseconds{100};
constexpr std::size_t width = 32;
constexpr auto wipe = "\r\x1b[K";

void write(const std::string& text) {
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

std::string draw(const progress_figures& now, double events_per_second) {
  const auto done = std::clamp(now.done, 0.0, 1.0);
  const auto filled = static_cast<std::size_t>(done * width);
  return fmt::format("{}  [{}{}] {:3.0f}%  {} events  {} events/s", wipe, std::string(filled, '#'),
                     std::string(width - filled, '.'), done * 100, format_count(now.events),
                     format_count(static_cast<std::uint64_t>(events_per_second)));
}

}  // namespace

bool at_terminal() { return isatty(STDOUT_FILENO) == 1 && isatty(STDERR_FILENO) == 1; }

progress_bar::progress_bar(bool shown, std::function<progress_figures()> look) : look_(std::move(look)) {
  if (shown) drawing_ = std::thread{[this] { run(); }};
}

progress_bar::~progress_bar() {
  {
    const std::lock_guard lock{mutex_};
    over_ = true;
  }
  woken_.notify_one();
  if (drawing_.joinable()) drawing_.join();
}

void progress_bar::run() {
  using clock = std::chrono::steady_clock;
  auto last_time = clock::now();
  auto last_events = look_().events;
  double rate = 0;
  std::unique_lock lock{mutex_};
  while (!woken_.wait_for(lock, period, [this] { return over_; })) {
    const auto now = look_();
    const auto time = clock::now();
    const auto seconds = std::chrono::duration<double>(time - std::exchange(last_time, time)).count();
    const auto latest = static_cast<double>(now.events - std::exchange(last_events, now.events)) / seconds;
    rate = rate == 0 ? latest : 0.8 * rate + 0.2 * latest;  // smoothed, to be readable
    write(draw(now, rate));
  }
  write(wipe);
}

}  // namespace shop
