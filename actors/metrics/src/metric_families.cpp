#include "metric_families.hpp"

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace tyto::detail {
namespace {

using json = nlohmann::ordered_json;
using labels = std::vector<prometheus::ClientMetric::Label>;
using prometheus::MetricType;

class families {
 public:
  void counter(const std::string& name, const std::string& help, double value, labels of = {}) {
    add(name, help, MetricType::Counter, std::move(of)).counter.value = value;
  }
  void gauge(const std::string& name, const std::string& help, double value, labels of = {}) {
    add(name, help, MetricType::Gauge, std::move(of)).gauge.value = value;
  }
  /// `counts` are those of a size_counts, which have the sum `sum`; a size of 1 there is `unit` here.
  void histogram(const std::string& name, const std::string& help, const json& counts, double sum, double unit) {
    auto& made = add(name, help, MetricType::Histogram, {}).histogram;
    double power = 1;
    for (const auto& each : counts) {
      made.sample_count += each.get<std::uint64_t>();
      // Sizes are whole numbers: those below 2^(i+1) are at most 2^(i+1) - 1.
      power *= 2;
      made.bucket.push_back({made.sample_count, (power - 1) * unit});
    }
    if (!made.bucket.empty()) made.bucket.back().upper_bound = INFINITY;  // the last one also counts what is larger
    made.sample_sum = sum * unit;
  }
  std::vector<prometheus::MetricFamily> take() && { return std::move(made_); }

 private:
  prometheus::ClientMetric& add(const std::string& name, const std::string& help, MetricType type, labels of) {
    if (made_.empty() || made_.back().name != name) made_.push_back({name, help, type, {}});
    auto& metric = made_.back().metric.emplace_back();
    metric.label = std::move(of);
    return metric;
  }
  std::vector<prometheus::MetricFamily> made_;
};

double number(const json& of, const char* name) { return of.value(name, 0.0); }

void add_runtime(families& to, const json& status) {
  to.histogram("tyto_commit_events", "Events in a commit.", status.at("commit_events"),
               number(status, "commit_events_sum"), 1);
  to.histogram("tyto_commit_seconds", "How long a commit took until it was durable.", status.at("commit_times_us"),
               number(status, "commit_times_us_sum"), 1e-6);
  const auto& done = status.at("aggregates");
  to.counter("tyto_commands_total", "Commands that have reached their aggregates, of callers and consumers.",
             number(done, "commands"));
  to.counter("tyto_rejections_total", "Commands that the domain has rejected.", number(done, "rejections"));
  to.counter("tyto_conflicts_total", "Commands that found another version than they expected.",
             number(done, "conflicts"));
  to.counter("tyto_repetitions_total", "Commands whose id was known.", number(done, "repetitions"));
  to.counter("tyto_recoveries_total", "Times that an aggregate was brought back from storage.",
             number(done, "recoveries"));
  to.counter("tyto_recoveries_with_snapshot_total", "Recoveries that began with a snapshot.",
             number(done, "snapshots_used"));
  to.gauge("tyto_live_aggregates", "Aggregates in memory.", number(status, "live_aggregates"));
  to.gauge("tyto_commands_in_flight", "Commands of callers that wait for their answers.",
           number(status, "commands_in_flight"));
}

void add_consumers(families& to, const json& consumers) {
  // One family after the other, as the text form wants it.
  const auto each = [&](const auto& show) {
    for (const auto& consumer : consumers) show(consumer, labels{{"consumer", consumer.at("name").get<std::string>()}});
  };
  each([&](const json& c, labels of) {
    to.gauge("tyto_consumer_position", "The consumer is done with the events up to here.", number(c, "position"),
             std::move(of));
  });
  each([&](const json& c, labels of) {
    to.gauge("tyto_consumer_lag_events", "Events that the consumer is behind.", number(c, "lag"), std::move(of));
  });
  each([&](const json& c, labels of) {
    to.gauge("tyto_consumer_lag_seconds", "Age of the last event that the consumer is done with, while it is behind.",
             number(c, "lag_time_us") * 1e-6, std::move(of));
  });
  each([&](const json& c, labels of) {
    to.counter("tyto_consumer_failures_total", "Attempts of the consumer that failed.", number(c, "failures"),
               std::move(of));
  });
  each([&](const json& c, labels of) {
    to.counter("tyto_consumer_refused_total", "Commands of the consumer that were rejected or found another version.",
               number(c, "refused"), std::move(of));
  });
  each([&](const json& c, labels of) {
    to.gauge("tyto_consumer_dead_letters", "Dead letters of the consumer.", number(c, "parked"), std::move(of));
  });
  each([&](const json& c, labels of) {
    of.push_back({"state", c.at("state").get<std::string>()});
    to.gauge("tyto_consumer_state", "1 for the state that the consumer is in.", 1, std::move(of));
  });
}

void add_condition(families& to, const std::string& part, const storage_condition& now) {
  const labels of{{"part", part}};
  to.gauge("tyto_storage_used_bytes", "Bytes of the map that are in use.", static_cast<double>(now.used_bytes), of);
}

void add_storage(families& to, const storage& stores) {
  if (const auto head = stores.journal->head()) {
    to.counter("tyto_events_total", "Events in the journal: the position of the last one.", static_cast<double>(*head));
  }
  if (const auto size = stores.journal->size_bytes()) {
    to.gauge("tyto_journal_bytes", "Bytes that the journal takes on the disk.", static_cast<double>(*size));
  }
  const std::vector<std::pair<std::string, storage_condition>> parts{{"journal", stores.journal->condition()},
                                                                     {"read_models", stores.read_models->condition()}};
  for (const auto& [part, now] : parts) add_condition(to, part, now);
  for (const auto& [part, now] : parts) {
    to.gauge("tyto_storage_capacity_bytes", "Bytes that the map can grow to.", static_cast<double>(now.capacity_bytes),
             {{"part", part}});
  }
  for (const auto& [part, now] : parts) {
    to.gauge("tyto_storage_files_in_place", "1 if the files are where they should be.", now.files ? 1 : 0,
             {{"part", part}});
  }
  for (const auto& [part, now] : parts) {
    to.gauge("tyto_slowest_reader_held_bytes", "Bytes that the slowest reader keeps from being used again, at least.",
             now.slowest_reader ? static_cast<double>(now.slowest_reader->bytes_held) : 0, {{"part", part}});
  }
}

// The deadlines of a process manager are rows of the projection `name/deadlines`.
void add_deadlines(families& to, const storage& stores) {
  constexpr std::string_view suffix = "/deadlines";
  const auto all = stores.read_models->checkpoints();
  if (!all) return;
  for (const auto& each : *all) {
    if (!each.name.ends_with(suffix)) continue;
    const auto rows = stores.read_models->snapshot(each.name);
    const auto count = rows ? (*rows)->count() : result<std::uint64_t>{rows.error()};
    if (!count) continue;
    to.gauge("tyto_deadlines", "Deadlines that are set.", static_cast<double>(*count),
             {{"process_manager", each.name.substr(0, each.name.size() - suffix.size())}});
  }
}

}  // namespace

std::vector<prometheus::MetricFamily> metric_families(const json& status, const json& health, const storage& stores) {
  families made;
  const bool runs = status.value("ok", false) && status.value("running", false);
  made.gauge("tyto_up", "1 if a runtime runs.", runs ? 1 : 0);
  add_storage(made, stores);
  add_deadlines(made, stores);
  if (health.value("ok", false)) {
    made.gauge("tyto_problems", "What does not work at the moment.",
               static_cast<double>(health.at("problems").size()) + number(health, "unlisted"));
  }
  if (status.value("ok", false)) {
    add_runtime(made, status);
    add_consumers(made, status.at("consumers"));
  }
  return std::move(made).take();
}

}  // namespace tyto::detail
