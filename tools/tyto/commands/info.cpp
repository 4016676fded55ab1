// `tyto info`, `tyto health` and `tyto consumers`: what there is, and how it is doing.
#include <fmt/format.h>

#include <map>

#include "commands.hpp"
#include "known_consumers.hpp"
#include "opened.hpp"
#include "output.hpp"
#include "running.hpp"
#include "table.hpp"
#include "time_text.hpp"
#include "tyto/printable.hpp"

namespace tyto::tool {
namespace {

using json = nlohmann::ordered_json;

// The time of the first event at or after `from`, if there is one.
result<std::optional<timestamp>> time_of_first(const event_store& journal, std::uint64_t from) {
  std::optional<timestamp> time;
  auto seen = journal.read_all({.from = from}, [&](const event_view& event) {
    time = event.meta.time;
    return visit::stop;
  });
  if (!seen) return std::move(seen).error();
  return time;
}

cell cell_of(const std::optional<timestamp>& time, const style& how) {
  return time ? cell::of(*time, how) : cell::none();
}

// One thing a line, or one object.
class sheet {
 public:
  void add(std::string name, cell value) { lines_.emplace_back(std::move(name), std::move(value)); }

  [[nodiscard]] std::string shown(const style& how) const {
    if (how.json) {
      auto object = json::object();
      for (const auto& [name, value] : lines_) object[name] = value.value;
      return to_text(object) + "\n";
    }
    std::string text;
    for (const auto& [name, value] : lines_) {
      auto label = name;
      for (auto& each : label) each = each == '_' ? ' ' : each;
      text += shaded(fmt::format("{:<18}", label), shade::faint, how) + value.text + "\n";
    }
    return text;
  }

 private:
  std::vector<std::pair<std::string, cell>> lines_;
};

cell cell_of_bytes(std::uint64_t bytes) { return cell::shown_as(show_bytes(bytes), bytes); }

shade shade_of(const std::string& state) {
  if (state == "failing" || state == "halted") return shade::bad;
  return state == "running" ? shade::good : shade::faint;
}

struct live_consumer {
  std::string state;
  double events_per_second = 0;
  std::uint64_t failures = 0;
  std::uint64_t refused = 0;
  std::string last_error = {};
};

// What the runtime says of its consumers, if one runs.
std::optional<std::map<std::string, live_consumer>> live_consumers(const setting& given) {
  const auto status = status_of_runtime(given);
  if (!status) return std::nullopt;
  std::map<std::string, live_consumer> live;
  for (const auto& each : (*status)["consumers"]) {
    live.insert_or_assign(
        each.value("name", std::string{}),
        live_consumer{each.value("state", std::string{}), each.value("events_per_second", 0.0),
                      each.value("failures", std::uint64_t{0}), each.value("refused", std::uint64_t{0}),
                      each.value("last_error", std::string{})});
  }
  return live;
}

}  // namespace

outcome show_info(const setting& given) {
  auto opened = open_for_reading(given.directory);
  if (!opened) return std::move(opened).error();
  auto described = describe(given.directory);
  if (!described) return std::move(described).error();
  auto head = opened->journal->head();
  if (!head) return std::move(head).error();
  auto first = time_of_first(*opened->journal, 1);
  if (!first) return std::move(first).error();
  auto last = last_events(*opened->journal, *head, 1, {});
  if (!last) return std::move(last).error();
  auto consumers = survey::known_consumers(*opened);
  if (!consumers) return std::move(consumers).error();
  const auto status = status_of_runtime(given);

  sheet about;
  about.add("directory", cell::of(std::filesystem::absolute(given.directory).lexically_normal().string()));
  about.add("journal", cell::of(described->journal_id));
  about.add("format", cell::of(std::uint64_t{described->format}));
  about.add("created", cell::of(described->created, given.how));
  about.add("head", cell::of(*head));
  about.add("first_event", cell_of(*first, given.how));
  about.add("last_event", last->empty() ? cell::none() : cell::of(last->front().meta.time, given.how));
  about.add("journal_bytes", cell_of_bytes(described->journal_bytes));
  about.add("read_models_bytes", cell_of_bytes(described->read_models_bytes));
  about.add("consumers", cell::of(names_of(*consumers).size()));
  about.add("writer", described->writer
                          ? cell::shown_as(fmt::format("process {}", *described->writer), *described->writer)
                          : cell::shown_as("none", nullptr));
  about.add("control_socket", status ? cell::shown_as("a runtime listens", true) : cell::shown_as("none", false));
  if (auto printed = print(about.shown(given.how)); !printed) return std::move(printed).error();
  return done;
}

outcome show_consumers(const setting& given) {
  auto opened = open_for_reading(given.directory);
  if (!opened) return std::move(opened).error();
  auto consumers = survey::known_consumers(*opened);
  if (!consumers) return std::move(consumers).error();
  auto head = opened->journal->head();
  if (!head) return std::move(head).error();
  const auto live = live_consumers(given);

  std::vector<table::column> columns{
      {"consumer"}, {"kind"}, {"position", align::right}, {"lag", align::right}, {"dead_letters", align::right}};
  if (live) {
    for (const auto* name : {"events_per_second", "failures", "refused"}) columns.push_back({name, align::right});
    columns.push_back({"state"});
    columns.push_back({"last_error"});
  }
  table shown{columns};
  std::map<std::string, std::size_t> parked;
  for (const auto& name : names_of(*consumers)) {
    auto letters = dead_letters(*opened->journal, name);
    if (!letters) return std::move(letters).error();
    parked[name] = letters->size();
  }
  for (const auto& each : *consumers) {
    auto letters = cell::of(parked[each.consumer]);
    if (parked[each.consumer] > 0) letters.as = shade::bad;
    // The head was looked up last, but a consumer may have moved on since its checkpoint was.
    std::vector<cell> row{cell::of(each.name), cell::of(each.has_rows ? "projection" : "reaction"),
                          cell::of(each.position), cell::of(*head - std::min(*head, each.position)), letters};
    if (live) {
      const auto found = live->find(each.name);
      const live_consumer none{.state = "not registered"};
      const auto& now = found == live->end() ? none : found->second;
      row.push_back(cell::shown_as(fmt::format("{:.0f}", now.events_per_second), now.events_per_second));
      row.push_back(cell::of(now.failures));
      row.push_back(cell::of(now.refused));
      auto state = cell::of(now.state);
      state.as = shade_of(now.state);
      row.push_back(state);
      row.push_back(cell::of(now.last_error));
    }
    shown.add(std::move(row));
  }
  if (shown.empty()) note("no consumer has stored a checkpoint yet");
  if (shown.empty()) return done;
  if (auto printed = print(shown.shown(given.how)); !printed) return std::move(printed).error();
  return done;
}

outcome show_health(const setting& given) {
  auto answer = demand_of_runtime(given, json{{"do", "health"}});
  if (!answer) return std::move(answer).error();
  table problems{{{"subject"}, {"since"}, {"times", align::right}, {"message"}}};
  for (const auto& each : (*answer)["problems"]) {
    const auto since = each.value("since", std::string{});
    const auto time = parse_time(since, true, timestamp{});
    problems.add({cell::of(each.value("subject", std::string{})), time ? cell::of(*time, given.how) : cell::of(since),
                  cell::of(each.value("times", std::uint64_t{1})), cell::of(each.value("message", std::string{}))});
  }
  if (!answer->contains("healthy") || !(*answer)["healthy"].is_boolean()) {
    return error{errc::undecodable, "asking the runtime how it is", "its answer is not one that this version knows"};
  }
  const bool is_healthy = (*answer)["healthy"].get<bool>();
  if (!problems.empty()) {
    if (auto printed = print(problems.shown(given.how)); !printed) return std::move(printed).error();
  } else if (!given.how.json) {
    if (auto printed = print(is_healthy ? "healthy\n" : "not healthy\n"); !printed) return std::move(printed).error();
  }
  return is_healthy ? done : answer_is_no;
}

}  // namespace tyto::tool
