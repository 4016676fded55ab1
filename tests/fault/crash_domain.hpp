// What crash_writer does and crash_test expects: numbered commands, each of one to three events, an echo of each
// through a reaction, and rows that sum them up.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tyto/tyto.hpp"

namespace tyto::test {

struct counted_in {
  std::uint64_t number = 0;
};
struct echoed {
  std::uint64_t number = 0;
};
TYTO_EVENT(counted_in, "tally.counted_in", number)
TYTO_EVENT(echoed, "echo.echoed", number)

struct count_in {
  std::uint64_t number = 0;
};
struct repeat_back {
  std::uint64_t number = 0;
};

/// What there is to know about the command `number`.
inline std::string id_of(std::uint64_t number) { return "c" + std::to_string(number); }
inline std::uint64_t number_of(std::string_view id) { return std::stoull(std::string{id.substr(1)}); }
inline std::uint32_t events_of(std::uint64_t number) { return static_cast<std::uint32_t>(1 + number % 3); }
inline std::string entity_of(std::uint64_t number) { return number % 4 == 0 ? "busy" : std::to_string(number % 11); }

struct tally {
  static constexpr std::string_view category = "tally";
  using command = std::variant<count_in>;
  using event = std::variant<counted_in>;
  struct state {};
  static decision<event> decide(const state&, const count_in& c) {
    return std::vector<event>(events_of(c.number), counted_in{c.number});
  }
  static state evolve(state s, const counted_in&) { return s; }
};

struct echo {
  static constexpr std::string_view category = "echo";
  using command = std::variant<repeat_back>;
  using event = std::variant<echoed>;
  struct state {};
  static decision<event> decide(const state&, const repeat_back& c) { return echoed{c.number}; }
  static state evolve(state s, const echoed&) { return s; }
};

struct echoing {
  static constexpr std::string_view name = "echoing";
  static commands react(const counted_in& e, const metadata& m) {
    if (m.decision_index > 0) return {};
    return {send<echo>(m.entity_id(), repeat_back{e.number})};
  }
};

struct sums {
  static constexpr std::string_view name = "sums";
  using events = tyto::events<counted_in, echoed>;
  struct row {
    std::uint64_t counted_in = 0;
    std::uint64_t echoed = 0;
    std::string padding;  // of sizes that take and give back pages of their own
  };
  using table = tyto::table<std::string, row>;
  static void project(table& rows, const counted_in& e, const metadata& m) {
    rows.update(std::string{m.entity_id()}, [&](row& r) {
      ++r.counted_in;
      r.padding.assign(e.number % 7 == 0 ? 9'000 : 10, 'x');
    });
  }
  static void project(table& rows, const echoed&, const metadata& m) {
    rows.update(std::string{m.entity_id()}, [](row& r) { ++r.echoed; });
  }
  struct of {
    std::string entity;
  };
  static row query(const table& rows, const of& q) { return rows.get(q.entity).value_or(row{}); }
};
TYTO_VALUE(sums::row, counted_in, echoed, padding)

inline void add_crash_domain(runtime& rt) {
  rt.aggregate<tally>().aggregate<echo>().reaction<echoing>().projection<sums>();
}

/// The runtime of a writer program, with the domain that the program links.
std::unique_ptr<runtime> make_writer_runtime(storage stores, runtime_options options);
/// What the writer program does with it besides sending commands, until `stop`.
void work_beside(runtime& rt, const std::stop_token& stop);

inline lmdb_options crash_storage(const std::filesystem::path& directory, bool read_only = false) {
  return {.path = directory, .read_only = read_only, .fold_events = 24};
}

/// What the writer tells its parent about an acknowledged command.
struct acknowledgement {
  std::uint64_t number = 0;
  std::uint64_t position = 0;
  std::uint64_t sequence_number = 0;
  std::uint32_t events = 0;
  std::uint32_t repeated = 0;
};

}  // namespace tyto::test
