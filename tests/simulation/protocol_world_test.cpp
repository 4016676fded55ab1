// The runtime's own protocols in simulated worlds: commit and answer, recovery, snapshots, passivation, the hand-over
// to consumers, partitions, dead letters, rebuilds, rejections, live queries, deadlines.
#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "protocol_domain.hpp"
#include "seeds.hpp"
#include "support/catch.hpp"
#include "tyto/history.hpp"
#include "tyto/past_read_model.hpp"
#include "tyto/testing/simulation.hpp"

using namespace tyto;
using namespace tyto::test;
using tyto::testing::choices;
using tyto::testing::inside;
using tyto::testing::simulation;
using tyto::testing::simulation_options;

namespace {

void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

command_options with_id(std::uint64_t number) {
  command_options options;
  options.command_id = "number " + std::to_string(number);
  return options;
}

void note(outside& world, std::uint64_t number, const std::string& to, const command_result& answer) {
  if (!answer) return;
  const auto known = world.acknowledged.find(number);
  if (known == world.acknowledged.end()) {
    world.acknowledged[number] = {to, answer->position, answer->sequence_number};
    return;
  }
  require(answer->position == known->second.position, "the repetition of " + std::to_string(number) + " is elsewhere");
}

void count(runtime& rt, outside& world, choices& draw) {
  const auto to = std::to_string(draw.below(3));
  for (auto left = draw.between(1, 4); left > 0; --left) {
    const auto number = ++world.last_number;
    world.sent[number] = to;
    note(world, number, to, rt.execute<tally>(to, tally::count{number}, with_id(number)));
  }
}

void count_at_version(runtime& rt, outside& world, choices&) {
  if (world.acknowledged.empty()) return;
  const auto known = world.acknowledged.rbegin()->second;
  const auto number = ++world.last_number;
  world.sent[number] = known.tally;
  auto options = with_id(number);
  options.expected = expected_version::exactly(known.sequence_number);
  const auto answer = rt.execute<tally>(known.tally, tally::count{number}, options);
  note(world, number, known.tally, answer);
  require(!answer || answer->repeated || answer->sequence_number == known.sequence_number + 1,
          "number " + std::to_string(number) + " was counted at another version");
}

void count_at_once(runtime& rt, outside& world, choices& draw) {
  const auto to = std::to_string(draw.below(3));
  std::vector<std::uint64_t> all;
  for (auto left = draw.between(2, 6); left > 0; --left) {
    const auto number = ++world.last_number;
    world.sent[number] = to;
    rt.submit<tally>(to, tally::count{number}, with_id(number), [&world, number, to](const command_result& answer) {
      if (answer) world.acknowledged[number] = {to, answer->position, answer->sequence_number};
    });
    if (draw.one_in(3)) rt.submit<tally>(to, tally::check{}, {}, [](const command_result&) {});
  }
}

void repeat(runtime& rt, outside& world, choices& draw) {
  if (world.sent.empty()) return;
  const auto number = draw.between(1, world.last_number);
  const bool is_known = world.acknowledged.contains(number);
  const auto answer = rt.execute<tally>(world.sent[number], tally::count{number}, with_id(number));
  note(world, number, world.sent[number], answer);
  require(!is_known || !answer || answer->repeated, "number " + std::to_string(number) + " was taken for new");
}

// A rejection may rest on events that are not stored yet; whoever gets it can count on them.
void ask_what_is_there(runtime& rt, outside& world, choices& draw) {
  const auto of = std::to_string(draw.below(3));
  const auto known =
      std::ranges::count_if(world.acknowledged, [&](const auto& each) { return each.second.tally == of; });
  const auto answer = rt.execute<tally>(of, tally::decline{});
  if (answer || !answer.error().rejected()) return;
  const auto said = std::stoull(answer.error().rejected()->reason);
  auto& heard = world.heard[of];
  heard = std::max<std::uint64_t>(heard, said);
  require(said >= static_cast<std::uint64_t>(known),
          "tally " + of + " knows of " + std::to_string(said) + " of " + std::to_string(known) + " numbers");
}

void query(runtime& rt, outside& world, choices& draw) {
  if (world.acknowledged.empty()) return;
  auto which = world.acknowledged.begin();
  std::advance(which, static_cast<std::ptrdiff_t>(draw.below(world.acknowledged.size())));
  const auto [number, promised] = *which;
  const auto has = rt.query<numbers>(numbers::has{number}, {.at_least = promised.position});
  if (has) require(*has, "the query does not see number " + std::to_string(number));
}

// Also while a new version takes over.
void look_at_sums(runtime& rt, outside& world, choices&) {
  const auto before = world.stamps_seen;
  const auto stamps = rt.query<sums>(sums::has{});
  if (!stamps) return;
  require(*stamps >= before,
          "there were " + std::to_string(before) + " stamps, and now there are " + std::to_string(*stamps));
  world.stamps_seen = std::max(world.stamps_seen, *stamps);
}

void confirm(runtime& rt, outside& world, choices& draw) {
  if (world.last_number == 0) return;
  const auto number = draw.between(1, world.last_number);
  const auto answer = rt.execute<desk>(std::to_string(number), desk::confirm{number});
  if (answer && answer->event_count > 0) world.confirmed[number] = answer->position;
}

// The number's deadline runs out while its confirmation is there, and has not been read.
void confirm_late_reader(runtime& rt, outside& world, choices& draw) {
  (void)rt.pause("waiting");
  confirm(rt, world, draw);
  tyto::testing::let_pass(std::chrono::minutes{draw.between(1, 12)});
  (void)rt.resume("waiting");
  rt.check_clock();
}

// What is on record of a rejection is the answer to its repetition.
void knock(runtime& rt, outside& world, choices& draw) {
  const auto number = 2 * draw.below(4) + 1;
  command_options options;
  options.command_id = "knock " + std::to_string(number);
  options.record_rejection = true;
  const auto answer = rt.execute<gate>("side", gate::enter{number}, options);
  require(!answer, "an odd number has entered");
  const auto* no = answer.error().rejected();
  if (no == nullptr) return;
  const auto refused = no->as<odd_number>();
  require(refused && refused->number == number, "number " + std::to_string(number) + " got the answer of another one");
  world.turned_away.insert(number);
}

// A program's rows never go back while it runs, and the last answer is not missed.
void watch_numbers(runtime& rt, outside& world, choices& draw) {
  auto seen = std::make_shared<std::uint64_t>(0);
  auto live = rt.watch<numbers>(numbers::count{}, [&world, seen](std::uint64_t count) {
    if (count < *seen) world.wrong = "a live query went back";
    *seen = count;
  });
  if (!live) return;
  tyto::testing::let_pass(std::chrono::milliseconds{draw.between(1, 5'000)});
  const auto now = rt.query<numbers>(numbers::count{});
  if (now) require(*seen <= *now, "a live query is ahead");
}

// Those behind it go on.
void give_up(runtime& rt, outside& world, choices&) {
  const auto letters = rt.dead_letters(fussy::name);
  if (!letters) return;
  for (const auto& each : *letters) {
    if (world.hopeless.contains(each.event.position)) (void)rt.discard_dead_letter(fussy::name, each.event.position);
  }
  (void)rt.replay_dead_letters(fussy::name);
}

void operate(runtime& rt, outside& world, choices& draw) {
  const std::vector<std::string> consumers{"stamping", "picky", "telling", "numbers", "shared_sums", "grudging"};
  const auto& consumer = draw.pick(consumers);
  switch (draw.below(5)) {
    case 0:
      (void)rt.pause(consumer);
      (void)rt.resume(consumer);
      break;
    case 1:
      (void)rt.reset("shared_sums");
      break;
    case 2:
      (void)rt.replay_dead_letters("picky");
      break;
    case 3:
      (void)rt.replay_dead_letters("grudging");
      break;
    default:
      world.is_upgraded = world.is_upgraded || draw.one_in(4);
  }
}

// From some moment on, so that letters are released while other things fail.
void mend(runtime& rt, outside& world, choices& draw) {
  world.is_mended = world.is_mended || draw.one_in(3);
  (void)rt.replay_dead_letters("grudging");
  (void)rt.replay_dead_letters("picky");
}

// Consumers are done with what was answered before. One that is reset meanwhile begins anew.
void settle(runtime& rt, outside& world, choices&) {
  std::uint64_t promised = 0;
  for (const auto& [number, each] : world.acknowledged) promised = std::max(promised, each.position);
  if (!rt.settle(std::chrono::seconds{10})) return;
  for (const auto& each : rt.status().consumers) {
    if (each.state == consumer_state::stopped || each.name == shared_sums::name) continue;
    require(each.position >= promised, each.name + " is behind what is settled");
  }
}

void move_clock_on(runtime& rt, outside&, choices&) { rt.check_clock(); }

std::string what_was_promised_is_stored(const inside& at, const outside& world) {
  std::map<std::string, std::uint64_t> stored;
  std::map<std::string, std::uint64_t> counts;
  const auto read =
      at.stored.journal->read_all({.only = {{std::string{stored_name<counted>}}, {}}}, [&](const event_view& event) {
        stored.emplace(event.meta.command_id, event.meta.position);
        ++counts[std::string{event.meta.entity_id()}];
        return visit::next;
      });
  if (!read) return read.error().message();
  for (const auto& [of, said] : world.heard) {
    if (counts[of] < said) return "tally " + of + " has said that it has " + std::to_string(said) + " numbers";
  }
  for (const auto& [number, promised] : world.acknowledged) {
    const auto found = stored.find("number " + std::to_string(number));
    if (found == stored.end()) return "number " + std::to_string(number) + " is not there";
    if (found->second != promised.position) return "number " + std::to_string(number) + " is elsewhere";
  }
  return {};
}

// An event rests on those before it in its stream, and on no others.
std::string tallies_knew_what_they_said(const inside& at, const outside&) {
  std::map<std::string, tally::state> states;
  std::string wrong;
  const auto read = at.stored.journal->read_all({.only = {{}, {std::string{tally::category}}}}, [&](const auto& event) {
    auto& state = states[event.meta.persistence_id];
    if (event.meta.type == stored_name<counted>) {
      state = tally::evolve(state, from_bytes<counted>(event.payload).value());
      return visit::next;
    }
    const auto said = from_bytes<checked>(event.payload).value();
    if (said.numbers == state.numbers && said.sum == state.sum) return visit::next;
    wrong = event.meta.persistence_id + " knew another history at position " + std::to_string(event.meta.position);
    return visit::stop;
  });
  return read ? wrong : read.error().message();
}

std::string rows_of(const row_reader& rows) {
  std::string all;
  (void)rows.scan({}, [&all](std::string_view key, std::string_view value) {
    all.append(key).append("=").append(value).append(";");
    return visit::next;
  });
  return all;
}

template <class P>
std::string rows_are_what_their_position_says(const inside& at) {
  const auto rows = at.stored.read_models->snapshot(P::name);
  if (!rows) return rows.error().message();
  const auto should = project_until<P>(*at.stored.journal, (*rows)->position());
  if (!should) return should.error().message();
  if (should->position() < (*rows)->position()) return std::string{P::name} + " is beyond the journal";
  if (rows_of(**rows) == rows_of(should->rows())) return {};
  return "the rows of " + std::string{P::name} + " at " + std::to_string((*rows)->position()) + " are others";
}

std::string rows_follow_the_journal(const inside& at, const outside& world) {
  if (auto wrong = rows_are_what_their_position_says<numbers>(at); !wrong.empty()) return wrong;
  if (auto wrong = rows_are_what_their_position_says<shared_sums>(at); !wrong.empty()) return wrong;
  if (auto wrong = rows_are_what_their_position_says<sums>(at); !wrong.empty()) return wrong;
  return world.is_upgraded ? rows_are_what_their_position_says<sums_again>(at) : std::string{};
}

struct history_of_world {
  std::map<std::uint64_t, std::uint64_t> counted_at;
  std::map<std::string, std::map<std::pair<std::uint64_t, std::uint64_t>, int>> stamped;  // by entity
  std::map<std::uint64_t, std::uint64_t> missed_at;
  std::map<std::uint64_t, timestamp> until;
  std::map<std::uint64_t, std::pair<std::uint64_t, timestamp>> confirmed;
  std::map<std::string, int> ends;       // by the instance of waiting
  std::map<std::uint64_t, int> entered;  // at the front
  std::map<std::string, int> rejected;   // at the side, by the command's id
  std::vector<std::string> told;
};

history_of_world read_history(const inside& at) {
  history_of_world all;
  const auto read = at.stored.journal->read_all({}, [&all](const event_view& event) {
    const auto& m = event.meta;
    const auto decode = [&event]<class E>(std::type_identity<E>) { return from_bytes<E>(event.payload).value(); };
    if (m.type == stored_name<counted>) {
      const auto number = decode(std::type_identity<counted>{}).number;
      require(all.counted_at.emplace(number, m.position).second,
              "number " + std::to_string(number) + " is there twice");
      all.told.push_back(std::string{m.entity_id()} + " " + std::to_string(number));
    } else if (m.type == stored_name<stamped>) {
      const auto e = decode(std::type_identity<stamped>{});
      ++all.stamped[std::string{m.entity_id()}][{e.number, e.copy}];
    } else if (m.type == stored_name<entered>) {
      ++all.entered[decode(std::type_identity<entered>{}).number];
    } else if (m.type == stored_name<command_rejected> && m.persistence_id == "gate|side") {
      ++all.rejected[m.command_id];
    } else if (m.type == stored_name<wait_begun>) {
      const auto e = decode(std::type_identity<wait_begun>{});
      all.until[e.number] = e.until;
    } else if (m.type == stored_name<wait_missed>) {
      all.missed_at[decode(std::type_identity<wait_missed>{}).number] = m.position;
      ++all.ends[m.persistence_id];
    } else if (m.type == stored_name<wait_ended>) {
      ++all.ends[m.persistence_id];
    } else if (m.type == stored_name<confirmation>) {
      all.confirmed[decode(std::type_identity<confirmation>{}).number] = {m.position, m.time};
    }
    return visit::next;
  });
  require(read.has_value(), "the journal cannot be read");
  return all;
}

std::string every_number_had_its_effects_once(const inside& at, const outside&) {
  const auto seen = read_history(at);
  for (const auto& [number, position] : seen.counted_at) {
    int stamps_of_all = 0;
    int stamps_of_picky = 0;
    int stamps_of_fussy = 0;
    int stamps_of_refusal = 0;
    for (const auto& [entity, stamps] : seen.stamped) {
      for (const auto& [which, times] : stamps) {
        if (which.first != number) continue;
        if (times > 1) return "number " + std::to_string(number) + " was stamped twice by " + entity;
        if (entity.starts_with("all ")) ++stamps_of_all;
        if (entity.starts_with("picky ")) ++stamps_of_picky;
        if (entity.starts_with("fussy ")) ++stamps_of_fussy;
        if (entity == "turned away") ++stamps_of_refusal;
      }
    }
    if (stamps_of_all != 2) return "number " + std::to_string(number) + " was not stamped twice";
    if (stamps_of_picky != 1) return "number " + std::to_string(number) + " was not stamped by picky";
    if (stamps_of_fussy != (is_hopeless(number) ? 0 : 1)) {
      return "number " + std::to_string(number) + " was stamped " + std::to_string(stamps_of_fussy) + " times by fussy";
    }
    const int times_in = number % 2 == 0 ? 1 : 0;
    const auto in = seen.entered.find(number);
    if ((in == seen.entered.end() ? 0 : in->second) != times_in || stamps_of_refusal != 1 - times_in) {
      return "number " + std::to_string(number) + " was neither let in once nor turned away once";
    }
  }
  return {};
}

std::string rejections_are_on_record_once(const inside& at, const outside& world) {
  const auto seen = read_history(at);
  for (const auto& [id, times] : seen.rejected) {
    if (times != 1) return "the rejection of '" + id + "' is there " + std::to_string(times) + " times";
  }
  for (const auto number : world.turned_away) {
    if (!seen.rejected.contains("knock " + std::to_string(number))) {
      return "the rejection of number " + std::to_string(number) + " is not there";
    }
  }
  return {};
}

std::string callbacks_saw_nothing_wrong(const inside&, const outside& world) { return world.wrong; }

std::string every_wait_ended_once(const inside& at, const outside&) {
  const auto seen = read_history(at);
  for (const auto& [number, position] : seen.counted_at) {
    const auto name = "waiting|" + std::to_string(number);
    if (!seen.ends.contains(name)) return name + " has not ended";
    if (seen.ends.at(name) > 1) return name + " has ended more than once";
  }
  return {};
}

// What was in the journal in time must not be overtaken. What has been decided is there some time later.
std::string no_deadline_overtakes(const inside& at, const outside&) {
  constexpr std::chrono::seconds longest_append{4};
  const auto seen = read_history(at);
  for (const auto& [number, missed] : seen.missed_at) {
    const auto confirmed = seen.confirmed.find(number);
    if (confirmed == seen.confirmed.end() || confirmed->second.first > missed) continue;
    if (confirmed->second.first < seen.counted_at.at(number)) continue;  // nobody waited yet
    if (confirmed->second.second + longest_append < seen.until.at(number)) {
      return "number " + std::to_string(number) + " was confirmed in time, and its deadline fired";
    }
  }
  return {};
}

std::string grudging_has_each_number_once(const inside& at, const outside&) {
  const auto rows = at.stored.read_models->snapshot(grudging::name);
  if (!rows) return rows.error().message();
  const grudging::table table{static_cast<const row_reader&>(**rows)};
  for (const auto& [number, position] : read_history(at).counted_at) {
    const auto times = table.get(number);
    if (!times) return "grudging does not have number " + std::to_string(number);
    if (*times != 1) return "grudging has number " + std::to_string(number) + " " + std::to_string(*times) + " times";
  }
  return {};
}

// Each at least once, and nothing overtaken in its tally.
std::string nothing_is_overtaken(const inside& at, const std::vector<std::string>& told) {
  std::map<std::string, std::vector<std::string>> should;
  for (const auto& each : read_history(at).told) should[each.substr(0, each.find(' '))].push_back(each);
  std::map<std::string, std::size_t> next;
  for (const auto& each : told) {
    const auto of = each.substr(0, each.find(' '));
    const auto& order = should[of];
    const auto place = static_cast<std::size_t>(std::ranges::find(order, each) - order.begin());
    if (place > next[of]) return "'" + each + "' has overtaken others";
    next[of] = std::max(next[of], place + 1);
  }
  for (const auto& [of, order] : should) {
    if (next[of] != order.size()) return "tally " + of + " was not told to the end";
  }
  return {};
}

std::string all_were_told_in_order(const inside& at, const outside& world) {
  return nothing_is_overtaken(at, world.told);
}

// What follows a dead letter in its tally waits behind it.
std::string all_were_picked_in_order(const inside& at, const outside& world) {
  return nothing_is_overtaken(at, world.picked);
}

std::string aggregates_know_their_history(const inside& at, const outside&) {
  for (const auto* const of : {"0", "1", "2"}) {
    const auto answer = at.program.execute<tally>(of, tally::check{});
    if (!answer) return answer.error().message();
    const auto said = answer->get_if<checked>();
    const auto should = state_at<tally>(*at.stored.journal, of, at_time{timestamp::max()});
    if (!said || !should) return "there is no answer";
    if (said->numbers != should->numbers || said->sum != should->sum) return "tally " + std::string{of} + " is wrong";
  }
  return {};
}

void release_all(runtime& rt, outside& world, choices&) {
  world.is_mended = true;
  for (const auto* const consumer : {"picky", "grudging"}) rt.replay_dead_letters(consumer).value();
}

// Behind one that is given up there may be another one.
void give_all_up(runtime& rt, outside& world, choices& draw) {
  for (std::size_t left = world.last_number + 1; left > 0 && !rt.dead_letters(fussy::name).value().empty(); --left) {
    give_up(rt, world, draw);
  }
}

std::string no_dead_letter_is_left(const inside& at, const outside&) {
  for (const auto* const consumer : {"picky", "grudging", "fussy"}) {
    const auto left = at.program.dead_letters(consumer);
    if (!left) return left.error().message();
    if (!left->empty()) return std::to_string(left->size()) + " dead letters of " + consumer + " are left";
  }
  return {};
}

simulation<outside> protocols(simulation_options options) {
  options.runtime.min_backoff = std::chrono::milliseconds{5};
  options.runtime.max_consumer_batch = 4;  // so that who is behind comes to the head in many steps
  const bool has_steady_clock = options.clock_jumps == 0;
  simulation<outside> world{std::move(options)};
  world.program(register_protocols)
      .action("numbers are counted", count)
      .action("numbers are counted at once", count_at_once)
      .action("a number is counted at a version", count_at_version)
      .action("a number is sent again", repeat)
      .action("a tally is asked", ask_what_is_there)
      .action("a query waits for a number", query)
      .action("the sums are looked at", look_at_sums)
      .action("a number is confirmed", confirm)
      .action("a confirmation is read late", confirm_late_reader)
      .action("consumers are operated", operate)
      .action("dead letters are released", mend)
      .action("dead letters are given up", give_up)
      .action("a number is turned away", knock)
      .action("somebody watches the numbers", watch_numbers)
      .action("deadlines are looked at", move_clock_on)
      .action("the program settles", settle)
      .always("what was promised is stored", what_was_promised_is_stored)
      .always("tallies knew what they said", tallies_knew_what_they_said)
      .always("rows are what their position says", rows_follow_the_journal)
      .always("rejections are on record once", rejections_are_on_record_once)
      .always("callbacks saw nothing wrong", callbacks_saw_nothing_wrong)
      .finally("what can be mended is released", release_all)
      .finally("what is hopeless is given up", give_all_up)
      .at_rest("no dead letter is left", no_dead_letter_is_left)
      .at_rest("every number had its effects once", every_number_had_its_effects_once)
      .at_rest("every wait ended once", every_wait_ended_once)
      .at_rest("grudging has each number once", grudging_has_each_number_once)
      .at_rest("all were told in order", all_were_told_in_order)
      .at_rest("all were picked in order", all_were_picked_in_order)
      .at_rest("aggregates know their history", aggregates_know_their_history);
  // A clock that is set makes it look so where all is well.
  if (has_steady_clock) world.always("no deadline overtakes its inputs", no_deadline_overtakes);
  return world;
}

}  // namespace

TEST_CASE("The runtime's protocols hold in worlds whose disks fail") {
  simulation_options options;
  options.actions = 12;
  options.clock_jumps = 0;
  options.faults = {.failing_appends = 20,
                    .breaking_appends = 200,
                    .failing_commits = 20,
                    .failing_syncs = 10,
                    .failing_reads = 100,
                    .full_disk = 200,
                    .delayed_appends = 4,
                    .lost_commits = 4};
  const auto report = protocols(options).explore(explored(300));
  WARN(report);
  REQUIRE(report);
}

TEST_CASE("The runtime's protocols hold in worlds whose clock is set, and where consumers stand still for minutes") {
  simulation_options options;
  options.actions = 12;
  options.clock_jumps = 300;
  options.stalls = 32;
  options.longest_stall = std::chrono::minutes{5};
  options.faults = {.failing_appends = 50, .delayed_appends = 4};
  const auto report = protocols(options).explore(explored(100));
  WARN(report);
  REQUIRE(report);
}

TEST_CASE("The runtime's protocols hold wherever the program is killed") {
  simulation_options options;
  options.actions = 8;
  const auto report = protocols(options).crash_everywhere(explored(3, 100));
  WARN(report);
  REQUIRE(report);
}
