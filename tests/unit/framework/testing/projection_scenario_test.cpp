#include "tyto/testing/projection_scenario.hpp"

#include <memory>
#include <optional>
#include <string>

#include "shop.hpp"
#include "support/catch.hpp"
#include "tyto/testing/given.hpp"

using tyto::testing::given;
using tyto::testing::row;

namespace {

struct account_row {
  std::int64_t cents = 0;
  std::vector<std::int64_t> payments;
};
TYTO_VALUE(account_row, cents, payments)

struct balances {
  static constexpr std::string_view name = "balances";
  using events = tyto::events<shop::order_paid, shop::order_placed>;
  using table = tyto::table<std::string, account_row, tyto::index<&account_row::cents>>;
  static void project(table& rows, const shop::order_paid& e, const tyto::metadata& m) {
    rows.update(std::string{m.entity_id()}, [&](account_row& each) {
      each.cents += e.cents;
      each.payments.push_back(e.cents);
    });
  }
  static void project(table& rows, const shop::order_placed&, const tyto::metadata& m) {
    rows.erase(std::string{m.entity_id()});
  }
  struct of {
    std::string id;
  };
  static std::int64_t query(const table& rows, const of& q) {
    const auto found = rows.get(q.id);
    return found ? found->cents : 0;
  }
  struct at_least {
    std::int64_t cents;
  };
  static std::vector<std::pair<std::string, account_row>> query(const table& rows, const at_least& q) {
    std::vector<std::pair<std::string, account_row>> found;
    rows.by<&account_row::cents>().from(q.cents).for_each(
        [&](const std::string& id, const account_row& each) { found.emplace_back(id, each); });
    return found;
  }
};

// Counts the payments beside its table, where nobody writes them down.
struct forgetful {
  static constexpr std::string_view name = "forgetful";
  using table = tyto::table<std::string, std::int64_t>;
  std::shared_ptr<std::int64_t> count = std::make_shared<std::int64_t>(0);
  void project(table& rows, const shop::order_paid&, const tyto::metadata&) const { rows.put("count", ++*count); }
};

// Changes its mind after some calls.
struct moody {
  static constexpr std::string_view name = "moody";
  using table = tyto::table<std::string, bool>;
  static inline int calls = 0;
  static void project(table& rows, const shop::order_paid&, const tyto::metadata&) { rows.put("late", ++calls > 4); }
};

// Remembers the event before, of whatever key.
struct gossip {
  static constexpr std::string_view name = "gossip";
  static constexpr std::size_t partitions = 2;
  using table = tyto::table<std::string, std::int64_t>;
  static inline std::int64_t before = 0;
  static void project(table& rows, const shop::order_paid& e, const tyto::metadata& m) {
    if (m.position == 1) before = 0;
    rows.put(std::string{m.entity_id()}, std::exchange(before, e.cents));
  }
};

struct broken {
  static constexpr std::string_view name = "broken";
  using table = tyto::table<std::string, std::int64_t>;
  static void project(table&, const shop::order_paid&, const tyto::metadata&) { throw std::runtime_error("no rows"); }
};

// Adds up in one row what has different keys.
struct total {
  static constexpr std::string_view name = "total";
  static constexpr std::size_t partitions = 2;
  using table = tyto::table<std::string, std::string>;
  static std::string key(const shop::order_paid& e, const tyto::metadata&) { return std::to_string(e.cents % 2); }
  static void project(table& rows, const shop::order_paid& e, const tyto::metadata&) {
    rows.update("all", [&](std::string& all) { all += std::to_string(e.cents); });
  }
};

}  // namespace

TEST_CASE("A projection's rows are compared with those that are expected") {
  const auto paid = given<balances>(shop::order_paid{5}, shop::order_paid{7});
  CHECK(paid.then(row("1", account_row{12, {5, 7}})));
  CHECK_FALSE(paid.then(row("1", account_row{12, {5, 8}})));
  CHECK_FALSE(paid.then(row("2", account_row{12, {5, 7}})));
  CHECK_FALSE(paid.then_nothing());
  CHECK(paid.given(shop::order_placed{}).then_nothing());
  CHECK(paid.given(shop::order_paid{1}, {.persistence_id = "order|0"})
            .then(row("0", account_row{1, {1}}), row("1", account_row{12, {5, 7}})));
}

TEST_CASE("A projection's answers are compared with those that are expected") {
  const auto paid = given<balances>(shop::order_paid{5}, {.persistence_id = "order|a"})
                        .given(shop::order_paid{7}, {.persistence_id = "order|b"});
  CHECK(paid.when(balances::of{"a"}).then(5));
  CHECK(paid.when(balances::of{"b"}).answer() == 7);
  CHECK(paid.when(balances::at_least{6}).then({{"b", {7, {7}}}}));
  CHECK_FALSE(paid.when(balances::at_least{6}).then({{"b", {7, {8}}}}));
}

TEST_CASE("A difference marks the rows that differ, and the fields") {
  CHECK(given<balances>(shop::order_paid{5}).then(row("1", account_row{6, {5}}), row("2", account_row{})).message() ==
        R"(expected:
! row "1" {"cents":6,"payments":[5]}
!     cents: 6
! row "2" {"cents":0,"payments":[]}
actual:
! row "1" {"cents":5,"payments":[5]}
!     cents: 5)");
  CHECK(given<balances>(shop::order_paid{5}).when(balances::of{"1"}).then(6).message() ==
        "expected:\n! answer 6\nactual:\n! answer 5");
}

TEST_CASE("Rows that are other ones when they are built again are a failure that says so") {
  const auto wrong = given<forgetful>(shop::order_paid{}).then(row("count", 1));
  CHECK(wrong.message() ==
        R"(the rows are other ones when the same events are handled again, as by a rebuild
expected:
! row "count" 1
actual:
! row "count" 2)");
}

TEST_CASE("Rows that depend on where batches end are a failure that says so") {
  moody::calls = 0;
  const auto wrong = given<moody>(shop::order_paid{}, shop::order_paid{}).then(row("late", false));
  CHECK(wrong.message() ==
        R"(the rows are other ones with batches of 1
expected:
! row "late" false
actual:
! row "late" true)");
}

TEST_CASE("Rows that depend on how partitions share the events are a failure that says so") {
  const auto wrong = given<gossip>(shop::order_paid{5}, {.persistence_id = "order|a"})
                         .given(shop::order_paid{6}, {.persistence_id = "order|b"})
                         .given(shop::order_paid{7}, {.persistence_id = "order|a"})
                         .then(row("a", 6), row("b", 5));
  CHECK(wrong.message() ==
        R"(the rows are other ones when partitions share the events by their keys
expected:
! row "a" 6
! row "b" 5
actual:
! row "a" 5
! row "b" 7)");
}

TEST_CASE("A row that events of several keys change is as it is without partitions") {
  CHECK(given<total>(shop::order_paid{1}, shop::order_paid{2}, shop::order_paid{3}).then(row("all", "123")));
}

TEST_CASE("What a projection throws comes through when its rows are asked for") {
  const auto paid = given<broken>(shop::order_paid{});
  CHECK_THROWS_WITH(paid.then_nothing(), "no rows");
}
