// What the journal promises of streams that are closed, truncated and deleted.
#include <algorithm>

#include "testing/contract_run.hpp"

namespace tyto::testing {
namespace {

using action = retention::action;
using expect = expected_version;

// Ten events of each of two streams, taking turns: order|1 has the odd positions.
void write_twenty(contract_run& run) {
  for (int i = 0; i < 10; ++i) run.append_all({write_of("order|1"), write_of("order|2")});
}

void same_info(contract_run& run, const std::string& id, const stream_info& wanted) {
  const auto got = run.journal().info(id).value();
  run.same("the first number of " + id, got.first, wanted.first);
  run.same("the version of " + id, got.version, wanted.version);
  run.same("the state of " + id, got.state, wanted.state);
  run.same("the base of " + id, got.base, wanted.base);
  const auto read = run.journal().read_stream(id, 1, [](const event_view&) { return visit::next; }).value();
  run.same("the first number that reading " + id + " returns", read.first, wanted.first);
  run.same("the version that reading " + id + " returns", read.version, wanted.version);
  run.same("the state that reading " + id + " returns", read.state, wanted.state);
  run.same("the base that reading " + id + " returns", read.base, wanted.base);
}

void unknown_stream_is_open(contract_run& run) { same_info(run, "order|1", {}); }

void closed_stream_keeps_events(contract_run& run) {
  write_twenty(run);
  run.change("order|1", action::close).value();
  const auto refused = run.append_one(write_of("order|1"));
  run.fails("a write to a closed stream", refused, errc::closed);
  run.expect(!refused && refused.error().message().find("order|1") != std::string::npos,
             "the refusal's message names the closed stream");
  run.fails("closing a closed stream", run.change("order|1", action::close), errc::closed);
  run.succeeds("a write to another stream", run.append_one(write_of("order|2")));
  same_info(run, "order|1", {.version = 10, .state = stream_state::closed, .base = {}});
  run.same("the events of a closed stream", read_stream(run.journal(), "order|1").size(), 10);
  run.succeeds("truncating a closed stream", run.change("order|1", action::truncate, 4));
  same_info(run, "order|1", {.first = 4, .version = 10, .state = stream_state::closed, .base = {}});
  run.succeeds("deleting a closed stream", run.change("order|1", action::remove));
}

void truncated_stream_keeps_numbers(contract_run& run) {
  for (const std::uint64_t first : {1, 2, 5, 10, 11}) {
    run.begin_anew();
    write_twenty(run);
    run.change("order|1", action::truncate, first, "what was before").value();
    same_info(run, "order|1", {.first = first, .version = 10, .base = "what was before"});
    std::vector<std::uint64_t> left;
    positions all;
    for (std::uint64_t number = 1; number <= 10; ++number) {
      if (number >= first) left.push_back(number);
      if (number >= first) all.push_back(2 * number - 1);
      all.push_back(2 * number);
    }
    const auto text = " after a truncation to " + std::to_string(first);
    run.same("the numbers" + text, numbers_of(read_stream(run.journal(), "order|1")), left);
    run.same("the number of events of another stream" + text, read_stream(run.journal(), "order|2").size(), 10);
    run.same("the positions" + text, positions_of(read_all(run.journal())), all);

    const auto next = write_of("order|1", 1, expect::exactly(10));
    run.append_one(next).value();
    run.same("the sequence number of the next event" + text, next->events[0].meta.sequence_number, 11);
    run.same("the position of the next event" + text, next->events[0].meta.position, 21);
    run.same("the end of the stream" + text, numbers_of(read_stream(run.journal(), "order|1", 11)), {11});
  }
}

void windows_leave_out_removed(contract_run& run) {
  write_twenty(run);
  run.change("order|1", action::truncate, 5).value();
  for (std::uint64_t from = 1; from <= 11; ++from) {
    for (std::uint64_t to = from; to <= 11; ++to) {
      std::vector<std::uint64_t> seen;
      std::vector<std::uint64_t> wanted;
      for (auto number = std::max<std::uint64_t>(from, 5); number <= std::min<std::uint64_t>(to, 10); ++number) {
        wanted.push_back(number);
      }
      (void)run.journal()
          .read_stream("order|1", from,
                       [&](const event_view& event) {
                         if (event.meta.sequence_number > to) return visit::stop;
                         seen.push_back(event.meta.sequence_number);
                         return visit::next;
                       })
          .value();
      run.same("the window from " + std::to_string(from) + " to " + std::to_string(to), seen, wanted);
    }
  }
}

void truncations_go_forward(contract_run& run) {
  write_twenty(run);
  run.change("order|1", action::truncate, 5, "five").value();
  run.change("order|1", action::truncate, 3, "three").value();
  same_info(run, "order|1", {.first = 5, .version = 10, .base = "three"});
  run.change("order|1", action::truncate, 2).value();
  same_info(run, "order|1", {.first = 5, .version = 10, .base = "three"});
  run.fails("a truncation to two numbers beyond the end", run.change("order|1", action::truncate, 12, "twelve"),
            errc::invalid_argument);
  same_info(run, "order|1", {.first = 5, .version = 10, .base = "three"});
  run.succeeds("a truncation to the number after the end", run.change("order|1", action::truncate, 11));
  same_info(run, "order|1", {.first = 11, .version = 10, .base = {}});
  run.same("the events after it", read_stream(run.journal(), "order|1").size(), 0);
}

void deleted_stream_takes_nothing(contract_run& run) {
  write_twenty(run);
  run.change("order|1", action::truncate, 3, "base").value();
  run.change("order|1", action::remove).value();
  same_info(run, "order|1", {.first = 11, .version = 10, .state = stream_state::deleted, .base = {}});
  run.same("the events of a deleted stream", read_stream(run.journal(), "order|1").size(), 0);
  run.same("the positions in the journal", positions_of(read_all(run.journal())), {2, 4, 6, 8, 10, 12, 14, 16, 18, 20});
  run.fails("a write to a deleted stream", run.append_one(write_of("order|1")), errc::closed);
  run.fails("closing a deleted stream", run.change("order|1", action::close), errc::closed);
  run.fails("truncating a deleted stream", run.change("order|1", action::truncate), errc::closed);
  run.fails("deleting a deleted stream", run.change("order|1", action::remove), errc::closed);
  run.same("the head", run.journal().head().value(), 20);
}

void reading_passes_removed(contract_run& run) {
  write_twenty(run);
  run.append_all({write_of("order|3", 3)});
  run.change("order|3", action::remove).value();
  std::vector<seen_event> seen;
  const auto end_of = [&](std::uint64_t from) { return run.journal().read_all({.from = from}, collect(seen)).value(); };
  run.same("the end of a range before removed events", end_of(19), 23);
  run.same("what it visits", positions_of(seen), {19, 20});
  run.same("the end of a range among removed events", end_of(22), 23);
  run.same("the end of a range after removed events", end_of(24), 23);
  run.same("the end of a range far beyond the journal", end_of(99), 23);
  run.append_all({write_of("order|2")});
  run.same("the positions after removed ones", positions_of(read_all(run.journal(), 21)), {24});

  run.change("order|2", action::truncate, 9).value();  // 16 and what lies before it
  positions all;
  for (std::uint64_t next = 1; next <= 24;) {
    seen.clear();
    const auto end = run.journal().read_all({.from = next, .max_events = 2}, collect(seen)).value();
    if (end < next) return run.report("a range from " + show(next) + " on ends before it, at " + show(end));
    for (const auto position : positions_of(seen)) all.push_back(position);
    next = end + 1;
  }
  run.same("what limited ranges visit, one after the other", all, {1, 3, 5, 7, 9, 11, 13, 15, 17, 18, 19, 20, 24});
}

void versions_count_removed(contract_run& run) {
  write_twenty(run);
  run.change("order|1", action::truncate, 11).value();
  const auto outcome = [&](const char* id, expect expected) { return run.append_one(write_of(id, 1, expected)); };
  run.conflicts("a write that expects no stream where all was removed", outcome("order|1", expect::no_stream()), 10);
  run.conflicts("a write that expects version 0 there", outcome("order|1", expect::exactly(0)), 10);
  run.conflicts("a write that expects another version there", outcome("order|1", expect::exactly(9)), 10);
  run.succeeds("a write that expects a stream there", outcome("order|1", expect::stream_exists()));
  run.succeeds("a write that expects the version there", outcome("order|1", expect::exactly(11)));

  run.change("order|2", action::remove).value();
  run.conflicts("a write that expects another version of a deleted stream", outcome("order|2", expect::exactly(9)), 10);
  run.fails("a write that expects a deleted stream's version", outcome("order|2", expect::exactly(10)), errc::closed);
  run.conflicts("a write that expects no stream where one was deleted", outcome("order|2", expect::no_stream()), 10);

  run.conflicts("closing with another version",
                run.append_one(change_of("order|1", action::close, 0, {}, 0, expect::exactly(3))), 12);
  same_info(run, "order|1", {.first = 11, .version = 12, .base = {}});
}

void last_events_and_end_together(contract_run& run) {
  const auto outcomes = run.append_all({change_of("order|1", action::close, 0, {}, 2), write_of("order|1"),
                                        change_of("order|2", action::truncate, 3, "base", 3),
                                        change_of("order|3", action::truncate, 3, "base", 1), write_of("order|3"),
                                        change_of("order|4", action::remove, 0, {}, 1), write_of("order|4")});
  run.succeeds("events and the close after them", outcomes[0]);
  run.fails("a later write of the batch to the closed stream", outcomes[1], errc::closed);
  run.succeeds("events and the truncation after them", outcomes[2]);
  run.fails("events and a truncation beyond them", outcomes[3], errc::invalid_argument);
  run.succeeds("a later write of the batch to a stream that was not truncated", outcomes[4]);
  run.succeeds("an event and the deletion after it", outcomes[5]);
  run.fails("a later write of the batch to the deleted stream", outcomes[6], errc::closed);
  run.same("the numbers in order|1", numbers_of(read_stream(run.journal(), "order|1")), {1, 2});
  run.same("the numbers in order|2", numbers_of(read_stream(run.journal(), "order|2")), {3});
  run.same("the numbers in order|3", numbers_of(read_stream(run.journal(), "order|3")), {1});
  run.same("the numbers in order|4", numbers_of(read_stream(run.journal(), "order|4")), {});
  run.same("the head", run.journal().head().value(), 7);
}

void unused_names_end(contract_run& run) {
  run.change("order|1", action::close).value();
  run.change("order|2", action::remove).value();
  run.fails("a write to a name that was closed", run.append_one(write_of("order|1")), errc::closed);
  run.fails("a write to a name that was deleted", run.append_one(write_of("order|2")), errc::closed);
  same_info(run, "order|1", {.state = stream_state::closed, .base = {}});
  same_info(run, "order|2", {.state = stream_state::deleted, .base = {}});
  run.same("the head", run.journal().head().value(), 0);
}

void retention_survives_reopening(contract_run& run) {
  write_twenty(run);
  run.append_all({write_of("order|3", 2), write_of("order|4", 2)});
  run.change("order|1", action::truncate, 4, std::string("ba\0se", 5)).value();
  run.change("order|2", action::close).value();
  run.change("order|4", action::remove).value();
  run.reopen();
  same_info(run, "order|1", {.first = 4, .version = 10, .base = std::string("ba\0se", 5)});
  same_info(run, "order|2", {.version = 10, .state = stream_state::closed, .base = {}});
  same_info(run, "order|3", {.version = 2, .base = {}});
  same_info(run, "order|4", {.first = 3, .version = 2, .state = stream_state::deleted, .base = {}});
  run.same("the numbers in a truncated stream", numbers_of(read_stream(run.journal(), "order|1")),
           {4, 5, 6, 7, 8, 9, 10});
  run.same("the number of events that are left", read_all(run.journal()).size(), 19);
  run.same("the head, where the last events were removed", run.journal().head().value(), 24);
  run.fails("a write to a closed stream", run.append_one(write_of("order|2")), errc::closed);
  run.fails("a write to a deleted stream", run.append_one(write_of("order|4")), errc::closed);
  const auto next = write_of("order|1");
  run.append_one(next).value();
  run.same("the position of the next event", next->events[0].meta.position, 25);
  run.same("the sequence number of the next event", next->events[0].meta.sequence_number, 11);
}

}  // namespace

std::vector<contract_check> retention_contract() {
  using enum capability;
  return {
      make_check("A stream of which nothing is known is open, and begins with number 1", {retention},
                 unknown_stream_is_open),
      make_check("A closed stream takes no more events, and keeps those that it has", {retention},
                 closed_stream_keeps_events),
      make_check("A truncated stream begins with the number that it was given, and keeps numbers and positions",
                 {retention}, truncated_stream_keeps_numbers),
      make_check("Windows over a truncated stream leave out what is gone", {retention}, windows_leave_out_removed),
      make_check("A truncation never goes back and never goes beyond the end", {retention}, truncations_go_forward),
      make_check("A deleted stream has no events, keeps its version, and takes nothing more", {retention},
                 deleted_stream_takes_nothing),
      make_check("Reading everything passes removed events, also where they are the last", {retention},
                 reading_passes_removed),
      make_check("Expected versions count removed events", {retention}, versions_count_removed),
      make_check("A stream may get its last events and its end in one write, and later writes of the batch see it",
                 {retention}, last_events_and_end_together),
      make_check("A name may be closed or deleted before it was ever used", {retention}, unused_names_end),
      make_check("What is kept of streams survives opening again", {reopening, retention},
                 retention_survives_reopening),
  };
}

}  // namespace tyto::testing
