// `tyto trace`: what one request set off.
#include <fmt/format.h>

#include <map>

#include "commands.hpp"
#include "event_output.hpp"
#include "opened.hpp"
#include "output.hpp"
#include "table.hpp"
#include "time_text.hpp"
#include "trace_tree.hpp"
#include "tyto/codec.hpp"
#include "tyto/detail/utc.hpp"
#include "tyto/printable.hpp"

namespace tyto::tool {
namespace {

using json = nlohmann::ordered_json;
using traced_events = std::vector<survey::traced_event>;

std::chrono::microseconds after_cause(const traced_events& all, const survey::traced_event& each) {
  if (!each.cause) return std::chrono::microseconds{0};
  return each.event.meta.time - all[*each.cause].event.meta.time;
}

// One line an event; what it caused below it. Goes down without calling itself, for a chain may be long.
std::string tree_text(const traced_events& all, const style& how) {
  struct step {
    std::size_t index;
    std::string indent;
    bool is_last;
  };
  std::vector<step> left;
  for (auto i = all.size(); i-- > 0;) {
    if (!all[i].cause) left.push_back({i, {}, true});
  }
  constexpr std::size_t deepest_indent = 120;  // beyond it only the line says what it follows from
  std::string text;
  while (!left.empty()) {
    const auto at = std::move(left.back());
    left.pop_back();
    const auto& each = all[at.index];
    const auto& meta = each.event.meta;
    if (!each.cause) {
      text += fmt::format("{}  {}", shaded(show_time(meta.time, how.utc), shade::faint, how),
                          meta.causation_id.empty() ? std::string{} : printable("after " + meta.causation_id + "  "));
    } else {
      text += at.indent + (at.is_last ? "└─ " : "├─ ") + printable(each.consumer) + "  ";
    }
    text +=
        fmt::format("{}  {} #{}  {}", shaded(printable(meta.type), shade::strong, how), printable(meta.persistence_id),
                    meta.sequence_number, shaded(fmt::format("at {}", meta.position), shade::faint, how));
    if (each.cause) text += shaded("  +" + show_span(after_cause(all, each)), shade::faint, how);
    text += "\n";
    auto below = each.cause ? at.indent + (at.is_last ? "   " : "│  ") : std::string{};
    if (below.size() > deepest_indent) below = "… ";
    for (auto i = each.effects.size(); i-- > 0;) {
      left.push_back({each.effects[i], below, i + 1 == each.effects.size()});
    }
  }
  return text;
}

result<json> described(const traced_events& all, const survey::traced_event& each) {
  const auto& meta = each.event.meta;
  json object{{"position", meta.position},
              {"time", detail::to_utc(meta.time)},
              {"stream", meta.persistence_id},
              {"sequence_number", meta.sequence_number},
              {"type", meta.type},
              {"command_id", meta.command_id},
              {"cause", each.cause ? json(all[*each.cause].event.meta.position) : json(nullptr)},
              {"consumer", each.consumer.empty() ? json(nullptr) : json(each.consumer)}};
  object["payload"] = json::parse(to_json(each.event.payload), nullptr, false);
  if (object["payload"].is_discarded()) object["payload"] = payload_text(each.event.payload);
  return object;
}

// The Trace Event Format, which chrome://tracing and Perfetto read: a bar from cause to effect in the row of the
// consumer that led from one to the other.
json chrome_trace(const traced_events& all) {
  std::map<std::string, int> rows;
  auto events = json::array();
  for (const auto& each : all) {
    const auto& meta = each.event.meta;
    const auto consumer = each.consumer.empty() ? std::string{"callers"} : each.consumer;
    const auto row = rows.emplace(consumer, static_cast<int>(rows.size()) + 1).first->second;
    const auto span = std::max<std::int64_t>(1, after_cause(all, each).count());
    events.push_back({{"name", meta.type},
                      {"cat", std::string{meta.category()}},
                      {"ph", "X"},
                      {"ts", meta.time.time_since_epoch().count() - (each.cause ? span : 0)},
                      {"dur", span},
                      {"pid", 1},
                      {"tid", row},
                      {"args", {{"stream", meta.persistence_id}, {"position", meta.position}}}});
  }
  for (const auto& [name, row] : rows) {
    events.push_back({{"name", "thread_name"}, {"ph", "M"}, {"pid", 1}, {"tid", row}, {"args", {{"name", name}}}});
  }
  return {{"traceEvents", events}, {"displayTimeUnit", "ms"}};
}

}  // namespace

outcome show_trace(const setting& given, const std::string& correlation, trace_form form) {
  auto opened = open_for_reading(given.directory);
  if (!opened) return std::move(opened).error();
  auto head = opened->journal->head();
  if (!head) return std::move(head).error();
  event_selection which;
  which.correlation = correlation;
  std::vector<recorded_event> events;
  progress shown{"looking", *head};
  auto seen = read(
      *opened->journal, {1, *head}, which,
      [&](const event_view& event) -> result<visit> {
        events.push_back({event.meta, std::string{event.payload}, nullptr, nullptr});
        return visit::next;
      },
      &shown);
  if (!seen) return std::move(seen).error();
  if (events.empty()) {
    note("no event has the correlation id '" + correlation + "'; `tyto tail --json` shows the ids of the last events");
    return answer_is_no;
  }
  const auto traced = survey::trace(std::move(events));
  std::string text;
  if (form == trace_form::chrome) {
    text = to_text(chrome_trace(traced)) + "\n";
  } else if (form == trace_form::json || given.how.json) {
    for (const auto& each : traced) {
      auto object = described(traced, each);
      if (!object) return std::move(object).error();
      text += to_text(*object) + "\n";
    }
  } else {
    text = tree_text(traced, given.how);
  }
  if (auto printed = print(text); !printed) return std::move(printed).error();
  return done;
}

}  // namespace tyto::tool
