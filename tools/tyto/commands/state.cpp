// `tyto state` and `tyto deadlines`: what can be said without the program's code, which alone knows what events mean.
#include <fmt/format.h>

#include "commands.hpp"
#include "event_output.hpp"
#include "opened.hpp"
#include "output.hpp"
#include "pending_deadlines.hpp"
#include "table.hpp"
#include "time_text.hpp"
#include "tyto/codec.hpp"
#include "tyto/detail/utc.hpp"
#include "tyto/history.hpp"
#include "tyto/printable.hpp"
#include "tyto/snapshot_store.hpp"

namespace tyto::tool {
namespace {

using json = nlohmann::ordered_json;

struct known_image {
  std::uint64_t sequence_number = 0;
  json state;
};

// Whether something of `sequence_number` and `time` is at or before the moment that was asked for.
bool is_reached(const moment& at, std::uint64_t sequence_number, timestamp time) {
  if (const auto* number = std::get_if<at_sequence>(&at)) return sequence_number <= number->sequence_number;
  return time <= std::get<at_time>(at).time;
}

// An image is an array of two: where the aggregate stood, and its state (docs/storage-format.md).
std::optional<known_image> image_of(std::string_view bytes, const moment& at) {
  auto parsed = json::parse(to_json(bytes), nullptr, false);
  if (!parsed.is_array() || parsed.size() != 2 || !parsed[0].is_object()) return std::nullopt;
  const auto number = parsed[0].value("sequence_number", std::uint64_t{0});
  const timestamp time{std::chrono::microseconds{parsed[0].value("time", std::int64_t{0})}};
  if (!is_reached(at, number, time)) return std::nullopt;
  return known_image{number, std::move(parsed[1])};
}

// The latest image of the stream that is not beyond `at`: a snapshot, or what stands for truncated events.
result<std::optional<known_image>> latest_image(const storage& opened, const std::string& stream,
                                                const stream_info& known, const moment& at) {
  std::optional<known_image> found;
  if (opened.snapshots) {
    auto loaded = opened.snapshots->load(stream, [&](std::uint64_t, const result<std::string_view>& image) {
      if (image) found = image_of(*image, at);
      return found ? visit::stop : visit::next;
    });
    if (!loaded) return std::move(loaded).error();
  }
  if (!found && !known.base.empty()) found = image_of(known.base, at);
  return found;
}

result<moment> parse_moment(const std::string& text, const style& how) {
  if (text.empty()) return moment{detail::end_of_stream};
  if (text.find_first_not_of("0123456789") == std::string::npos && text.size() <= 19) {
    return moment{at_sequence{std::stoull(text)}};
  }
  auto time = parse_time(text, how.utc, system_clock()->now());
  if (!time) return std::move(time).error();
  return moment{at_time{*time}};
}

}  // namespace

outcome show_state(const setting& given, const std::string& stream, const std::string& at_text) {
  if (!check_persistence_id(stream)) {
    return error{errc::invalid_argument, "looking for the state of '" + printable(stream) + "'",
                 "a stream is named category|entity, for example 'account|alice'; `tyto streams` lists them"};
  }
  auto at = parse_moment(at_text, given.how);
  if (!at) return std::move(at).error();
  auto opened = open_for_reading(given.directory);
  if (!opened) return std::move(opened).error();
  auto known = opened->journal->info(stream);
  if (!known) return std::move(known).error();
  if (known->version == 0) {
    note("there is no stream '" + stream + "'; `tyto streams` lists those that there are");
    return answer_is_no;
  }
  auto image = latest_image(*opened, stream, *known, *at);
  if (!image) return std::move(image).error();

  std::vector<recorded_event> events;
  const auto first = *image ? (*image)->sequence_number + 1 : 1;
  auto seen = read_stream(*opened->journal, stream, first, [&](const event_view& event) -> result<visit> {
    if (!is_reached(*at, event.meta.sequence_number, event.meta.time)) return visit::stop;
    events.push_back({event.meta, std::string{event.payload}, nullptr, nullptr});
    return visit::next;
  });
  if (!seen) return std::move(seen).error();

  if (given.how.json) {
    json object{{"stream", stream}};
    object["snapshot"] =
        *image ? json{{"sequence_number", (*image)->sequence_number}, {"state", (*image)->state}} : json(nullptr);
    auto& later = object["events_since"] = json::array();
    for (const auto& each : events) {
      later.push_back({{"sequence_number", each.meta.sequence_number},
                       {"time", detail::to_utc(each.meta.time)},
                       {"type", each.meta.type},
                       {"payload", json::parse(to_json(each.payload), nullptr, false)}});
      if (later.back()["payload"].is_discarded()) later.back()["payload"] = payload_text(each.payload);
    }
    if (auto printed = print(to_text(object) + "\n"); !printed) return std::move(printed).error();
    return done;
  }
  std::string text;
  if (*image) {
    text += shaded(fmt::format("the state after event {}, as its snapshot has it:\n", (*image)->sequence_number),
                   shade::faint, given.how) +
            printable(to_text((*image)->state)) + "\n";
  } else {
    text += shaded("there is no snapshot of this moment, and only the program knows what its events make of a state\n",
                   shade::faint, given.how);
  }
  if (!events.empty()) {
    text += shaded(*image ? "what has happened since:\n" : "what has happened:\n", shade::faint, given.how);
    for (const auto& each : events) text += event_line({each.meta, each.payload}, given.how, 0) + "\n";
  }
  if (auto printed = print(text); !printed) return std::move(printed).error();
  return done;
}

outcome show_deadlines(const setting& given) {
  auto opened = open_for_reading(given.directory);
  if (!opened) return std::move(opened).error();
  auto deadlines = survey::pending_deadlines(*opened);
  if (!deadlines) return std::move(deadlines).error();
  const auto now = system_clock()->now();
  table shown{{{"process_manager"}, {"instance"}, {"deadline"}, {"due"}, {"in", align::right}}};
  for (const auto& each : *deadlines) {
    const auto left = each.due - now;
    auto in = cell::shown_as(left.count() < 0 ? "overdue by " + show_span(-left) : show_span(left), left.count());
    shown.add({cell::of(each.process_manager), cell::of(each.instance), cell::of(each.name),
               cell::of(each.due, given.how), in});
  }
  if (shown.empty()) {
    note("no deadline is set");
    return done;
  }
  if (auto printed = print(shown.shown(given.how)); !printed) return std::move(printed).error();
  return done;
}

}  // namespace tyto::tool
