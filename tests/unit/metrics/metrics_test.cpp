#include <prometheus/metric_family.h>

#include <cmath>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <tyto/memory_store.hpp>
#include <tyto/metrics.hpp>

#include "support/catch.hpp"

namespace tyto {
namespace {

using namespace std::chrono_literals;
using prometheus::MetricFamily;
using prometheus::MetricType;

struct moved {
  std::int64_t cents = 0;
};
TYTO_EVENT(moved, "purse.moved", cents)

struct purse {
  static constexpr std::string_view category = "purse";
  using command = std::variant<moved>;
  using event = std::variant<moved>;
  struct state {};
  static decision<event> decide(const state&, const moved& c) {
    if (c.cents < 0) return reject("no");
    return c;
  }
  static state evolve(state s, const moved&) { return s; }
};

struct watcher {
  static constexpr std::string_view name = "watcher";
  static constexpr failure_policy failures{.retries = 0};
  static commands react(const moved& e, const metadata&) {
    if (e.cents == 13) throw std::runtime_error{"unlucky"};
    return {};
  }
};

struct reminded {
  timestamp due;
};
TYTO_EVENT(reminded, "reminder.set", due)

struct reminder {
  static constexpr std::string_view name = "reminder";
  using inputs = events<moved>;
  using event = std::variant<reminded>;
  struct state {
    bool is_set = false;
  };
  static correlation correlate(const moved&, const metadata& m) { return starts(m.entity_id()); }
  static decision<event> on(const state& s, const moved&, const metadata& m) {
    if (s.is_set) return nothing;
    return reminded{m.time + 24h};
  }
  static decision<event> on(const state&, const deadline&) { return nothing; }
  static state evolve(state, const reminded&) { return {true}; }
  static steps then(const reminded& e, const std::string&) { return {set_deadline{"due", e.due}}; }
};

struct shown {
  explicit shown(std::vector<MetricFamily> all) : families(std::move(all)) {}

  [[nodiscard]] const MetricFamily& family(const std::string& name) const {
    const auto found = std::ranges::find(families, name, &MetricFamily::name);
    REQUIRE(found != families.end());
    return *found;
  }
  [[nodiscard]] double value(const std::string& name, const std::string& label = {}) const {
    const auto& of = family(name);
    for (const auto& each : of.metric) {
      if (!label.empty() && each.label.front().value != label) continue;
      return of.type == MetricType::Counter ? each.counter.value : each.gauge.value;
    }
    FAIL(name << " has nothing for " << label);
    return 0;
  }
  std::vector<MetricFamily> families;
};

// A runtime that has done a little of everything.
struct used_runtime {
  used_runtime() {
    rt.aggregate<purse>().reaction<watcher>().process_manager<reminder>().start().value();
    for (int i = 0; i < 5; ++i) (void)rt.execute<purse>("ann", moved{i}).value();
    CHECK_FALSE(rt.execute<purse>("ann", moved{-1}));
    (void)rt.execute<purse>("ben", moved{13}).value();
    rt.settle(30s).value();
  }
  storage stores = open_memory();
  runtime rt{stores, {.log = [](std::string_view) {}}};
};

TEST_CASE("The figures are those of the runtime") {
  used_runtime used;
  const auto figures = metrics_of(used.rt);
  const shown now{figures->Collect()};
  CHECK(now.value("tyto_up") == 1);
  CHECK(now.value("tyto_events_total") == static_cast<double>(used.rt.status().head));
  CHECK(now.value("tyto_commands_total") == static_cast<double>(used.rt.status().aggregates.commands));
  CHECK(now.value("tyto_rejections_total") == 1);
  CHECK(now.value("tyto_commands_in_flight") == 0);
  CHECK(now.value("tyto_consumer_dead_letters", "watcher") == 1);
  CHECK(now.value("tyto_consumer_lag_events", "watcher") == 0);
  CHECK(now.value("tyto_consumer_failures_total", "watcher") == 1);
  CHECK(now.value("tyto_deadlines", "reminder") == 2);
  CHECK(now.value("tyto_problems") == 1);
  CHECK(now.value("tyto_storage_files_in_place", "journal") == 1);
  used.rt.stop().value();
  CHECK(shown{figures->Collect()}.value("tyto_up") == 0);
}

TEST_CASE("Histograms count every commit, and their buckets add up") {
  used_runtime used;
  const shown now{metrics_of(used.rt)->Collect()};
  const auto status = used.rt.status();
  for (const auto* name : {"tyto_commit_events", "tyto_commit_seconds"}) {
    const auto& histogram = now.family(name).metric.front().histogram;
    CHECK(histogram.sample_count == status.commits);
    REQUIRE(histogram.bucket.size() == 24);
    CHECK(std::isinf(histogram.bucket.back().upper_bound));
    CHECK(histogram.bucket.back().cumulative_count == status.commits);
    CHECK(std::ranges::is_sorted(histogram.bucket, {}, &prometheus::ClientMetric::Bucket::cumulative_count));
    CHECK(std::ranges::is_sorted(histogram.bucket, {}, &prometheus::ClientMetric::Bucket::upper_bound));
  }
  CHECK(now.family("tyto_commit_events").metric.front().histogram.sample_sum == static_cast<double>(status.head));
  CHECK(now.family("tyto_commit_events").metric.front().histogram.bucket.front().upper_bound == 1);
}

TEST_CASE("Names follow Prometheus's rules, and each family is shown once") {
  used_runtime used;
  const shown now{metrics_of(used.rt)->Collect()};
  std::set<std::string> names;
  for (const auto& each : now.families) {
    CAPTURE(each.name);
    CHECK(names.insert(each.name).second);
    CHECK(std::regex_match(each.name, std::regex{"tyto_[a-z_]+"}));
    CHECK(each.name.ends_with("_total") == (each.type == MetricType::Counter));
    CHECK(each.help.ends_with("."));
    CHECK_FALSE(each.metric.empty());
  }
}

TEST_CASE("The dashboard and the alert rules name figures that there are") {
  used_runtime used;
  const shown now{metrics_of(used.rt)->Collect()};
  std::set<std::string> names;
  for (const auto& each : now.families) names.insert(each.name);
  for (const auto* file : {"dashboard.json", "alerts.yml"}) {
    std::ifstream in{std::string{TYTO_MONITORING} + "/" + file};
    std::stringstream content;
    content << in.rdbuf();
    const auto text = content.str();
    const std::regex figure{R"(tyto_[a-z_]+)"};
    int found = 0;
    for (std::sregex_iterator each{text.begin(), text.end(), figure}; each != std::sregex_iterator{}; ++each, ++found) {
      const auto name = std::regex_replace(each->str(), std::regex{"(commit_[a-z]+)_(bucket|sum|count)$"}, "$1");
      CAPTURE(file, each->str());
      CHECK(names.contains(name));
    }
    CHECK(found > 5);
  }
}

}  // namespace
}  // namespace tyto
