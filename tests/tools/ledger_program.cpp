// A small program with a bit of everything that `tyto` can show: for tests of the command in other processes.
//
//   ledger_program make DIR         fills a storage and ends
//   ledger_program run DIR          runs on it with a control socket: prints "ready", does what each line of standard
//                                   input says ("deposit ALICE 5", "settle"), answers each with "done" or why not, and
//                                   ends with its input
//   ledger_program fill DIR EVENTS  a journal of so many events
#include <chrono>
#include <iostream>
#include <sstream>
#include <string>
#include <tyto/tyto.hpp>

namespace {

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

// Writes a letter for each movement, and cannot cope with 13 cents.
struct mailing {
  static constexpr std::string_view name = "mailing";
  static constexpr tyto::failure_policy failures{.retries = 0};
  static tyto::commands react(const money_moved& e, const tyto::metadata& m) {
    if (e.cents == 13) throw std::runtime_error{"13 cents \x1b[31mare unlucky"};
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

void add_domain(tyto::runtime& rt) {
  rt.aggregate<account>().aggregate<letter>().reaction<mailing>().projection<balances>().process_manager<reminder>();
}

tyto::command_result move(tyto::runtime& rt, const std::string& owner, std::int64_t cents, const std::string& note,
                          tyto::command_options options = {}) {
  return rt.execute<account>(owner, move_money{cents, note}, std::move(options));
}

void make(const std::string& directory) {
  tyto::runtime rt{tyto::open_lmdb({.path = directory}).value()};
  add_domain(rt);
  rt.start().value();
  for (int i = 1; i <= 7; ++i) {
    move(rt, "alice", 100 * i, "pay", {.command_id = "till/" + std::to_string(i), .correlation_id = "request-1"})
        .value();
  }
  move(rt, "bob", 13, "unlucky").value();
  move(rt, "bob", 14, "behind").value();
  move(rt, "o'\"hara; drop table", 5, "\x1b[2J=1+1,\"quoted\"\nnext line \xc3\xa9").value();
  rt.settle(30s).value();
  rt.stop().value();
}

void fill(const std::string& directory, std::uint64_t events) {
  const auto stores = tyto::open_lmdb({.path = directory}).value();
  auto time = tyto::timestamp{std::chrono::sys_days{std::chrono::year{2026} / 3 / 2}};
  for (std::uint64_t done = 0; done < events;) {
    tyto::append_batch batch;
    for (int i = 0; i < 1'000 && done < events; ++i, ++done, time += 1s) {
      auto write = std::make_shared<tyto::stream_write>();
      write->persistence_id = "account|" + std::to_string(done % 1'000);
      write->events.resize(1);
      write->events.front().meta.type = std::string{tyto::stored_name<money_moved>};
      write->events.front().meta.time = time;
      write->events.front().payload = tyto::to_bytes(money_moved{static_cast<std::int64_t>(done), "note"});
      batch.writes.push_back(std::move(write));
    }
    tyto::append_and_wait(*stores.journal, std::move(batch)).value();
  }
}

std::string obey(tyto::runtime& rt, const std::string& line) {
  std::istringstream words{line};
  std::string what;
  std::string owner;
  std::int64_t cents = 0;
  words >> what;
  if (what == "deposit" && words >> owner >> cents) {
    const auto moved = move(rt, owner, cents, "live");
    return moved ? "done" : moved.error().message();
  }
  if (what == "settle") {
    const auto settled = rt.settle(30s);
    return settled ? "done" : settled.error().message();
  }
  return "no such thing";
}

void run(const std::string& directory) {
  tyto::runtime rt{tyto::open_lmdb({.path = directory}).value(),
                   {.log = [](std::string_view) {}, .control_socket = directory + "/control.sock"}};
  add_domain(rt);
  rt.start().value();
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) std::cout << obey(rt, line) << std::endl;
  rt.stop().value();
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "make" && argc == 3) {
    make(argv[2]);
  } else if (what == "run" && argc == 3) {
    run(argv[2]);
  } else if (what == "fill" && argc == 4) {
    fill(argv[2], std::stoull(argv[3]));
  } else {
    std::cerr << "usage: ledger_program make DIR | run DIR | fill DIR EVENTS\n";
    return 2;
  }
  return 0;
} catch (const std::exception& why) {
  std::cerr << "ledger_program: " << why.what() << "\n";
  return 1;
}
