#include <iostream>
#include <tyto/tyto.hpp>

struct money_moved { std::int64_t cents = 0; };
TYTO_EVENT(money_moved, "account.money_moved", cents)

struct deposit { std::int64_t cents; };
struct withdraw { std::int64_t cents; };

struct account {
  static constexpr std::string_view category = "account";
  using command = std::variant<deposit, withdraw>;
  using event = std::variant<money_moved>;
  struct state { std::int64_t cents = 0; };

  static tyto::decision<event> decide(const state&, const deposit& c) { return money_moved{c.cents}; }
  static tyto::decision<event> decide(const state& s, const withdraw& c) {
    if (c.cents > s.cents) return tyto::reject("the account holds " + std::to_string(s.cents) + " cents");
    return money_moved{-c.cents};
  }
  static state evolve(state s, const money_moved& e) { return {s.cents + e.cents}; }
};

struct balances {
  static constexpr std::string_view name = "balances.v1";
  using table = tyto::table<std::string, std::int64_t>;
  static void project(table& rows, const money_moved& e, const tyto::metadata& m) {
    rows.update(std::string{m.entity_id()}, [&](std::int64_t& cents) { cents += e.cents; });
  }
  struct of { std::string owner; };
  static std::int64_t query(const table& rows, const of& q) { return rows.get(q.owner).value_or(0); }
};

int main() {
  tyto::runtime rt{tyto::open_lmdb({.path = "accounts"}).value()};
  rt.aggregate<account>().projection<balances>().start().value();

  auto paid_in = rt.execute<account>("alice", deposit{500});  // durable when it returns
  auto refused = rt.execute<account>("alice", withdraw{1'000'000});
  if (!paid_in || refused) return 1;
  std::cout << refused.error().message() << "\n";
  std::cout << "alice has " << rt.query<balances>({"alice"}, {paid_in->position}).value() << " cents\n";
}
