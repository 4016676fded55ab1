// A journal that earlier versions of a program wrote is read by the present one, through its upcasters, on every path:
// recovery, projections, history, export. old_orders_program.cpp says what is in there.
#include <cstdlib>
#include <sstream>

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include "tyto/tyto.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

// The program as it is today.
struct created {
  static constexpr std::uint32_t schema_version = 3;
  std::string customer;
  std::int64_t total_cents = 0;
  std::string currency;
  std::string coupon;
};
template <class Inspector>
bool inspect(Inspector& f, created& x) {
  return f.object(x).fields(f.field("customer", x.customer), f.field("total_cents", x.total_cents),
                            f.field("currency", x.currency), f.field("coupon", x.coupon).fallback("none"));
}
struct paid {
  std::string receipt;
  std::int64_t cents = 0;
};
struct completed {};
TYTO_EVENT_NAME(created, "order.created")
TYTO_EVENT(paid, "order.paid", receipt, cents)
TYTO_EVENT(completed, "order.completed")

struct complete {};
struct tell {};  // is always rejected, with the state

struct order {
  static constexpr std::string_view category = "order";
  using command = std::variant<complete, tell>;
  using event = std::variant<created, paid, completed>;
  struct state {
    std::string customer;
    std::string total;
    std::string coupon;
    std::int64_t paid_cents = 0;
    bool is_completed = false;
  };
  static std::string describe(const state& s) {
    return s.customer + " " + s.total + " coupon " + s.coupon + " paid " + std::to_string(s.paid_cents) +
           (s.is_completed ? " completed" : "");
  }
  static decision<event> decide(const state& s, const complete&) {
    if (s.is_completed) return reject("it is complete");
    return completed{};
  }
  static decision<event> decide(const state& s, const tell&) { return reject(describe(s)); }
  static state evolve(state s, const created& e) {
    s.customer = e.customer;
    s.total = std::to_string(e.total_cents) + " " + e.currency;
    s.coupon = e.coupon;
    return s;
  }
  static state evolve(state s, const paid& e) {
    s.paid_cents += e.cents;
    return s;
  }
  static state evolve(state s, const completed&) {
    s.is_completed = true;
    return s;
  }
};

struct receipts {
  static constexpr std::string_view name = "receipts";
  using events = tyto::events<paid, completed>;
  using table = tyto::table<std::string, std::string>;
  static void project(table& rows, const paid& e, const metadata& m) {
    rows.put(std::string{m.entity_id()}, e.receipt);
  }
  static void project(table& rows, const completed&, const metadata& m) {
    rows.update(std::string{m.entity_id()}, [](std::string& receipt) { receipt += " completed"; });
  }
  struct of {
    std::string order;
  };
  static std::string query(const table& rows, const of& q) { return rows.get(q.order).value_or("-"); }
};

upcasters changes() {
  upcasters made;
  made.rename("order.placed", "order.created")
      .upcast("order.placed", 1,
              [](document& d) {
                d.rename("sum", "total_cents");
                d.erase("note");
              })
      .upcast<created>(2, [](document& d) { d.set("currency", std::string{"EUR"}); })
      .split("order.settled", 1,
             [](const document& d) -> std::vector<upcasted> {
               return {{"order.paid", 1, d}, {"order.completed", 1, {}}};
             })
      .retire("order.pinged");
  return made;
}

// The golden journal, or one that the program has just written.
storage open(const temporary_directory& directory) {
  const auto path = directory.path() / "old-orders";
  if (GENERATE(true, false)) {
    std::filesystem::copy(std::filesystem::path{TYTO_GOLDEN_DIRECTORY} / "old-orders", path,
                          std::filesystem::copy_options::recursive);
  } else {
    REQUIRE(std::system((std::string{TYTO_OLD_ORDERS_PROGRAM} + " '" + path.string() + "'").c_str()) == 0);
  }
  return upcasting(open_lmdb({.path = path}).value(), changes());
}

}  // namespace

TEST_CASE("A runtime recovers aggregates from events of older versions, and goes on") {
  const temporary_directory directory;
  runtime rt{open(directory)};
  rt.aggregate<order>().projection<receipts>().start().value();
  const auto state_of = [&rt](const char* id) { return rt.execute<order>(id, tell{}).error().rejected()->reason; };
  CHECK(state_of("1") == "ann 1000 EUR coupon none paid 1000 completed");
  CHECK(state_of("2") == "bob 500 EUR coupon none paid 500 completed");
  CHECK(state_of("3") == "ann 700 EUR coupon none paid 0");

  command_options again;
  again.command_id = "command-7";  // its event is retired
  const auto repeated = rt.execute<order>("3", complete{}, again).value();
  CHECK(repeated.repeated);
  CHECK(repeated.position == 7);

  const auto done = rt.execute<order>("3", complete{}).value();
  CHECK(done.position == 8);
  CHECK(done.sequence_number == 3);
  CHECK(rt.query<receipts>({"1"}, {done.position}).value() == "r-1 completed");
  CHECK(rt.query<receipts>({"2"}).value() == "r-2 completed");
  CHECK(rt.query<receipts>({"3"}).value() == " completed");
}

TEST_CASE("History, past states and past read models are those of the present program") {
  const temporary_directory directory;
  const auto journal = open(directory).journal;
  const auto events = history<order>(*journal, "1").value();
  REQUIRE(events.size() == 3);
  CHECK(std::get<created>(events[0].event).total_cents == 1'000);
  CHECK(std::get<paid>(events[1].event).receipt == "r-1");
  CHECK(events[1].meta.position == 4);
  CHECK(events[1].meta.sequence_number == 3);
  CHECK(std::holds_alternative<completed>(events[2].event));
  CHECK(events[2].meta.part == 1);

  CHECK(order::describe(state_at<order>(*journal, "1", at_sequence{2}).value()) == "ann 1000 EUR coupon none paid 0");
  CHECK(order::describe(
            state_at<order>(*journal, "2", at_time{timestamp{std::chrono::seconds{1'600'000'005}}}).value()) ==
        "bob 500 EUR coupon none paid 0");

  const auto before = project_until<receipts>(*journal, 5).value();
  CHECK(before.query(receipts::of{"1"}).value() == "r-1 completed");
  CHECK(before.query(receipts::of{"2"}).value() == "-");
}

TEST_CASE("An export shows events of older versions as they are today") {
  const temporary_directory directory;
  const auto journal = open(directory).journal;
  std::ostringstream out;
  CHECK(export_json_lines(*journal, out, {.filter = [](const metadata& m) { return m.entity_id() == "1"; }}).value() ==
        3);
  CHECK_THAT(out.str(), Catch::Contains(R"("type":"order.created","schema_version":3)"));
  CHECK_THAT(out.str(), Catch::Contains(R"("payload":{"customer":"ann","total_cents":1000,"currency":"EUR"})"));
}
