// `tyto dead-letters`, `tyto pause`, `resume` and `reset`: acting on consumers. Where a runtime runs, it does it. Where
// none does, the command does what is safe on the files under the writer's lock: to give a letter up, and to have a
// projection begin anew.
#include <fmt/format.h>

#include <algorithm>

#include "commands.hpp"
#include "known_consumers.hpp"
#include "opened.hpp"
#include "output.hpp"
#include "running.hpp"
#include "table.hpp"
#include "tyto/dead_letter.hpp"
#include "tyto/printable.hpp"

namespace tyto::tool {
namespace {

using json = nlohmann::ordered_json;

error unknown_consumer(const std::string& consumer, const std::vector<std::string>& known) {
  std::string names;
  for (const auto& each : known) names += (names.empty() ? "" : ", ") + each;
  return {errc::invalid_argument, "looking for the consumer '" + printable(consumer) + "'",
          known.empty() ? "no consumer has stored a checkpoint yet" : "there are " + printable(names)};
}

// Asks for something that changes a consumer, and says that it is done.
outcome demand(const setting& given, const json& request, const std::string& said) {
  auto answer = demand_of_runtime(given, request);
  if (!answer) return std::move(answer).error();
  note(said);
  return done;
}

// Records that letters are given up, as the runtime does when it is told so.
result<std::size_t> record_discarded(const storage& opened, const std::string& consumer,
                                     const std::vector<dead_letter>& letters) {
  const auto stream = make_persistence_id(consumer_record::category, consumer);
  auto known = opened.journal->info(stream);
  if (!known) return std::move(known).error();
  auto write = std::make_shared<stream_write>();
  write->persistence_id = stream;
  write->expected = expected_version::exactly(known->version);
  for (const auto& each : letters) {
    recorded_event made;
    made.meta.type = stored_name<event_released>;
    made.meta.time = system_clock()->now();
    made.payload = to_bytes(event_released{each.event.position, true, each.event.part});
    write->events.push_back(std::move(made));
  }
  auto appended = append_and_wait(*opened.journal, {.writes = {write}, .checkpoints = {}});
  if (!appended) return std::move(appended).error();
  if (!appended->front()) return std::move(appended->front()).error();
  return letters.size();
}

}  // namespace

outcome list_dead_letters(const setting& given, const std::string& consumer) {
  auto opened = open_for_reading(given.directory);
  if (!opened) return std::move(opened).error();
  auto consumers = survey::known_consumers(*opened);
  if (!consumers) return std::move(consumers).error();
  auto names = names_of(*consumers);
  if (!consumer.empty()) {
    if (std::ranges::find(names, consumer) == names.end()) return unknown_consumer(consumer, names);
    names = {consumer};
  }
  table shown{{{"consumer"},
               {"position", align::right},
               {"part"},
               {"key"},
               {"stream"},
               {"type"},
               {"since"},
               {"attempts", align::right},
               {"reason"}}};
  for (const auto& name : names) {
    auto letters = dead_letters(*opened->journal, name);
    if (!letters) return std::move(letters).error();
    for (const auto& [event, since] : *letters) {
      shown.add({cell::of(name), cell::of(event.position),
                 event.part ? cell::of(std::uint64_t{*event.part}) : cell::none(), cell::of(event.key),
                 cell::of(event.persistence_id), cell::of(event.type), cell::of(since, given.how),
                 cell::of(std::uint64_t{event.attempts}),
                 event.reason.empty() ? cell::shown_as("waits behind another", "") : cell::of(event.reason)});
    }
  }
  if (shown.empty()) {
    note("there are no dead letters");
    return done;
  }
  if (auto printed = print(shown.shown(given.how)); !printed) return std::move(printed).error();
  return done;
}

outcome replay_dead_letters(const setting& given, const replay_request& request) {
  json asked{{"do", "replay"}, {"consumer", request.consumer}};
  if (request.key) asked["key"] = *request.key;
  auto answer = demand_of_runtime(given, asked);
  if (!answer) return std::move(answer).error();
  note(fmt::format("{} dead letters were handled", answer->value("handled", std::uint64_t{0})));
  return done;
}

outcome discard_dead_letter(const setting& given, const discard_request& request) {
  auto answer =
      ask_runtime(given, json{{"do", "discard"}, {"consumer", request.consumer}, {"position", request.position}});
  if (!answer) return std::move(answer).error();
  auto discarded = result<std::size_t>{std::size_t{0}};
  if (*answer) {
    discarded = (**answer).value("discarded", std::size_t{0});
  } else {
    auto opened = open_for_writing(given.directory);
    if (!opened) return std::move(opened).error();
    auto known = survey::known_consumers(*opened);
    if (!known) return std::move(known).error();
    const auto names = survey::names_of(*known);
    if (std::ranges::find(names, request.consumer) == names.end()) return unknown_consumer(request.consumer, names);
    auto letters = dead_letters(*opened->journal, request.consumer);
    if (!letters) return std::move(letters).error();
    std::erase_if(*letters, [&](const dead_letter& each) { return each.event.position != request.position; });
    if (!letters->empty()) discarded = record_discarded(*opened, request.consumer, *letters);
  }
  if (!discarded) return std::move(discarded).error();
  if (*discarded == 0) {
    note(fmt::format("'{}' has no dead letter at position {}; `tyto dead-letters list` shows those that there are",
                     request.consumer, request.position));
    return answer_is_no;
  }
  note(fmt::format("given up: position {}", request.position));
  return done;
}

outcome pause_consumer(const setting& given, const std::string& consumer) {
  return demand(given, json{{"do", "pause"}, {"consumer", consumer}}, "'" + consumer + "' is paused");
}

outcome resume_consumer(const setting& given, const std::string& consumer) {
  return demand(given, json{{"do", "resume"}, {"consumer", consumer}}, "'" + consumer + "' goes on");
}

outcome reset_consumer(const setting& given, const std::string& consumer) {
  auto answer = ask_runtime(given, json{{"do", "reset"}, {"consumer", consumer}});
  if (!answer) return std::move(answer).error();
  if (!*answer) {
    auto opened = open_for_writing(given.directory);
    if (!opened) return std::move(opened).error();
    auto known = survey::known_consumers(*opened);
    if (!known) return std::move(known).error();
    const auto found = std::ranges::find(*known, consumer, &survey::known_consumer::consumer);
    if (found == known->end()) return unknown_consumer(consumer, names_of(*known));
    if (!found->has_rows) {
      return error{errc::invalid_argument, "resetting '" + printable(consumer) + "'",
                   "it is a reaction, whose commands were sent: only a projection can begin anew"};
    }
    auto cleared = opened->read_models->clear(found->name);
    if (cleared) cleared = opened->read_models->sync();
    if (!cleared) return std::move(cleared).error();
  }
  note("'" + consumer + "' begins anew at the first event" + (*answer ? "" : " when the program starts"));
  return done;
}

}  // namespace tyto::tool
