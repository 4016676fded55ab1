// A domain in which every protocol of the runtime is at work, and what the world outside knows of it. Numbers go into
// tallies; consumers of every kind take them from there, so that at the end it can be told of each number where it has
// been, and how often.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tyto/tyto.hpp"

namespace tyto::test {

/// What the world outside knows.
struct outside {
  struct promise {
    std::string tally;
    std::uint64_t position = 0;
    std::uint64_t sequence_number = 0;
  };
  std::uint64_t last_number = 0;
  std::map<std::uint64_t, std::string> sent;         // numbers, and the tallies that they were sent to
  std::map<std::uint64_t, promise> acknowledged;     // those that were answered with success
  std::map<std::uint64_t, std::uint64_t> confirmed;  // numbers, and the positions of their confirmations
  std::map<std::string, std::uint64_t> heard;        // tallies, and the most numbers of which one has said it has them
  std::uint64_t stamps_seen = 0;                     // of sums, the most since the program has started
  bool is_mended = false;                            // poison is none any more
  bool is_upgraded = false;                          // the program's next start builds the second version of sums
  std::vector<std::string> told;                     // by the consumer that has effects outside, in order
  std::vector<std::string> picked;                   // by the consumer that cannot cope with poison, in order
  std::set<std::uint64_t> hopeless;                  // positions of what nobody can mend
  std::set<std::uint64_t> turned_away;               // numbers whose rejection was answered
  std::string wrong;                                 // what a callback has seen that must not be
};

struct counted {
  std::uint64_t number = 0;
};
struct checked {
  std::uint64_t numbers = 0;
  std::uint64_t sum = 0;
};
TYTO_EVENT(counted, "tally.counted", number)
TYTO_EVENT(checked, "tally.checked", numbers, sum)

struct tally {
  static constexpr std::string_view category = "tally";
  static constexpr snapshot_policy snapshots{.every_events = 4};
  struct count {
    std::uint64_t number = 0;
  };
  struct check {};  // says what it knows
  struct decline {};
  using command = std::variant<count, check, decline>;
  using event = std::variant<counted, checked>;
  struct state {
    std::uint64_t numbers = 0;
    std::uint64_t sum = 0;
  };
  static decision<event> decide(const state&, const count& c) { return counted{c.number}; }
  static decision<event> decide(const state& s, const check&) { return checked{s.numbers, s.sum}; }
  static decision<event> decide(const state& s, const decline&) { return reject(std::to_string(s.numbers)); }
  static state evolve(state s, const counted& e) { return {s.numbers + 1, s.sum + e.number}; }
  static state evolve(state s, const checked&) { return s; }
};
TYTO_VALUE(tally::state, numbers, sum)

struct stamped {
  std::uint64_t number = 0;
  std::uint64_t copy = 0;
};
TYTO_EVENT(stamped, "stamps.stamped", number, copy)

/// Takes any number as often as it comes: that each has one effect is the runtime's business.
struct stamps {
  static constexpr std::string_view category = "stamps";
  struct stamp {
    std::uint64_t number = 0;
    std::uint64_t copy = 0;
  };
  using command = std::variant<stamp>;
  using event = std::variant<stamped>;
  struct state {};
  static decision<event> decide(const state&, const stamp& c) { return stamped{c.number, c.copy}; }
  static state evolve(state s, const stamped&) { return s; }
};

/// Two stamps for each number, by two partitions; by three in the second version of the program.
template <std::size_t Partitions>
struct stamping {
  static constexpr std::string_view name = "stamping";
  static constexpr std::size_t partitions = Partitions;
  static commands react(const counted& e, const metadata& m) {
    return {send<stamps>("all " + std::string{m.entity_id()}, stamps::stamp{e.number, 1}),
            send<stamps>("all " + std::string{m.entity_id()}, stamps::stamp{e.number, 2})};
  }
};

inline bool is_poison(std::uint64_t number) { return number % 5 == 3; }

/// Cannot cope with poison, until that is mended.
struct picky {
  static constexpr std::string_view name = "picky";
  static constexpr failure_policy failures{.retries = 1};
  outside* world;
  [[nodiscard]] commands react(const counted& e, const metadata& m) const {
    if (is_poison(e.number) && !world->is_mended) throw std::runtime_error("poison");
    world->picked.push_back(std::string{m.entity_id()} + " " + std::to_string(e.number));
    return {send<stamps>("picky " + std::string{m.entity_id()}, stamps::stamp{e.number, 1})};
  }
};

inline bool is_hopeless(std::uint64_t number) { return number % 7 == 4; }

/// Cannot cope with some numbers, which have to be given up.
struct fussy {
  static constexpr std::string_view name = "fussy";
  static constexpr failure_policy failures{.retries = 1};
  outside* world;
  [[nodiscard]] commands react(const counted& e, const metadata& m) const {
    if (is_hopeless(e.number)) {
      world->hopeless.insert(m.position);
      throw std::runtime_error("never");
    }
    return {send<stamps>("fussy " + std::string{m.entity_id()}, stamps::stamp{e.number, 1})};
  }
};

struct entered {
  std::uint64_t number = 0;
};
struct odd_number {
  std::uint64_t number = 0;
};
TYTO_EVENT(entered, "gate.entered", number)
TYTO_REJECTION(odd_number, "gate.odd_number", number)

/// Lets even numbers in.
struct gate {
  static constexpr std::string_view category = "gate";
  struct enter {
    std::uint64_t number = 0;
  };
  using command = std::variant<enter>;
  using event = std::variant<entered>;
  struct state {};
  static decision<event> decide(const state&, const enter& c) {
    if (c.number % 2 == 1) return reject(odd_number{c.number}, "it is odd");
    return entered{c.number};
  }
  static state evolve(state s, const entered&) { return s; }
};

/// Sends each number to the gate, and stamps those that are turned away.
struct visiting {
  static constexpr std::string_view name = "visiting";
  static commands react(const counted& e, const metadata&) { return {send<gate>("front", gate::enter{e.number})}; }
  static commands on_rejected(const refused_command& refused, const metadata&) {
    return {send<stamps>("turned away", stamps::stamp{refused.why.as<odd_number>().value().number, 1})};
  }
};

/// Has effects outside: at least once, in the order of each tally.
struct telling {
  static constexpr std::string_view name = "telling";
  outside* world;
  void react(const counted& e, const metadata& m) const {
    world->told.push_back(std::string{m.entity_id()} + " " + std::to_string(e.number));
  }
};

/// Rows that depend on the order and the number of events.
template <class Named>
struct summing {
  using events = tyto::events<counted, stamped>;
  using table = tyto::table<std::string, std::uint64_t>;
  static void project(table& rows, const counted& e, const metadata& m) {
    rows.update(m.persistence_id, [&](std::uint64_t& all) { all = all * 31 + e.number; });
  }
  static void project(table& rows, const stamped& e, const metadata& m) {
    rows.update(m.persistence_id, [&](std::uint64_t& all) { all = all * 31 + e.number * 2 + e.copy; });
    rows.update("stamps", [](std::uint64_t& all) { ++all; });
  }
  // Grows with nearly every event, so that it shows who answers from behind.
  static std::uint64_t stamps_in(const table& rows) { return rows.get("stamps").value_or(0); }
  struct has {
    std::uint64_t number = 0;
  };
};

/// Which numbers have been counted.
struct numbers {
  static constexpr std::string_view name = "numbers";
  using table = tyto::table<std::uint64_t, std::uint64_t>;
  static void project(table& rows, const counted& e, const metadata& m) { rows.put(e.number, m.position); }
  struct has {
    std::uint64_t number = 0;
  };
  static bool query(const table& rows, const has& q) { return rows.get(q.number).has_value(); }
  struct count {};
  static std::uint64_t query(const table& rows, const count&) { return rows.count(); }
};

struct sums : summing<sums> {
  static constexpr std::string_view name = "sums";
  static std::uint64_t query(const table& rows, const has&) { return stamps_in(rows); }
};
/// The same, in the second version of the program.
struct sums_again : summing<sums_again> {
  static constexpr std::string_view name = "sums.2";
  using replaces = sums;
  static std::uint64_t query(const table& rows, const sums::has&) { return stamps_in(rows); }
};
/// The same, by several threads.
struct shared_sums : summing<shared_sums> {
  static constexpr std::string_view name = "shared_sums";
  static constexpr std::size_t partitions = 3;
};

/// Counts each number once, some of them only when poison is mended.
struct grudging {
  static constexpr std::string_view name = "grudging";
  static constexpr failure_policy failures{.retries = 1};
  using table = tyto::table<std::uint64_t, std::uint64_t>;
  const outside* world;
  void project(table& rows, const counted& e, const metadata&) const {
    if (is_poison(e.number) && !world->is_mended) throw std::runtime_error("poison");
    rows.update(e.number, [](std::uint64_t& times) { ++times; });
  }
};

struct confirmation {
  std::uint64_t number = 0;
};
TYTO_EVENT(confirmation, "desk.confirmation", number)

struct desk {
  static constexpr std::string_view category = "desk";
  struct confirm {
    std::uint64_t number = 0;
  };
  using command = std::variant<confirm>;
  using event = std::variant<confirmation>;
  struct state {
    bool is_confirmed = false;
  };
  static decision<event> decide(const state& s, const confirm& c) {
    if (s.is_confirmed) return nothing;
    return confirmation{c.number};
  }
  static state evolve(state, const confirmation&) { return {true}; }
};

struct wait_begun {
  std::uint64_t number = 0;
  timestamp until;
};
struct wait_ended {};
struct wait_missed {
  std::uint64_t number = 0;
};
TYTO_EVENT(wait_begun, "waiting.begun", number, until)
TYTO_EVENT(wait_ended, "waiting.ended")
TYTO_EVENT(wait_missed, "waiting.missed", number)

/// Waits for the confirmation of every number, and stamps those that have none: ten minutes, or so short that the
/// deadline comes while other things happen.
struct waiting {
  static constexpr std::string_view name = "waiting";
  using inputs = tyto::events<counted, confirmation>;
  using event = std::variant<wait_begun, wait_ended, wait_missed>;
  struct state {
    std::uint64_t number = 0;
    bool is_over = false;
  };
  static bool is_over(const state& s) { return s.is_over; }
  static correlation correlate(const counted& e, const metadata&) { return starts(std::to_string(e.number)); }
  static correlation correlate(const confirmation& e, const metadata&) { return continues(std::to_string(e.number)); }
  static decision<event> on(const state&, const counted& e, const metadata& m) {
    const std::chrono::seconds patience = e.number % 2 == 0 ? std::chrono::minutes{10} : std::chrono::seconds{5};
    return wait_begun{e.number, m.time + patience};
  }
  static decision<event> on(const state&, const confirmation&, const metadata&) { return wait_ended{}; }
  static decision<event> on(const state& s, const deadline&) { return wait_missed{s.number}; }
  static state evolve(state, const wait_begun& e) { return {e.number, false}; }
  static state evolve(state s, const wait_ended&) { return {s.number, true}; }
  static state evolve(state s, const wait_missed&) { return {s.number, true}; }
  static steps then(const wait_begun& e, const std::string&) { return {set_deadline{"patience", e.until}}; }
  static steps then(const wait_ended&, const std::string&) { return {cancel_deadline{"patience"}}; }
  static steps then(const wait_missed& e, const std::string&) {
    return {send<stamps>("missed", stamps::stamp{e.number, 1})};
  }
};

inline void register_protocols(runtime& rt, outside& world) {
  rt.aggregate<tally>().aggregate<stamps>().aggregate<desk>().aggregate<gate>();
  world.stamps_seen = 0;  // losing power may have undone what was seen
  rt.reaction(picky{&world}).reaction(telling{&world}).reaction(fussy{&world}).reaction<visiting>();
  rt.projection<numbers>().projection<shared_sums>().projection(grudging{&world});
  if (world.is_upgraded) {
    rt.reaction(stamping<3>{}).projection<sums_again>();
  } else {
    rt.reaction(stamping<2>{}).projection<sums>();
  }
  rt.process_manager<waiting>();
}

}  // namespace tyto::test
