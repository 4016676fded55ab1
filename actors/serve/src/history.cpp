#include "history.hpp"

#include <algorithm>
#include <exception>
#include <stop_token>
#include <utility>

namespace tyto::detail {
namespace {

using json = nlohmann::ordered_json;
using counts = std::vector<std::uint64_t>;

// Another runtime may have begun to count anew.
counts growth(const counts& before, const counts& now) {
  counts grown(now.size());
  const bool is_new = before.size() != now.size() || !std::ranges::equal(before, now, std::ranges::less_equal{});
  for (std::size_t i = 0; i < now.size(); ++i) grown[i] = is_new ? 0 : now[i] - before[i];
  return grown;
}

counts counts_in(const json& status, const char* name) {
  const auto found = status.find(name);
  return found == status.end() ? counts{} : found->get<counts>();
}

}  // namespace

history::history(served& what) : what_(what) {
  taking_.emplace([this](const std::stop_token& ended) {
    while (!ended.stop_requested()) {
      take();
      std::unique_lock lock{mutex_};
      ending_.wait_for(lock, ended, interval, [] { return false; });
    }
  });
}

// What a newer runtime may answer otherwise is not worth more than a gap in the plots.
void history::take() try {
  const auto status = what_.ask({{"do", "status"}});
  if (!status.value("ok", false)) return;
  sample made;
  made.time_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  made.head = status.value("head", std::uint64_t{0});
  for (const auto& each : status.value("consumers", json::array())) {
    made.consumers.push_back({each.value("name", std::string{}), each.value("lag", std::uint64_t{0}),
                              each.value("events_per_second", 0.0), each.value("failures", std::uint64_t{0})});
  }
  auto events = counts_in(status, "commit_events");
  auto times = counts_in(status, "commit_times_us");
  const std::lock_guard lock{mutex_};
  made.number = ++taken_;
  made.commit_events = growth(last_events_, events);
  made.commit_times = growth(last_times_, times);
  last_events_ = std::move(events);
  last_times_ = std::move(times);
  samples_.push_back(std::move(made));
  if (samples_.size() > most_samples) samples_.pop_front();
} catch (const std::exception&) {
}

json history::since(std::uint64_t after) const {
  auto shown = json::array();
  const std::lock_guard lock{mutex_};
  for (const auto& each : samples_) {
    if (each.number <= after) continue;
    json consumers = json::object();
    for (const auto& of : each.consumers) consumers[of.name] = {of.lag, of.rate, of.failures};
    shown.push_back({{"number", each.number},
                     {"time_ms", each.time_ms},
                     {"head", each.head},
                     {"commit_events", each.commit_events},
                     {"commit_times_us", each.commit_times},
                     {"consumers", std::move(consumers)}});
  }
  return {{"interval_ms", interval.count()}, {"samples", std::move(shown)}};
}

}  // namespace tyto::detail
