// `tyto streams` and `tyto stats`: the journal counted.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "commands.hpp"
#include "event_reader.hpp"
#include "opened.hpp"
#include "output.hpp"
#include "table.hpp"
#include "time_text.hpp"

namespace tyto::tool {
namespace {

struct tally {
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;  // of payloads
  timestamp first{};
  timestamp last{};

  void add(const event_view& event) {
    if (events++ == 0) first = event.meta.time;
    last = event.meta.time;
    bytes += event.payload.size();
  }
};

cell bytes_cell(std::uint64_t bytes) { return cell::shown_as(show_bytes(bytes), bytes); }

std::string_view name_of(stream_state state) {
  switch (state) {
    case stream_state::open:
      return "open";
    case stream_state::closed:
      return "closed";
    case stream_state::deleted:
      return "deleted";
  }
  return {};
}

// Counts the events of `which` up to the head of now.
result<void> count_events(const event_store& journal, const event_selection& which, std::string doing,
                          const std::function<void(const event_view&)>& see) {
  auto head = journal.head();
  if (!head) return std::move(head).error();
  progress shown{std::move(doing), *head};
  auto seen = scan(journal, {1, *head}, which, see, &shown);
  return seen ? result<void>{} : std::move(seen).error();
}

table by_name(const std::string& column, const std::map<std::string, tally>& counted, std::uint64_t all,
              const style& how) {
  table shown{{{column},
               {"events", align::right},
               {"share", align::right},
               {"bytes", align::right},
               {"mean_bytes", align::right},
               {"first"},
               {"last"}}};
  std::vector<std::pair<std::string, tally>> sorted{counted.begin(), counted.end()};
  std::ranges::stable_sort(sorted, std::greater{}, [](const auto& each) { return each.second.events; });
  for (const auto& [name, each] : sorted) {
    const auto share = static_cast<double>(each.events) / static_cast<double>(all);
    shown.add({cell::of(name), cell::of(each.events), cell::shown_as(fmt::format("{:.1f} %", share * 100), share),
               bytes_cell(each.bytes), bytes_cell(each.bytes / each.events), cell::of(each.first, how),
               cell::of(each.last, how)});
  }
  return shown;
}

}  // namespace

outcome show_streams(const setting& given, const std::vector<std::string>& categories) {
  auto opened = open_for_reading(given.directory);
  if (!opened) return std::move(opened).error();
  std::map<std::string, tally> streams;
  auto counted = count_events(*opened->journal, {.only = {.types = {}, .categories = categories}}, "reading",
                              [&](const event_view& event) { streams[event.meta.persistence_id].add(event); });
  if (!counted) return std::move(counted).error();
  table shown{{{"stream"}, {"events", align::right}, {"version", align::right}, {"state"}, {"first"}, {"last"}}};
  for (const auto& [name, each] : streams) {
    auto known = opened->journal->info(name);
    if (!known) return std::move(known).error();
    shown.add({cell::of(name), cell::of(each.events), cell::of(known->version), cell::of(name_of(known->state)),
               cell::of(each.first, given.how), cell::of(each.last, given.how)});
  }
  if (shown.empty()) {
    note(categories.empty() ? "the journal has no events" : "no stream is of this category");
    return done;
  }
  if (auto printed = print(shown.shown(given.how)); !printed) return std::move(printed).error();
  return done;
}

outcome show_stats(const setting& given, const selection_request& request) {
  auto which = request.parsed(given.how);
  if (!which) return std::move(which).error();
  auto opened = open_for_reading(given.directory);
  if (!opened) return std::move(opened).error();
  tally all;
  std::map<std::string, tally> types;
  std::map<std::string, tally> categories;
  std::unordered_map<std::string, std::uint64_t> streams;
  std::uint64_t decisions = 0;
  auto counted = count_events(*opened->journal, *which, "counting", [&](const event_view& event) {
    all.add(event);
    types[event.meta.type].add(event);
    categories[std::string{event.meta.category()}].add(event);
    ++streams[event.meta.persistence_id];
    if (event.meta.decision_index == 0) ++decisions;
  });
  if (!counted) return std::move(counted).error();
  if (all.events == 0) {
    note("there are no such events");
    return done;
  }
  std::vector<std::pair<std::string, std::uint64_t>> longest{streams.begin(), streams.end()};
  const auto top = std::min<std::size_t>(longest.size(), 5);
  std::ranges::partial_sort(longest, longest.begin() + static_cast<std::ptrdiff_t>(top), std::greater{},
                            [](const auto& each) { return each.second; });
  longest.resize(top);

  table totals{{{"events", align::right},
                {"decisions", align::right},
                {"streams", align::right},
                {"payload_bytes", align::right},
                {"first"},
                {"last"}}};
  totals.add({cell::of(all.events), cell::of(decisions), cell::of(streams.size()), bytes_cell(all.bytes),
              cell::of(all.first, given.how), cell::of(all.last, given.how)});
  table longest_streams{{{"longest_stream"}, {"events", align::right}}};
  for (const auto& [name, events] : longest) longest_streams.add({cell::of(name), cell::of(events)});

  const auto gap = given.how.json ? "" : "\n";
  const auto text = totals.shown(given.how) + gap + by_name("type", types, all.events, given.how).shown(given.how) +
                    gap + by_name("category", categories, all.events, given.how).shown(given.how) + gap +
                    longest_streams.shown(given.how);
  if (auto printed = print(text); !printed) return std::move(printed).error();
  return done;
}

}  // namespace tyto::tool
