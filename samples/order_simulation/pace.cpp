#include "pace.hpp"

#include <algorithm>

namespace shop {
namespace {

constexpr std::size_t max_noted = 1'000;

}  // namespace

void pace::note(double seconds, std::uint64_t events) {
  last_ = {seconds, static_cast<double>(events)};
  if (!noted_.empty() && seconds - noted_.back().seconds < interval_) return;
  noted_.push_back(last_);
  if (noted_.size() < max_noted) return;
  // Every second one is enough from here on.
  for (std::size_t i = 0; 2 * i < noted_.size(); ++i) noted_[i] = noted_[2 * i];
  noted_.resize((noted_.size() + 1) / 2);
  interval_ *= 2;
}

std::vector<double> pace::in_parts(std::size_t parts) const {
  if (noted_.empty() || last_.seconds <= noted_.front().seconds) return {};
  auto all = noted_;
  all.push_back(last_);
  // Between two notes events come evenly.
  const auto events_at = [&all](double seconds) {
    const auto behind = std::ranges::lower_bound(all, seconds, {}, &moment::seconds);
    if (behind == all.begin()) return all.front().events;
    if (behind == all.end()) return all.back().events;
    const auto& before = *(behind - 1);
    return before.events +
           (behind->events - before.events) * (seconds - before.seconds) / (behind->seconds - before.seconds);
  };
  const auto part = (last_.seconds - all.front().seconds) / static_cast<double>(parts);
  std::vector<double> rates;
  auto events = all.front().events;
  for (std::size_t i = 1; i <= parts; ++i) {
    const auto at_end = events_at(all.front().seconds + part * static_cast<double>(i));
    rates.push_back((at_end - events) / part);
    events = at_end;
  }
  return rates;
}

}  // namespace shop
