// What consumer_writer adds to the domain of crash_writer: a projection that counts every stream, a reaction that
// cannot cope with some events, a projection that copes with them when they come again, and a process manager with
// deadlines of some milliseconds.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

#include "crash_domain.hpp"

namespace tyto::test {

struct stamped {
  std::uint64_t number = 0;
};
TYTO_EVENT(stamped, "stamps.stamped", number)

struct stamp {
  std::uint64_t number = 0;
};

struct stamps {
  static constexpr std::string_view category = "stamps";
  using command = std::variant<stamp>;
  using event = std::variant<stamped>;
  struct state {};
  static decision<event> decide(const state&, const stamp& c) { return stamped{c.number}; }
  static state evolve(state s, const stamped&) { return s; }
};

/// Stamps each event, but for poison: a number at which it always fails. Numbers are parked in groups.
struct picky {
  static constexpr std::string_view name = "picky";
  static constexpr failure_policy failures{.retries = 2, .then = on_failure::park};
  static bool is_poison(const counted_in& e) { return e.number % 40 == 11; }
  static std::string key(const counted_in& e, const metadata&) { return "group " + std::to_string(e.number / 40); }
  static commands react(const counted_in& e, const metadata& m) {
    if (is_poison(e)) throw std::runtime_error("poison");
    return {send<stamps>("picky " + std::string{m.entity_id()}, stamp{e.number})};
  }
};

struct echo_awaited {
  std::uint64_t number = 0;
  timestamp until;
};
struct echo_heard {};
struct echo_missed {
  std::uint64_t number = 0;
};
TYTO_EVENT(echo_awaited, "patience.echo_awaited", number, until)
TYTO_EVENT(echo_heard, "patience.echo_heard")
TYTO_EVENT(echo_missed, "patience.echo_missed", number)

/// Waits some milliseconds for the echo of every other number. It turns a deaf ear to most, so their deadlines fire;
/// for the others echo and deadline race.
struct patience {
  static constexpr std::string_view name = "patience";
  using inputs = tyto::events<counted_in, echoed>;
  using event = std::variant<echo_awaited, echo_heard, echo_missed>;
  struct state {
    std::uint64_t number = 0;
    bool over = false;
  };

  static bool awaits(std::uint64_t number) { return number % 2 == 0; }
  static bool listens(std::uint64_t number) { return number % 6 == 0; }

  static correlation correlate(const counted_in& e, const metadata& m) {
    return awaits(e.number) && m.decision_index == 0 ? starts(std::to_string(e.number)) : ignored();
  }
  static correlation correlate(const echoed& e, const metadata&) {
    return listens(e.number) ? continues(std::to_string(e.number)) : ignored();
  }

  static decision<event> on(const state&, const counted_in& e, const metadata& m) {
    return echo_awaited{e.number, m.time + std::chrono::milliseconds{e.number % 16}};
  }
  static decision<event> on(const state&, const echoed&, const metadata&) { return echo_heard{}; }
  static decision<event> on(const state& s, const deadline&) { return echo_missed{s.number}; }

  static state evolve(state, const echo_awaited& e) { return {e.number, false}; }
  static state evolve(state s, const echo_heard&) { return {s.number, true}; }
  static state evolve(state s, const echo_missed&) { return {s.number, true}; }

  static steps then(const echo_awaited& e, const std::string&) { return {set_deadline{"echo", e.until}}; }
  static steps then(const echo_heard&, const std::string&) { return {cancel_deadline{"echo"}}; }
  static steps then(const echo_missed& e, const std::string&) {
    return {send<stamps>("late " + std::to_string(e.number % 8), stamp{e.number})};
  }

  static bool is_over(const state& s) { return s.over; }
};

/// How many events it has seen of each stream, and the last one's sequence number.
struct stream_counts {
  static constexpr std::string_view name = "stream_counts";
  using events = tyto::events<counted_in, echoed, stamped, echo_awaited, echo_heard, echo_missed, deadline_reached>;
  struct row {
    std::uint64_t events = 0;
    std::uint64_t last = 0;
  };
  using table = tyto::table<std::string, row>;
  template <class Event>
  static void project(table& rows, const Event&, const metadata& m) {
    const auto row_of_stream = rows.get(m.persistence_id).value_or(row{});
    rows.put(m.persistence_id, {row_of_stream.events + 1, m.sequence_number});
  }
};
TYTO_VALUE(stream_counts::row, events, last)

/// A number that stands for all the events of a stream in their order. Some events it cannot cope with unless it
/// forgives: they become dead letters, and what follows in their streams waits behind them.
struct grudging {
  static constexpr std::string_view name = "grudging";
  static constexpr failure_policy failures{.retries = 0};
  static inline std::atomic<bool> forgives = false;
  static inline std::counting_semaphore<> held_back{0};  // released for each failure
  static bool is_hard(const counted_in& e) { return e.number % 9 == 5; }
  using table = tyto::table<std::string, std::uint64_t>;
  static void project(table& rows, const counted_in& e, const metadata& m) {
    if (is_hard(e) && !forgives) {
      held_back.release();
      throw std::runtime_error("not yet");
    }
    rows.update(m.persistence_id, [&](std::uint64_t& all) { all = all * 31 + m.sequence_number; });
  }
};

/// The projections once more, under names of their own, so that they are rebuilt.
struct sums_again : sums {
  static constexpr std::string_view name = "sums.again";
};
struct stream_counts_again : stream_counts {
  static constexpr std::string_view name = "stream_counts.again";
};

struct grudging_again : grudging {
  static constexpr std::string_view name = "grudging.again";
};

inline void add_consumer_domain(runtime& rt) {
  add_crash_domain(rt);
  rt.aggregate<stamps>()
      .reaction<picky>()
      .process_manager<patience>()
      .projection<stream_counts>()
      .projection<grudging>();
}

inline runtime_options without_a_word(runtime_options options) {
  options.log = [](std::string_view) {};  // of the poison
  options.min_backoff = std::chrono::milliseconds{1};
  options.max_backoff = std::chrono::milliseconds{4};
  return options;
}

}  // namespace tyto::test
