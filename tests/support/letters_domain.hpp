// A small domain with a bit of everything that is shown of a storage: for programs that tests of the command and of the
// page run. Accounts with snapshots, a reaction that fails, a projection, and a process manager with deadlines.
#pragma once

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <tyto/tyto.hpp>

namespace tyto::test {

using namespace std::chrono_literals;

struct money_moved {
  std::int64_t cents = 0;
  std::string note;
};
TYTO_EVENT(money_moved, "account.money_moved", cents, note)

struct move_money {
  std::int64_t cents;
  std::string note;
};

struct account {
  static constexpr std::string_view category = "account";
  static constexpr tyto::snapshot_policy snapshots{.every_events = 3};
  using command = std::variant<move_money>;
  using event = std::variant<money_moved>;
  struct state {
    std::int64_t cents = 0;
  };

  static tyto::decision<event> decide(const state& s, const move_money& c) {
    if (s.cents + c.cents < 0) return tyto::reject("the account holds " + std::to_string(s.cents) + " cents");
    return money_moved{c.cents, c.note};
  }
  static state evolve(state s, const money_moved& e) { return {s.cents + e.cents}; }
};
TYTO_VALUE(account::state, cents)

struct letter_sent {
  std::string text;
};
TYTO_EVENT(letter_sent, "letter.sent", text)

struct send_letter {
  std::string text;
};

struct letter {
  static constexpr std::string_view category = "letter";
  using command = std::variant<send_letter>;
  using event = std::variant<letter_sent>;
  struct state {};
  static tyto::decision<event> decide(const state&, const send_letter& c) { return letter_sent{c.text}; }
  static state evolve(state s, const letter_sent&) { return s; }
};

// Writes a letter for each movement, and cannot cope with 13 cents while `is_broken`.
inline std::atomic<bool> is_broken = true;
struct mailing {
  static constexpr std::string_view name = "mailing";
  static constexpr tyto::failure_policy failures{.retries = 0};
  static tyto::commands react(const money_moved& e, const tyto::metadata& m) {
    if (e.cents == 13 && is_broken) throw std::runtime_error{"13 cents \x1b[31mare <b>unlucky</b>"};
    return {tyto::send<letter>(m.entity_id(), send_letter{std::to_string(e.cents) + " cents"})};
  }
};

struct balances {
  static constexpr std::string_view name = "balances.v1";
  using table = tyto::table<std::string, std::int64_t>;
  static void project(table& rows, const money_moved& e, const tyto::metadata& m) {
    rows.update(std::string{m.entity_id()}, [&](std::int64_t& cents) { cents += e.cents; });
  }
  struct of {
    std::string owner;
  };
  static std::int64_t query(const table& rows, const of& q) { return rows.get(q.owner).value_or(0); }
};

struct reminder_set {
  tyto::timestamp due;
};
TYTO_EVENT(reminder_set, "reminder.set", due)

// Reminds of each account a year after money has moved in it first.
struct reminder {
  static constexpr std::string_view name = "reminder";
  using inputs = tyto::events<money_moved>;
  using event = std::variant<reminder_set>;
  struct state {
    bool is_set = false;
  };

  static tyto::correlation correlate(const money_moved&, const tyto::metadata& m) {
    return tyto::starts(m.entity_id());
  }
  static tyto::decision<event> on(const state& s, const money_moved&, const tyto::metadata& m) {
    if (s.is_set) return tyto::nothing;
    return reminder_set{m.time + 365 * 24h};
  }
  static tyto::decision<event> on(const state&, const tyto::deadline&) { return tyto::nothing; }
  static state evolve(state, const reminder_set&) { return {true}; }
  static tyto::steps then(const reminder_set& e, const std::string&) { return {tyto::set_deadline{"yearly", e.due}}; }
};

inline void add_domain(tyto::runtime& rt) {
  rt.aggregate<account>().aggregate<letter>().reaction<mailing>().projection<balances>().process_manager<reminder>();
}

}  // namespace tyto::test
