// What event_store.hpp promises, but for streams that are closed, truncated and deleted.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <limits>
#include <thread>

#include "testing/contract_run.hpp"

namespace tyto::testing {
namespace {

constexpr std::uint64_t last_number = std::numeric_limits<std::uint64_t>::max();
using expect = expected_version;

// What a range visits, and the position that reading it returns.
using range_read = std::pair<positions, std::uint64_t>;

range_read read_range(contract_run& run, const journal_range& range) {
  std::vector<seen_event> seen;
  const auto end = run.journal().read_all(range, collect(seen)).value();
  return {positions_of(seen), end};
}

std::vector<std::pair<std::string, std::uint64_t>> checkpoints_of(const event_store& store) {
  std::vector<std::pair<std::string, std::uint64_t>> found;
  for (const auto& each : store.checkpoints().value()) found.emplace_back(each.name, each.position);
  return found;
}

void new_journal_is_empty(contract_run& run) {
  const auto& store = run.journal();
  run.same("the head of a new journal", store.head().value(), 0);
  run.same("the version of a stream that was never written", store.info("order|1").value().version, 0);
  run.same("the positions in a new journal", positions_of(read_all(store)), {});
  run.same("the positions in a stream that was never written", positions_of(read_stream(store, "order|1")), {});
  run.same("the end of a new journal", read_range(run, {}), {{}, 0});
  run.same("a checkpoint that was never stored", store.load_checkpoint("billing").value(), 0);
  run.same("the checkpoints of a new journal", checkpoints_of(store), {});
}

void positions_have_no_gaps(contract_run& run) {
  const auto& store = run.journal();
  run.append_all({write_of("order|1", 2), write_of("order|2")});
  run.append_all({});
  run.append_all({write_of("order|1", 3), write_of("order|3"), write_of("order|2")});
  run.same("the head after 8 events", store.head().value(), 8);
  run.same("the positions in the journal", positions_of(read_all(store)), {1, 2, 3, 4, 5, 6, 7, 8});
  run.same("the positions in order|1", positions_of(read_stream(store, "order|1")), {1, 2, 4, 5, 6});
  run.same("the positions in order|2", positions_of(read_stream(store, "order|2")), {3, 8});
  run.same("the sequence numbers in order|1", numbers_of(read_stream(store, "order|1")), {1, 2, 3, 4, 5});
  run.same("the sequence numbers in the journal", numbers_of(read_all(store)), {1, 2, 1, 3, 4, 5, 1, 2});
  run.same("the version of order|1", store.info("order|1").value().version, 5);
}

void append_numbers_events(contract_run& run) {
  run.append_all({write_of("order|0", 3)});
  const auto first = write_of("order|1", 2);
  const auto second = write_of("order|1");
  run.append_all({first, second});
  const auto& events = first->events;
  run.same("the position of the first event of a batch", events[0].meta.position, 4);
  run.same("the position of the second event", events[1].meta.position, 5);
  run.same("the sequence number of the second event", events[1].meta.sequence_number, 2);
  run.same("the persistence id of the second event", events[1].meta.persistence_id, "order|1");
  run.same("the place in the decision of the second event", std::uint64_t{events[1].meta.decision_index}, 1);
  run.same("the position of the next write's event", second->events[0].meta.position, 6);
  run.same("the sequence number of the next write's event", second->events[0].meta.sequence_number, 3);
}

void same_metadata(contract_run& run, const seen_event& got, const recorded_event& wrote) {
  const auto& a = got.meta;
  const auto& b = wrote.meta;
  run.same("the position", a.position, b.position);
  run.same("the persistence id", a.persistence_id, b.persistence_id);
  run.same("the sequence number", a.sequence_number, b.sequence_number);
  run.same("the type", a.type, b.type);
  run.same("the schema version", std::uint64_t{a.schema_version}, b.schema_version);
  run.expect(a.time == b.time, "the time comes back to the microsecond");
  run.same("the command id", a.command_id, b.command_id);
  run.same("the correlation id", a.correlation_id, b.correlation_id);
  run.same("the causation id", a.causation_id, b.causation_id);
  run.same("the tags", a.tags, b.tags);
  run.same("the place in the decision", std::uint64_t{a.decision_index}, b.decision_index);
  run.same("the number of events of the decision", std::uint64_t{a.decision_count}, b.decision_count);
  run.same("the part of an event that no upcaster has split", std::uint64_t{a.part}, 0);
  run.same("the parts of an event that no upcaster has split", std::uint64_t{a.parts}, 1);
  run.same("the payload", got.payload, wrote.payload);
}

std::shared_ptr<stream_write> write_with_all_metadata() {
  auto write = write_of("order|1", 2);
  auto& m = write->events[1].meta;
  m.type = "order.created";
  m.schema_version = 0x1'0007;
  m.time = timestamp{std::chrono::microseconds{-5}};
  m.command_id = std::string("com\0mand", 8);
  m.correlation_id = std::string("\0", 1) + std::string(300, 'c');
  m.causation_id = std::string("billing/41\0\xff", 12);
  m.tags = {"b", "a", "", std::string("x\0y", 3), std::string(300, 't'), "a"};
  write->events[1].payload = "\x81\xa1x\x01";
  return write;
}

void metadata_comes_back(contract_run& run) {
  const auto write = write_with_all_metadata();
  run.append_one(write).value();
  for (const auto& events : {read_stream(run.journal(), "order|1"), read_all(run.journal())}) {
    run.same("the number of events", events.size(), 2);
    for (std::size_t i = 0; i < std::min<std::size_t>(events.size(), 2); ++i) {
      same_metadata(run, events[i], write->events[i]);
    }
  }
}

void metadata_is_not_mixed(contract_run& run) {
  auto tagged = write_of("order|1");
  tagged->events[0].meta.tags = {"one", "two", "three"};
  tagged->events[0].meta.causation_id = "cause";
  auto retagged = write_of("order|1");
  retagged->events[0].meta.tags = {"four"};
  const auto plain = write_of("order|1");
  run.append_all({tagged, plain, retagged});
  const auto events = read_all(run.journal());
  run.same("the number of events", events.size(), 3);
  if (events.size() != 3) return;
  same_metadata(run, events[0], tagged->events[0]);
  same_metadata(run, events[1], plain->events[0]);
  same_metadata(run, events[2], retagged->events[0]);
}

void decisions_are_marked(contract_run& run) {
  run.append_all({write_of("order|1", 3), write_of("order|1")});
  std::vector<std::pair<std::uint64_t, std::uint64_t>> places;
  for (const auto& event : read_stream(run.journal(), "order|1")) {
    places.emplace_back(event.meta.decision_index, event.meta.decision_count);
  }
  run.same("index and count of each event", places, {{0, 3}, {1, 3}, {2, 3}, {0, 1}});
}

void many_events_fit(contract_run& run) {
  const auto events = run.limits().tried_events;
  const auto write = write_of("order|1", events);
  run.append_all({write, write_of("order|1"), write_of("order|2")});
  run.same("the version of a stream with many events", run.journal().info("order|1").value().version, events + 1);
  std::uint64_t seen = 0;
  (void)run.journal()
      .read_stream("order|1", 1,
                   [&](const event_view& event) {
                     const auto& m = event.meta;
                     const bool is_last = ++seen > events;
                     run.same("the sequence number of one of many events", m.sequence_number, seen);
                     run.same("its position", m.position, seen);
                     run.same("its place in the decision", std::uint64_t{m.decision_index}, is_last ? 0 : seen - 1);
                     run.same("the number of events of its decision", std::uint64_t{m.decision_count},
                              is_last ? 1 : events);
                     return visit::next;
                   })
      .value();
  run.same("the number of events in the stream", seen, events + 1);
  run.same("the numbers of the last ones", numbers_of(read_stream(run.journal(), "order|1", events)),
           {events, events + 1});
  run.same("the positions after them", positions_of(read_all(run.journal(), events + 2)), {events + 2});
  run.succeeds("a write that expects the version of a stream with many events",
               run.append_one(write_of("order|1", 1, expect::exactly(events + 1))));
}

void conflict_names_version(contract_run& run) {
  run.append_all({write_of("order|1", 3)});
  const auto outcome = [&](const char* id, expect expected) { return run.append_one(write_of(id, 1, expected)); };
  const auto too_low = outcome("order|1", expect::exactly(2));
  run.conflicts("a write that expects version 2 of 3", too_low, 3);
  run.expect(!too_low && too_low.error().message().find("order|1") != std::string::npos,
             "a conflict's message names the stream");
  run.conflicts("a write that expects version 4 of 3", outcome("order|1", expect::exactly(4)), 3);
  run.conflicts("a write that expects no stream", outcome("order|1", expect::no_stream()), 3);
  run.conflicts("a write that expects a stream", outcome("order|2", expect::stream_exists()), 0);
  run.conflicts("a write that expects version 1 of 0", outcome("order|2", expect::exactly(1)), 0);
  run.same("the head after conflicts alone", run.journal().head().value(), 3);
}

void expectations_hold_or_not(contract_run& run) {
  struct expectation {
    expect expected;
    bool of_three;  // whether it holds of a stream with three events
    bool of_none;
  };
  const expectation all[] = {
      {expect::any(), true, true},       {expect::no_stream(), false, true}, {expect::stream_exists(), true, false},
      {expect::exactly(0), false, true}, {expect::exactly(1), false, false}, {expect::exactly(2), false, false},
      {expect::exactly(3), true, false}, {expect::exactly(4), false, false}};
  for (const auto& [expected, of_three, of_none] : all) {
    run.begin_anew();
    run.append_all({write_of("order|1", 3)});
    const auto check = [&, &expected = expected](const char* id, bool holds, std::uint64_t version) {
      const auto text = expected.describe() + " expected of a stream at version " + std::to_string(version);
      const auto outcome = run.append_one(write_of(id, 2, expected));
      if (holds) {
        run.succeeds(text, outcome);
      } else {
        run.conflicts(text, outcome, version);
      }
      run.same("the version after " + text, run.journal().info(id).value().version, version + (holds ? 2 : 0));
    };
    check("order|1", of_three, 3);
    check("order|2", of_none, 0);
  }
}

void batch_sees_itself(contract_run& run) {
  const auto outcomes =
      run.append_all({write_of("order|1", 2, expect::no_stream()), write_of("order|1", 1, expect::no_stream()),
                      write_of("order|1", 1, expect::exactly(2)), write_of("order|2", 4, expect::stream_exists()),
                      write_of("order|2", 1, expect::no_stream())});
  run.succeeds("the first write of a stream", outcomes[0]);
  run.conflicts("a write that expects the stream as it was before the batch", outcomes[1], 2);
  run.succeeds("a write that expects the stream as the first write left it", outcomes[2]);
  run.conflicts("a write to a stream that the batch has not begun", outcomes[3], 0);
  run.succeeds("a write after one that was left out", outcomes[4]);
  run.same("the positions in order|1", positions_of(read_stream(run.journal(), "order|1")), {1, 2, 3});
  run.same("the positions in order|2", positions_of(read_stream(run.journal(), "order|2")), {4});
}

void refused_write_leaves_nothing(contract_run& run) {
  for (const auto why : {errc::conflict, errc::invalid_argument}) {
    for (std::size_t refused = 0; refused < 3; ++refused) {
      run.begin_anew();
      const auto& store = run.journal();
      run.append_all({write_of("order|1", 2)});
      const std::vector<std::shared_ptr<stream_write>> writes{write_of("order|1", 3), write_of("order|2", 4),
                                                              write_of("order|3", 2)};
      if (why == errc::conflict) writes[refused]->expected = expect::exactly(77);
      if (why == errc::invalid_argument) writes[refused]->persistence_id += std::string(max_persistence_id_bytes, 'x');
      const auto outcomes = run.append_all(writes);
      std::uint64_t stored = 2;
      for (std::size_t i = 0; i < 3; ++i) {
        const auto& id = writes[i]->persistence_id;
        const auto text =
            "write " + std::to_string(i + 1) + " of 3, where " + std::to_string(refused + 1) + " is refused";
        if (i == refused) {
          run.fails(text, outcomes[i], why);
        } else {
          run.succeeds(text, outcomes[i]);
          stored += writes[i]->events.size();
        }
        const std::size_t before = id == "order|1" ? 2 : 0;
        const auto events = before + (i == refused ? 0 : writes[i]->events.size());
        run.same("the events after " + text, read_stream(store, id).size(), events);
        run.same("the version after " + text, store.info(id).value().version, events);
      }
      run.same("the head", store.head().value(), stored);
      run.same("the events in the journal", read_all(store).size(), stored);
      run.append_one(write_of("order|9")).value();
      run.same("the position of the next event", positions_of(read_stream(store, "order|9")), {stored + 1});
    }
  }
}

void append_calls_back_once(contract_run& run) {
  // That each append calls back once is looked at when a check has ended, here for appends of every outcome.
  run.append_all({write_of("order|1")});
  run.append_all({});
  run.conflicts("a write to a stream that is there", run.append_one(write_of("order|1", 1, expect::no_stream())), 1);
  run.fails("a write without a category", run.append_one(write_of("order")), errc::invalid_argument);
  run.fails("a batch with a checkpoint without a name", run.append({{write_of("order|1")}, {{"", 1}}}),
            errc::invalid_argument);
  run.succeeds("a batch of nothing but a checkpoint", run.append({{}, {{"billing", 1}}}));
}

void appends_follow_each_other(contract_run& run) {
  constexpr std::uint64_t appends = 50;
  std::vector<std::shared_ptr<append_answer>> answers;
  for (std::uint64_t i = 0; i < appends; ++i) {
    answers.push_back(run.begin_append({{write_of("order|1", 2, expect::exactly(2 * i))}, {{"billing", i + 1}}}));
  }
  for (const auto& answer : answers) {
    const auto outcomes = run.wait_for(*answer).value();
    run.same("the number of outcomes", outcomes.size(), 1);
    for (const auto& outcome : outcomes) run.succeeds("an append that follows another without a wait", outcome);
  }
  run.same("the version after all of them", run.journal().info("order|1").value().version, 2 * appends);
  run.same("the checkpoint after all of them", run.journal().load_checkpoint("billing").value(), appends);
}

void reading_begins_and_ends(contract_run& run) {
  const auto& store = run.journal();
  for (int i = 0; i < 10; ++i) run.append_all({write_of("order|1"), write_of("order|2")});
  run.same("the journal from 18 on", positions_of(read_all(store, 18)), {18, 19, 20});
  run.same("the journal from beyond its end on", positions_of(read_all(store, 21)), {});
  run.same("the journal from the last number on", positions_of(read_all(store, last_number)), {});
  run.same("the number of events from position 0 on", read_all(store, 0).size(), 20);
  for (std::uint64_t from = 1; from <= 10; ++from) {
    const auto events = read_stream(store, "order|2", from);
    run.same("the number of events of a stream of 10 from " + std::to_string(from) + " on", events.size(), 11 - from);
    if (!events.empty()) run.same("the first of them", events.front().meta.position, from * 2);
  }
  run.same("the number of events from number 0 on", read_stream(store, "order|2", 0).size(), 10);
  run.same("a stream from beyond its end on", positions_of(read_stream(store, "order|2", 11)), {});
  run.same("a stream from the last number on", positions_of(read_stream(store, "order|2", last_number)), {});
}

void visitors_stop(contract_run& run) {
  for (int i = 0; i < 10; ++i) run.append_all({write_of("order|1"), write_of("order|2")});
  std::uint64_t visits = 0;
  const auto stop_at_fourth = [&](const event_view&) { return ++visits == 4 ? visit::stop : visit::next; };
  const auto end = run.journal().read_all({.from = 5}, stop_at_fourth).value();
  run.same("the number of visits to the journal", visits, 4);
  run.same("the position at which the visitor stopped", end, 8);
  visits = 0;
  const auto info = run.journal().read_stream("order|1", 2, stop_at_fourth).value();
  run.same("the number of visits to the stream", visits, 4);
  run.same("the version of a stream of which some was visited", info.version, 10);
}

void visitor_makes_window(contract_run& run) {
  for (int i = 0; i < 10; ++i) run.append_all({write_of("order|1"), write_of("order|2")});
  for (std::uint64_t from = 1; from <= 11; ++from) {
    for (std::uint64_t to = from - 1; to <= 10; ++to) {
      std::vector<std::uint64_t> seen;
      std::vector<std::uint64_t> wanted;
      for (auto number = from; number <= to; ++number) wanted.push_back(number);
      (void)run.journal()
          .read_stream("order|1", from,
                       [&](const event_view& event) {
                         if (event.meta.sequence_number > to) return visit::stop;
                         seen.push_back(event.meta.sequence_number);
                         return visit::next;
                       })
          .value();
      run.same("the window of a stream from " + std::to_string(from) + " to " + std::to_string(to), seen, wanted);
    }
  }
}

void reading_returns_stream(contract_run& run) {
  run.append_all({write_of("order|1", 3), write_of("order|2", 2)});
  std::vector<seen_event> seen;
  for (const std::uint64_t from : {1, 3, 4}) {
    const auto info = run.journal().read_stream("order|1", from, collect(seen)).value();
    run.same("the version that reading a stream returns", info.version, 3);
    run.same("the first number that reading a stream returns", info.first, 1);
    run.same("the state that reading a stream returns", info.state, stream_state::open);
    run.same("the base that reading a stream returns", info.base, "");
  }
  const auto info = run.journal().info("order|2").value();
  run.same("the version of a stream with two events", info.version, 2);
  run.same("the first number of a stream of which nothing was removed", info.first, 1);
  for (const auto& unknown :
       {run.journal().read_stream("order|9", 1, collect(seen)).value(), run.journal().info("order|9").value()}) {
    run.same("the version of a stream that was never written", unknown.version, 0);
    run.same("the first number of a stream that was never written", unknown.first, 1);
    run.same("the state of a stream that was never written", unknown.state, stream_state::open);
  }
}

void ranges_filter(contract_run& run) {
  for (int i = 0; i < 5; ++i) {
    auto paid = write_of("order|1", 2);
    paid->events[1].meta.type = "test.paid";
    run.append_all({paid, write_of("invoice|1")});
  }
  const auto read = [&](const journal_range& range) { return read_range(run, range); };
  run.same("the range of a type", read({.only = {{"test.paid"}, {}}}), {{2, 5, 8, 11, 14}, 15});
  run.same("the range of a category", read({.only = {{}, {"invoice"}}}), {{3, 6, 9, 12, 15}, 15});
  run.same("the range of a type and a category", read({.from = 5, .only = {{"test.happened"}, {"order"}}}),
           {{7, 10, 13}, 15});
  run.same("the range of two types", read({.from = 13, .only = {{"test.paid", "test.happened"}, {}}}),
           {{13, 14, 15}, 15});
  run.same("the range of two types, of which one never happened",
           read({.from = 13, .only = {{"test.never", "test.paid"}, {}}}), {{14}, 15});
  run.same("the range of two categories", read({.from = 13, .only = {{}, {"invoice", "order"}}}), {{13, 14, 15}, 15});
  run.same("the range of two categories, of which one has no stream",
           read({.from = 13, .only = {{}, {"basket", "invoice"}}}), {{15}, 15});
  run.same("the range of a type that the category has not", read({.only = {{"test.paid"}, {"invoice"}}}), {{}, 15});
  run.same("the range of a category that only begins alike", read({.only = {{}, {"invo"}}}), {{}, 15});
  run.same("a range beyond the end", read({.from = 16, .only = {{"test.paid"}, {}}}), {{}, 15});
  std::uint64_t visits = 0;
  const auto end = run.journal()
                       .read_all({.only = {{"test.paid"}, {}}},
                                 [&](const event_view&) { return ++visits == 2 ? visit::stop : visit::next; })
                       .value();
  run.same("where the visitor of a filtered range stopped", end, 5);
}

void ranges_are_limited(contract_run& run) {
  for (int i = 0; i < 3; ++i) run.append_all({write_of("order|1"), write_of("order|2"), write_of("invoice|1")});
  const auto read = [&](const journal_range& range) { return read_range(run, range); };
  run.same("a range of one event", read({.max_events = 1}), {{1}, 1});
  run.same("a range of no event", read({.from = 4, .max_events = 0}), {{}, 3});
  run.same("a range of one event that is not wanted", read({.from = 4, .only = {{}, {"invoice"}}, .max_events = 1}),
           {{}, 4});
  run.same("a range of two events, of which the second is not wanted",
           read({.from = 3, .only = {{}, {"invoice"}}, .max_events = 2}), {{3}, 4});
  run.same("a range that may have more than there are", read({.from = 1, .only = {{}, {"invoice"}}, .max_events = 300}),
           {{3, 6, 9}, 9});
  run.same("a range that ends with the journal", read({.from = 8, .max_events = 2}), {{8, 9}, 9});
  run.same("a range beyond the end", read({.from = 99, .max_events = 5}), {{}, 9});
  run.same("a range from the last number on", read({.from = last_number}), {{}, 9});
  positions all;
  for (std::uint64_t next = 1; next <= 9;) {
    const auto [some, end] = read({.from = next, .max_events = 2});
    if (end < next) return run.report("a range from " + show(next) + " on ends before it, at " + show(end));
    all.insert(all.end(), some.begin(), some.end());
    next = end + 1;
  }
  run.same("what one range after the other visits", all, {1, 2, 3, 4, 5, 6, 7, 8, 9});
}

void ranges_as_stored(contract_run& run) {
  auto paid = write_of("order|1", 2);
  paid->events[1].meta.type = "test.paid";
  run.append_all({paid, write_of("order|2")});
  run.same("all events as stored", read_range(run, {.as_stored = true}), {{1, 2, 3}, 3});
  run.same("the events of a type as stored",
           read_range(run, {.from = 2, .only = {{"test.happened"}, {}}, .as_stored = true}), {{3}, 3});
}

void names_are_kept_apart(contract_run& run) {
  const std::vector<std::string> ids = {"a|b",
                                        "a|bc",
                                        "a|b|c",
                                        "a|B",
                                        "a|b ",
                                        "a|b\x01",
                                        "a|b\xff",
                                        "a|\xff\xff",
                                        "Ä|☃ \n\t",
                                        "a|b c/d\\e'f\"%_*",
                                        "a|" + std::string(max_persistence_id_bytes - 2, 'x'),
                                        "a|" + std::string(max_persistence_id_bytes - 3, 'x'),
                                        "a|" + std::string(max_persistence_id_bytes - 3, 'x') + "y"};
  for (int round = 0; round < 3; ++round) {
    for (const auto& id : ids) run.append_one(write_of(id)).value();
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::uint64_t first = i + 1;
    run.same("the positions in the stream " + show(ids[i]), positions_of(read_stream(run.journal(), ids[i])),
             {first, first + ids.size(), first + 2 * ids.size()});
    run.same("the version of the stream " + show(ids[i]), run.journal().info(ids[i]).value().version, 3);
  }
  run.same("the version of a stream whose name only begins another", run.journal().info("a|").value().version, 0);
  run.same("the events of a stream between others", read_stream(run.journal(), "a|bb").size(), 0);
}

void unusable_writes_are_refused(contract_run& run) {
  const std::vector<std::pair<std::string, std::shared_ptr<stream_write>>> unusable = {
      {"a write to a name without a category", write_of("order")},
      {"a write to a name with an empty category", write_of("|1")},
      {"a write to a name with an empty entity", write_of("order|")},
      {"a write to an empty name", write_of("")},
      {"a write to a name with a NUL byte", write_of(std::string("a|\0b", 4))},
      {"a write to a name that is too long", write_of("a|" + std::string(max_persistence_id_bytes - 1, 'x'))},
      {"a write of no event", write_of("order|1", 0)}};
  std::vector<std::shared_ptr<stream_write>> writes;
  writes.reserve(unusable.size() + 1);
  for (const auto& [what, write] : unusable) writes.push_back(write);
  writes.push_back(write_of("order|1"));
  const auto outcomes = run.append_all(writes);
  for (std::size_t i = 0; i < unusable.size(); ++i) run.fails(unusable[i].first, outcomes[i], errc::invalid_argument);
  run.succeeds("the usable write of the batch", outcomes.back());
  run.same("the head", run.journal().head().value(), 1);
  run.same("the version of order|1", run.journal().info("order|1").value().version, 1);
  run.same("the events of a name that is none", read_stream(run.journal(), "order").size(), 0);
}

void limits_hold(contract_run& run) {
  struct limit {
    std::string what;
    std::optional<std::size_t> most;
    std::function<void(recorded_event&, std::size_t)> fill;
  };
  using text = std::string metadata::*;
  const auto fill = [](text field) {
    return [field](recorded_event& event, std::size_t size) { (event.meta.*field).assign(size, 'x'); };
  };
  const auto& limits = run.limits();
  const limit all[] = {
      {"type", limits.field_bytes, fill(&metadata::type)},
      {"command id", limits.field_bytes, fill(&metadata::command_id)},
      {"correlation id", limits.field_bytes, fill(&metadata::correlation_id)},
      {"causation id", limits.field_bytes, fill(&metadata::causation_id)},
      {"tag", limits.field_bytes, [](recorded_event& e, std::size_t size) { e.meta.tags = {std::string(size, 't')}; }},
      {"list of tags", limits.tags, [](recorded_event& e, std::size_t size) { e.meta.tags.resize(size); }},
      {"payload", limits.payload_bytes, [](recorded_event& e, std::size_t size) { e.payload.assign(size, 'p'); }}};
  std::vector<std::shared_ptr<stream_write>> kept;
  for (const auto& each : all) {
    if (!each.most) continue;
    const auto fits = write_of("order|1", 2);
    each.fill(fits->events[1], *each.most);
    const auto too_long = write_of("order|1", 2);
    each.fill(too_long->events[1], *each.most + 1);
    const auto outcomes = run.append_all({too_long, fits});
    run.fails("a write with a " + each.what + " over the limit", outcomes[0], errc::invalid_argument);
    run.succeeds("a write with a " + each.what + " at the limit", outcomes[1]);
    kept.push_back(fits);
  }
  const auto events = read_stream(run.journal(), "order|1");
  run.same("the number of events within the limits", events.size(), 2 * kept.size());
  if (events.size() != 2 * kept.size()) return;
  for (std::size_t i = 0; i < kept.size(); ++i) same_metadata(run, events[2 * i + 1], kept[i]->events[1]);
}

void payloads_come_back(contract_run& run) {
  std::vector<std::string> payloads;
  for (std::size_t size : {0U, 1U, 255U, 256U, 1990U, 2048U, 4000U, 4096U, 70'000U, 1U << 20, 16U << 20}) {
    size = std::min(size, run.limits().tried_payload_bytes);
    std::string payload(size, '\0');
    for (std::size_t i = 0; i < size; i += 1 + size / 70'000) payload[i] = static_cast<char>(i * 31 + size);
    auto write = write_of("order|1");
    write->events[0].payload = payload;
    payloads.push_back(std::move(payload));
    run.append_one(write).value();
  }
  const auto events = read_stream(run.journal(), "order|1");
  run.same("the number of events", events.size(), payloads.size());
  for (std::size_t i = 0; i < std::min(events.size(), payloads.size()); ++i) {
    run.expect(events[i].payload == payloads[i],
               "a payload of " + std::to_string(payloads[i].size()) + " bytes comes back as it was");
  }
}

void checkpoints_are_stored(contract_run& run) {
  const auto& store = run.journal();
  run.append({{write_of("order|1")}, {{"billing", 1}, {"mail", 7}}}).value();
  run.same("the checkpoint billing", store.load_checkpoint("billing").value(), 1);
  run.same("the checkpoint mail", store.load_checkpoint("mail").value(), 7);
  run.append({{}, {{"billing", 2}, {"billing", 3}}}).value();
  run.same("the checkpoint of which the batch had two", store.load_checkpoint("billing").value(), 3);
  run.append({{}, {{"billing", 1}}}).value();
  run.same("a checkpoint that went back", store.load_checkpoint("billing").value(), 1);
  run.append({{write_of("order|1", 1, expect::no_stream())}, {{"mail", 8}}}).value();
  run.same("a checkpoint beside a write that is left out", store.load_checkpoint("mail").value(), 8);
  run.same("a checkpoint whose name only begins another", store.load_checkpoint("bill").value(), 0);
  run.same("the head", store.head().value(), 1);
}

void checkpoints_are_listed(contract_run& run) {
  run.append({{}, {{"mail", 7}, {"billing", 1}, {"bill", 4}}}).value();
  run.append({{}, {{"mail", 8}, {"a", 0}}}).value();
  run.same("the checkpoints", checkpoints_of(run.journal()), {{"a", 0}, {"bill", 4}, {"billing", 1}, {"mail", 8}});
}

void checkpoints_have_names(contract_run& run) {
  std::vector<std::string> unusable = {"", std::string("a\0b", 3)};
  const auto longest = run.limits().name_bytes;
  if (longest) unusable.emplace_back(*longest + 1, 'n');
  for (const auto& name : unusable) {
    run.fails("a batch with the checkpoint " + show(name), run.append({{write_of("order|1")}, {{"a", 1}, {name, 1}}}),
              errc::invalid_argument);
    run.fails("asking for the checkpoint " + show(name), run.journal().load_checkpoint(name), errc::invalid_argument);
  }
  run.same("the head after batches that were refused", run.journal().head().value(), 0);
  run.same("a checkpoint of a batch that was refused", run.journal().load_checkpoint("a").value(), 0);
  if (!longest) return;
  const std::string name(*longest, 'n');
  run.succeeds("a batch with a checkpoint of the longest name", run.append({{}, {{name, 9}}}));
  run.same("the checkpoint of the longest name", run.journal().load_checkpoint(name).value(), 9);
}

void visitors_call_the_store(contract_run& run) {
  run.append_all({write_of("order|1", 5)});
  std::uint64_t nested = 0;
  (void)run.journal()
      .read_all({},
                [&](const event_view& event) {
                  nested += read_stream(run.journal(), event.meta.persistence_id).size();
                  run.append_all({write_of("order|2")});
                  return visit::next;
                })
      .value();
  run.same("the events that reads within a read have seen", nested, 25);
  run.same("the version of a stream that was written within a read", run.journal().info("order|2").value().version, 5);
}

void visitors_throw(contract_run& run) {
  run.append_all({write_of("order|1", 3)});
  std::uint64_t caught = 0;
  constexpr std::uint64_t rounds = 2000;  // more often than a store has places for readers
  for (std::uint64_t i = 0; i < rounds; ++i) {
    const event_visitor throws = [](const event_view&) -> visit { throw 42; };
    try {
      if (i % 2 == 0) {
        (void)run.journal().read_stream("order|1", 1, throws);
      } else {
        (void)run.journal().read_all({}, throws);
      }
    } catch (int) {
      ++caught;
    }
  }
  run.same("how often what a visitor threw has reached the caller", caught, rounds);
  run.same("the events after visitors that threw", read_all(run.journal()).size(), 3);
  run.succeeds("an append after visitors that threw", run.append_one(write_of("order|1")));
}

void readers_see_whole_batches(contract_run& run) {
  constexpr std::uint64_t batches = 200;
  std::atomic<bool> is_done = false;
  std::exception_ptr failure;
  std::thread appender{[&] {
    try {
      for (std::uint64_t i = 1; i <= batches; ++i) {
        run.append({{write_of("order|1", 2), write_of("order|2", 3)}, {{"billing", 5 * i}}}).value();
      }
    } catch (...) {
      failure = std::current_exception();
    }
    is_done = true;
  }};
  const struct joiner {
    std::thread& thread;
    ~joiner() {
      if (thread.joinable()) thread.join();
    }
  } joins{appender};
  const auto& store = run.journal();
  std::uint64_t least = 0;
  for (bool is_last_look = false; !is_last_look;) {
    is_last_look = is_done;
    const auto checkpoint = store.load_checkpoint("billing").value();
    const auto one = read_stream(store, "order|1");
    const auto two = read_stream(store, "order|2", 2);
    const auto all = read_all(store);
    for (std::size_t i = 0; i < one.size(); ++i) {
      run.same("a sequence number in order|1", one[i].meta.sequence_number, i + 1);
    }
    for (std::size_t i = 0; i < two.size(); ++i) {
      run.same("a sequence number in order|2", two[i].meta.sequence_number, i + 2);
    }
    for (std::size_t i = 0; i < all.size(); ++i) run.same("a position", all[i].meta.position, i + 1);
    run.expect(one.size() % 2 == 0, "a reader of a stream sees whole batches");
    run.expect(two.empty() || (two.size() + 1) % 3 == 0, "a reader of a stream's end sees whole batches");
    run.expect(all.size() % 5 == 0, "a reader of the journal sees whole batches");
    run.expect(all.size() >= checkpoint, "a checkpoint is not seen before the events of its batch");
    run.expect(all.size() <= store.load_checkpoint("billing").value(), "a checkpoint is seen with its batch's events");
    run.expect(all.size() >= least, "a reader of the journal sees what one before has seen");
    least = all.size();
    run.expect(store.info("order|1").value().version * 5 >= least * 2, "info() knows what was read before");
    run.expect(store.head().value() >= least, "head() knows what was read before");
  }
  appender.join();
  if (failure) std::rethrow_exception(failure);
  run.same("the events that were read at last", least, batches * 5);
}

void size_grows(contract_run& run) {
  const auto size = std::min(std::size_t{1} << 20, run.limits().tried_payload_bytes);
  auto write = write_of("order|1");
  write->events[0].payload.assign(size, 'x');
  run.append_one(write).value();
  run.expect(run.journal().size_bytes().value() >= size, "a journal takes at least as many bytes as its payloads");
}

void journal_is_in_place(contract_run& run) {
  run.append_one(write_of("order|1")).value();
  run.succeeds("the condition of a journal that is in use", run.journal().condition().files);
}

void journal_is_there(contract_run& run, const stream_write& first) {
  const auto& store = run.journal();
  run.same("the head", store.head().value(), 5);
  run.same("the positions", positions_of(read_all(store)), {1, 2, 3, 4, 5});
  run.same("the positions in order|1", positions_of(read_stream(store, "order|1")), {1, 2, 5});
  run.same("the version of order|2", store.info("order|2").value().version, 2);
  const auto events = read_stream(store, "order|1");
  for (std::size_t i = 0; i < std::min<std::size_t>(events.size(), 2); ++i) {
    same_metadata(run, events[i], first.events[i]);
  }
  run.same("the checkpoints", checkpoints_of(store), {{"billing", 4}, {"mail", 2}});
}

void write_five(contract_run& run, const std::shared_ptr<stream_write>& first) {
  run.append({{first, write_of("order|2", 2)}, {{"billing", 2}, {"mail", 2}}}).value();
  run.append({{write_of("order|1")}, {{"billing", 4}}}).value();
}

void goes_on_after_five(contract_run& run) {
  const auto next = write_of("order|1", 1, expect::exactly(3));
  run.append_one(next).value();
  run.same("the position of the next event", next->events[0].meta.position, 6);
  run.same("the sequence number of the next event", next->events[0].meta.sequence_number, 4);
  run.conflicts("a write to a stream that was there before",
                run.append_one(write_of("order|2", 1, expect::no_stream())), 2);
}

void journal_survives_reopening(contract_run& run) {
  run.reopen();
  run.same("the head of a new journal that was opened again", run.journal().head().value(), 0);
  const auto first = write_with_all_metadata();
  write_five(run, first);
  run.append_all({write_of("order|1", 1, expect::no_stream())});  // leaves nothing to survive
  for (int times = 0; times < 2; ++times) {
    run.reopen();
    journal_is_there(run, *first);
  }
  goes_on_after_five(run);
  run.reopen();
  run.same("the head after one more event", run.journal().head().value(), 6);
}

void journal_survives_power_loss(contract_run& run) {
  const auto first = write_with_all_metadata();
  write_five(run, first);
  run.lose_power();
  journal_is_there(run, *first);
  goes_on_after_five(run);
  run.lose_power();
  run.same("the head after one more event", run.journal().head().value(), 6);
}

}  // namespace

std::vector<contract_check> event_store_contract() {
  using enum capability;
  return {
      make_check("A new journal is empty", {}, new_journal_is_empty),
      make_check("Positions count all events from 1 without gaps, sequence numbers those of a stream", {},
                 positions_have_no_gaps),
      make_check("An append fills in the numbers of its events", {}, append_numbers_events),
      make_check("All metadata and the payload come back as they were written", {}, metadata_comes_back),
      make_check("A visit's metadata is that of its own event, whatever came before it", {}, metadata_is_not_mixed),
      make_check("The events of one write carry their place in it", {}, decisions_are_marked),
      make_check("A write and a stream may have more events than 16 bits count", {}, many_events_fit),
      make_check("A write whose expected version does not hold is a conflict that names the actual version", {},
                 conflict_names_version),
      make_check("Each kind of expectation holds or not, of streams that exist and of those that do not", {},
                 expectations_hold_or_not),
      make_check("A write sees the earlier writes of its batch, and a conflict leaves only itself out", {},
                 batch_sees_itself),
      make_check("A refused write leaves nothing of its events, wherever it stands in a batch", {},
                 refused_write_leaves_nothing),
      make_check("An append calls back once, whatever comes of it", {}, append_calls_back_once),
      make_check("Appends that do not wait for each other are stored in their order", {}, appends_follow_each_other),
      make_check("Reading begins where it is told to and ends with the last event", {}, reading_begins_and_ends),
      make_check("Reading ends when the visitor stops, and the journal says where", {}, visitors_stop),
      make_check("A visitor makes a window of a stream, from a number to another", {}, visitor_makes_window),
      make_check("Reading a stream returns what is known of it", {}, reading_returns_stream),
      make_check("A range by type and category visits those events alone, and says how far it has come", {},
                 ranges_filter),
      make_check("A range ends when it has passed as many events as it may, wanted or not", {}, ranges_are_limited),
      make_check("Without upcasters events as stored are the events", {}, ranges_as_stored),
      make_check("Streams whose names begin alike, or hold odd characters, are kept apart", {}, names_are_kept_apart),
      make_check("A write that can never be stored is refused and the others of its batch are stored", {},
                 unusable_writes_are_refused),
      make_check("What is as long as the store's limits is stored, and what is longer is refused", {}, limits_hold),
      make_check("Payloads of every size come back whole", {}, payloads_come_back),
      make_check("Checkpoints are stored with a batch or alone, and the last one counts", {}, checkpoints_are_stored),
      make_check("All checkpoints are listed by name", {}, checkpoints_are_listed),
      make_check("A batch with a checkpoint that cannot be named is refused as a whole", {}, checkpoints_have_names),
      make_check("A visitor of events may call the store", {}, visitors_call_the_store),
      make_check("What a visitor of events throws reaches the caller, and the store goes on", {}, visitors_throw),
      make_check("Readers beside an appending thread see whole batches in order", {concurrent_reads},
                 readers_see_whole_batches),
      make_check("The size grows with what is stored", {}, size_grows),
      make_check("A journal in use finds its files in place", {}, journal_is_in_place),
      make_check("A journal that is opened again holds what was acknowledged, and goes on", {reopening},
                 journal_survives_reopening),
      make_check("A journal that lost power holds what was acknowledged, and goes on", {power_loss},
                 journal_survives_power_loss),
  };
}

}  // namespace tyto::testing
