// Journals that are run again: under the rules that made them nothing differs, and under others exactly what follows
// from the change.
#include "tyto/testing/rehearsal.hpp"

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>

#include "consumers.hpp"
#include "generator.hpp"
#include "registrations.hpp"
#include "simulation.hpp"
#include "support/catch.hpp"
#include "support/long_enough.hpp"
#include "support/temporary_directory.hpp"
#include "tyto/lmdb_store.hpp"
#include "tyto/memory_store.hpp"
#include "tyto/upcasting.hpp"

namespace {

using tyto::testing::rehearsal;
using tyto::testing::rehearsal_note;
using tyto::testing::rehearsal_report;

// A counter where things are sold, and cards that get points for it.
struct sold {
  std::string customer;
  std::int64_t cents = 0;
};
struct returned {
  std::int64_t cents = 0;
};
struct points_added {
  std::int64_t points = 0;
};
TYTO_EVENT(sold, "sale.sold", customer, cents)
TYTO_EVENT(returned, "sale.returned", cents)
TYTO_EVENT(points_added, "card.points_added", points)

// What a test changes of the rules. Everything here runs on the test's thread or, until it is stopped, in a runtime.
struct rules {
  std::int64_t most_cents = 1'000;
  std::int64_t cents_per_point = 100;
  std::int64_t row_factor = 1;
};
rules in_force;

struct sale {
  static constexpr std::string_view category = "sale";
  struct sell {
    std::string customer;
    std::int64_t cents = 0;
  };
  struct take_back {};
  using command = std::variant<sell, take_back>;
  using event = std::variant<sold, returned>;
  struct state {
    std::int64_t cents = 0;
  };
  static constexpr tyto::snapshot_policy snapshots{.every_events = 100};
  static tyto::decision<event> decide(const state&, const sell& c) {
    if (c.cents > in_force.most_cents) return tyto::reject("too expensive");
    return sold{c.customer, c.cents};
  }
  static tyto::decision<event> decide(const state& s, const take_back&) {
    if (s.cents == 0) return tyto::reject("nothing was sold");
    return returned{s.cents};
  }
  static state evolve(state s, const sold& e) { return {s.cents + e.cents}; }
  static state evolve(state, const returned&) { return {}; }
};
TYTO_VALUE(sale::state, cents)

struct card {
  static constexpr std::string_view category = "card";
  struct add {
    std::int64_t points = 0;
  };
  using command = std::variant<add>;
  using event = std::variant<points_added>;
  struct state {};
  static tyto::decision<event> decide(const state&, const add& c) {
    if (c.points == 0) return tyto::nothing;
    return points_added{c.points};
  }
  static state evolve(const state&, const points_added&) { return {}; }
};

struct rewarding {
  static constexpr std::string_view name = "rewarding";
  static tyto::commands react(const sold& e, const tyto::metadata&) {
    return {tyto::send<card>(e.customer, card::add{e.cents / in_force.cents_per_point})};
  }
};

struct broken_rewarding {
  static constexpr std::string_view name = "rewarding";
  static tyto::commands react(const sold&, const tyto::metadata&) { throw std::runtime_error("no points today"); }
};

struct spending {
  static constexpr std::string_view name = "spending";
  using table = tyto::table<std::string, std::int64_t>;
  static void project(table& cents, const sold& e, const tyto::metadata&) {
    cents.put(e.customer, cents.get(e.customer).value_or(0) + e.cents * in_force.row_factor);
  }
  struct of {
    std::string customer;
  };
  static std::int64_t query(const table& cents, const of& question) { return cents.get(question.customer).value_or(0); }
};

void open_counter(tyto::runtime& rt) {
  rt.aggregate<sale>().aggregate<card>().reaction(rewarding{}).projection<spending>();
}

// The rules of a test, which end with it.
class changed_rules {
 public:
  explicit changed_rules(rules to) { in_force = to; }
  ~changed_rules() { in_force = {}; }
  changed_rules(const changed_rules&) = delete;
  changed_rules& operator=(const changed_rules&) = delete;
};

template <class Use>
void use_counter(const tyto::storage& stores, const Use& use) {
  tyto::runtime rt{stores};
  open_counter(rt);
  rt.start().value();
  use(rt);
  rt.settle(tyto::test::long_enough).value();
  rt.stop().value();
}

tyto::command_options with_id(const std::string& id) {
  tyto::command_options options;
  options.command_id = id;
  options.record_rejection = true;
  return options;
}

// Ten sales of 100 to 1,000 cents to two customers.
void sell_ten(tyto::runtime& rt) {
  for (int i = 1; i <= 10; ++i) {
    const auto number = std::to_string(i);
    CHECK(rt.execute<sale>(number, sale::sell{i % 2 == 0 ? "ann" : "bob", i * 100}, with_id("sell/" + number)));
  }
}

tyto::storage ten_sales() {
  auto stores = tyto::open_memory();
  use_counter(stores, sell_ten);
  return stores;
}

rehearsal_report rehearsed(const rehearsal& which) {
  auto report = which.run();
  if (!report) FAIL(report.error().message());
  return *std::move(report);
}

rehearsal at_counter(const tyto::storage& history, tyto::testing::rehearsal_options options = {}) {
  rehearsal made{history, std::move(options)};
  made.program(open_counter);
  return made;
}

rehearsal& decided_again(rehearsal& which) {
  return which.command<sale, sold>([](const sold& e, const tyto::metadata&) {
                return sale::sell{e.customer, e.cents};
              })
      .command<sale, tyto::command_rejected>([](const tyto::command_rejected&, const tyto::metadata& m) {
        return m.command_id == "sell/fur" ? std::optional{sale::sell{"ann", 2'000}} : std::nullopt;
      });
}

std::string text_of(const rehearsal_report& report) {
  std::ostringstream text;
  text << report;
  return text.str();
}

const rehearsal_note* find_note(const rehearsal_report& report, rehearsal_note::kind what) {
  const auto found = std::ranges::find(report.notes, what, &rehearsal_note::what);
  return found == report.notes.end() ? nullptr : &*found;
}

std::uint64_t differing(const rehearsal_report& report, std::string_view category) {
  const auto found = report.categories.find(category);
  return found == report.categories.end() ? 0 : found->second.differ;
}

tyto::testing::category_summary::type_counts counted(const rehearsal_report& report, std::string_view category,
                                                     std::string_view type) {
  const auto of = report.categories.find(category);
  if (of == report.categories.end()) return {};
  const auto found = of->second.events.find(type);
  return found == of->second.events.end() ? tyto::testing::category_summary::type_counts{} : found->second;
}

// The sample's shop, as its program leaves it: some payments are declined, some never come, goods come back.
class shop_of_last_year {
 public:
  shop_of_last_year() {
    const auto stores = tyto::open_lmdb({.path = directory_.path(), .mode = tyto::durability::relaxed}).value();
    shop::simulation_options options;
    options.gateway = bank;
    options.initial_stock = 1'000'000;
    shop::simulate(stores, shop::generate(42, orders), options).value();
  }

  [[nodiscard]] tyto::storage history() const {
    return tyto::open_lmdb({.path = directory_.path(), .read_only = true}).value();
  }

  static constexpr std::uint64_t orders = 400;
  static constexpr shop::payment_gateway bank{42, 0.1, 0.1};

 private:
  tyto::test::temporary_directory directory_;
};

void open_shop(tyto::runtime& rt, const shop::payment_gateway& bank) {
  shop::register_domain(rt, bank, std::make_shared<shop::mail_server>(shop::mail_faults{}));
}

// Orders wait for their payment for an hour.
struct patient_fulfilment : shop::fulfilment {
  using shop::fulfilment::on;
  static tyto::decision<event> on(const state& now, const shop::order_created& e, const tyto::metadata& m) {
    if (!now.items.empty()) return tyto::nothing;
    return shop::payment_awaited{shop::units_per_stock_code(e.lines), m.time + std::chrono::hours{1}};
  }
};

void open_patient_shop(tyto::runtime& rt) {
  rt.aggregate<shop::order>().aggregate<shop::payment>().aggregate<shop::stock>().aggregate<shop::goods_return>();
  rt.reaction(shop::billing{shop_of_last_year::bank}).reaction(shop::inventory{});
  rt.process_manager<patient_fulfilment>();
  rt.projection<shop::order_summary>();
}

}  // namespace

TEST_CASE("Under the rules that made it, nothing of the shop's journal differs") {
  const shop_of_last_year shop;
  rehearsal again{shop.history()};
  again.program([](tyto::runtime& rt) { open_shop(rt, shop_of_last_year::bank); });
  const auto report = rehearsed(again);
  INFO(report);
  CHECK(report.is_same());
  CHECK(report.notes.empty());
  CHECK(report.rehearsed == report.events);
  CHECK(report.given + report.followed == report.events);
  CHECK(report.followed > report.given);
  CHECK(counted(report, "fulfilment", "tyto.deadline_reached").after > 10);
  CHECK(counted(report, "payment", "payment.return_refunded").after > 0);
  REQUIRE(report.read_models.size() == 1);
  CHECK(report.read_models[0].is_stored);
  CHECK(report.read_models[0].rows_after == shop_of_last_year::orders);
}

TEST_CASE("A longer payment timeout leaves open what had timed out, and nothing else") {
  const shop_of_last_year shop;
  rehearsal patient{shop.history()};
  patient.program(open_patient_shop).ignore<shop::payment_awaited>({"until"});
  const auto report = rehearsed(patient);
  INFO(report);
  const auto missed = counted(report, "fulfilment", "fulfilment.payment_missed");
  CHECK(missed.before > 10);
  CHECK(missed.after == 0);
  CHECK(differing(report, "fulfilment") == missed.before);
  CHECK(differing(report, "order") == missed.before);
  CHECK(differing(report, "payment") == 0);
  CHECK(differing(report, "stock") == 0);
  REQUIRE(report.read_models.size() == 1);
  CHECK(report.read_models[0].differ == missed.before);
}

TEST_CASE("Deadlines run out behind the end of history if the clock goes on") {
  const shop_of_last_year shop;
  rehearsal patient{shop.history(), {.afterwards = std::chrono::hours{24 * 365}}};
  patient.program(open_patient_shop).ignore<shop::payment_awaited>({"until"}).ignore<tyto::deadline_reached>({"due"});
  const auto report = rehearsed(patient);
  INFO(report);
  CHECK(report.is_same());
  CHECK(counted(report, "fulfilment", "fulfilment.payment_missed").after > 10);
}

TEST_CASE("Another bank shows in the payments that it decides otherwise") {
  const shop_of_last_year shop;
  const shop::payment_gateway other{43, 0.1, 0.1};
  std::uint64_t otherwise = 0;
  for (std::uint64_t i = 1; i <= shop_of_last_year::orders; ++i) {
    const auto number = shop::generate_order(42, i).number;
    if (other.answer(number) != shop_of_last_year::bank.answer(number)) ++otherwise;
  }
  rehearsal changed{shop.history()};
  changed.program([&](tyto::runtime& rt) { open_shop(rt, other); });
  const auto report = rehearsed(changed);
  INFO(report);
  CHECK(otherwise > 50);
  CHECK(differing(report, "payment") == otherwise);
  CHECK(differing(report, "goods_return") == 0);
}

TEST_CASE("Sales under the same rules are the same, as given events and decided again") {
  const auto history = ten_sales();
  auto as_given = at_counter(history);
  const auto report = rehearsed(as_given);
  INFO(report);
  CHECK(report.is_same());
  CHECK(report.given == 10);
  CHECK(report.followed == 10);
  const auto decided = rehearsed(decided_again(as_given));
  INFO(decided);
  CHECK(decided.is_same());
  CHECK(decided.decided == 10);
  CHECK(decided.given == 0);
  CHECK(text_of(decided).find("nothing differs") != std::string::npos);
}

TEST_CASE("Commands that a stricter aggregate rejects are listed, and what had followed from them is missing") {
  const auto history = ten_sales();
  const changed_rules stricter{{.most_cents = 800}};
  auto again = at_counter(history);
  const auto report = rehearsed(decided_again(again));
  INFO(report);
  CHECK(report.rejected == 2);
  REQUIRE(report.rejected_commands.size() == 2);
  CHECK(report.rejected_commands[0].persistence_id == "sale|9");
  CHECK(report.rejected_commands[0].command_id == "sell/9");
  CHECK(report.rejected_commands[0].why.reason == "too expensive");
  CHECK(counted(report, "sale", "sale.sold").after == 8);
  CHECK(differing(report, "sale") == 2);
  CHECK(differing(report, "card") == 2);
  REQUIRE(report.read_models.size() == 1);
  REQUIRE(report.read_models[0].rows.size() == 2);
  CHECK(report.read_models[0].rows[0].key == "ann");
  CHECK(report.read_models[0].rows[0].before == "3000");
  CHECK(report.read_models[0].rows[0].after == "2000");
  CHECK(text_of(report).find("sale|9 at position") != std::string::npos);
}

TEST_CASE("A recorded rejection that a milder aggregate accepts is listed") {
  auto history = tyto::open_memory();
  use_counter(history, [](tyto::runtime& rt) {
    CHECK_FALSE(rt.execute<sale>("fur", sale::sell{"ann", 2'000}, with_id("sell/fur")));
    CHECK_FALSE(rt.execute<sale>("ring", sale::sell{"ann", 9'000}, with_id("sell/ring")));
  });
  auto again = at_counter(history);
  const auto same = rehearsed(decided_again(again));
  INFO(same);
  CHECK(same.is_same());
  const changed_rules milder{{.most_cents = 5'000}};
  const auto report = rehearsed(again);
  INFO(report);
  CHECK(report.accepted == 1);
  REQUIRE(report.accepted_commands.size() == 1);
  CHECK(report.accepted_commands[0].persistence_id == "sale|fur");
  CHECK(differing(report, "sale") == 1);
  CHECK(counted(report, "card", "card.points_added").after == 1);
}

TEST_CASE("A reaction that counts otherwise shows in what follows from it, field by field") {
  const auto history = ten_sales();
  const changed_rules generous{{.cents_per_point = 50}};
  const auto report = rehearsed(at_counter(history));
  INFO(report);
  CHECK(differing(report, "sale") == 0);
  CHECK(differing(report, "card") == 2);
  REQUIRE(report.streams.size() == 2);
  CHECK(report.streams[0].persistence_id == "card|bob");
  CHECK(report.streams[0].only_after > 0);
  REQUIRE(report.streams[0].fields.size() == 1);
  CHECK(report.streams[0].fields[0].field == "points");
  CHECK(report.streams[0].fields[0].before == "1");
}

TEST_CASE("Another projection shows beside the rows that are stored, and only there") {
  const auto history = ten_sales();
  const changed_rules in_double{{.row_factor = 2}};
  const auto report = rehearsed(at_counter(history));
  INFO(report);
  REQUIRE(report.read_models.size() == 1);
  CHECK(report.read_models[0].is_stored);
  CHECK(report.read_models[0].differ == 2);
  CHECK(report.streams.empty());
  const auto of_events = rehearsed(at_counter({history.journal, nullptr, nullptr}));
  REQUIRE(of_events.read_models.size() == 1);
  CHECK_FALSE(of_events.read_models[0].is_stored);
  CHECK(of_events.is_same());
}

TEST_CASE("Old rules can be rehearsed too, so that a change shows alone") {
  const auto history = ten_sales();
  auto both = at_counter(history);
  both.before([](tyto::runtime& rt) { rt.aggregate<sale>().aggregate<card>().projection<spending>(); });
  const auto report = rehearsed(both);
  INFO(report);
  CHECK(differing(report, "card") == 2);
  CHECK(counted(report, "card", "card.points_added").before == 0);
  CHECK(counted(report, "card", "card.points_added").after == 10);
  CHECK_FALSE(report.read_models.at(0).is_stored);
}

TEST_CASE("What a reaction that is gone had led to is not copied") {
  rehearsal without{ten_sales()};
  without.program([](tyto::runtime& rt) { rt.aggregate<sale>().aggregate<card>(); });
  const auto report = rehearsed(without);
  INFO(report);
  CHECK(report.followed == 10);
  CHECK(counted(report, "card", "card.points_added").after == 0);
}

TEST_CASE("Events of unknown types and categories are named, and are in no comparison") {
  auto history = ten_sales();
  const auto append = [&](const std::string& stream, const std::string& type, const std::string& payload) {
    auto write = std::make_shared<tyto::stream_write>();
    write->persistence_id = stream;
    auto& event = write->events.emplace_back();
    event.meta.persistence_id = stream;
    event.meta.type = type;
    event.payload = payload;
    REQUIRE(append_and_wait(*history.journal, {{write}, {}}).value().front());
  };
  append("sale|1", "sale.gift_wrapped", "\x80");
  append("sale|1", "sale.sold", "\x80");
  append("lottery|1", "lottery.won", "\x80");
  append("lottery|2", std::string{tyto::stored_name<tyto::command_rejected>}, "\x80");
  const auto report = rehearsed(at_counter(history));
  INFO(report);
  CHECK(report.is_same());
  CHECK(report.left_out == 4);
  const auto* unknown = find_note(report, rehearsal_note::kind::unknown_type);
  REQUIRE(unknown != nullptr);
  CHECK(unknown->subject == "sale.gift_wrapped");
  CHECK(unknown->position == 21);
  const auto* undecodable = find_note(report, rehearsal_note::kind::undecodable);
  REQUIRE(undecodable != nullptr);
  CHECK(undecodable->subject == "sale.sold");
  const auto* category = find_note(report, rehearsal_note::kind::unknown_category);
  REQUIRE(category != nullptr);
  CHECK(category->subject == "lottery");
}

TEST_CASE("Events that no upcaster can bring up to date are named") {
  tyto::upcasters changes;
  changes.upcast("sale.returned", 1, [](tyto::document&) { throw std::runtime_error("what was that?"); });
  auto stores = tyto::open_memory();
  use_counter(stores, [](tyto::runtime& rt) {
    CHECK(rt.execute<sale>("1", sale::sell{"ann", 100}));
    CHECK(rt.execute<sale>("1", sale::take_back{}));
    CHECK(rt.execute<sale>("2", sale::sell{"bob", 200}));
  });
  const auto report = rehearsed(at_counter(tyto::upcasting({stores.journal, nullptr, nullptr}, std::move(changes))));
  INFO(report);
  const auto* undecodable = find_note(report, rehearsal_note::kind::undecodable);
  REQUIRE(undecodable != nullptr);
  CHECK(undecodable->subject == "sale.returned");
  const auto* stream = find_note(report, rehearsal_note::kind::not_compared);
  REQUIRE(stream != nullptr);
  CHECK(stream->subject == "sale|1");
  CHECK(counted(report, "sale", "sale.sold").after == 2);
}

TEST_CASE("A truncated stream is named, begins with what stands for its events, and what followed from these is kept") {
  auto history = tyto::open_memory();
  use_counter(history, [](tyto::runtime& rt) {
    CHECK(rt.execute<sale>("1", sale::sell{"ann", 700}));
    rt.settle(tyto::test::long_enough).value();
    CHECK(rt.execute(tyto::truncate_stream<sale>("1", 2)));
    CHECK(rt.execute<sale>("1", sale::take_back{}));
  });
  auto again = at_counter(history);
  again.command<sale, returned>([](const returned&, const tyto::metadata&) { return sale::take_back{}; });
  const auto report = rehearsed(again);
  INFO(report);
  const auto* removed = find_note(report, rehearsal_note::kind::removed_events);
  REQUIRE(removed != nullptr);
  CHECK(removed->subject == "sale|1");
  CHECK(report.rejected == 0);
  CHECK(report.decided == 1);
  CHECK(report.given == 1);
  CHECK(differing(report, "sale") == 0);
  CHECK(differing(report, "card") == 0);
  CHECK(counted(report, "card", "card.points_added").after == 1);
}

TEST_CASE("What a program or its commands throw is an error, which names the event") {
  rehearsal broken{ten_sales()};
  broken.program([](tyto::runtime&) { throw std::runtime_error{"no configuration"}; });
  const auto failed = broken.run();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == tyto::errc::handler_failed);
  CHECK_THAT(failed.error().message(), Catch::Contains("no configuration"));

  auto asking = at_counter(ten_sales());
  asking.command<sale, sold>(
      [](const sold&, const tyto::metadata&) -> sale::command { throw std::runtime_error{"no such price"}; });
  const auto asked = asking.run();
  REQUIRE_FALSE(asked);
  CHECK_THAT(asked.error().message(), Catch::Contains("event 1, sale.sold") && Catch::Contains("no such price"));
}

TEST_CASE("An empty journal is rehearsed in no time") {
  const auto report = rehearsed(at_counter(tyto::open_memory()));
  CHECK(report.is_same());
  CHECK(report.events == 0);
  CHECK(report.rehearsed == 0);
  CHECK(report.notes.empty());
}

TEST_CASE("History is rehearsed up to a position, while its program goes on") {
  const tyto::test::temporary_directory directory;
  const auto stores = tyto::open_lmdb({.path = directory.path(), .mode = tyto::durability::relaxed}).value();
  use_counter(stores, [&](tyto::runtime& rt) {
    sell_ten(rt);
    rt.settle(tyto::test::long_enough).value();
    const auto history = tyto::open_lmdb({.path = directory.path(), .read_only = true}).value();
    const auto head = history.journal->head().value();
    CHECK(rt.execute<sale>("11", sale::sell{"cleo", 300}));
    tyto::test::temporary_directory other;
    const auto opener = [&] { return tyto::open_lmdb({.path = other.path(), .mode = tyto::durability::relaxed}); };
    const auto report = rehearsed(at_counter(history, {.until = head, .storage = opener}));
    INFO(report);
    CHECK(report.is_same());
    CHECK(report.events == head);
    CHECK(report.rehearsed == head);
    // What it was stored in is not empty any more.
    const auto refused = at_counter(history, {.storage = opener}).run();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == tyto::errc::invalid_argument);
  });
}

TEST_CASE("A consumer that fails in a rehearsal is named, and does not keep it from ending") {
  const auto history = ten_sales();
  rehearsal again{history};
  again.program([](tyto::runtime& rt) { rt.aggregate<sale>().aggregate<card>().reaction(broken_rewarding{}); });
  const auto report = rehearsed(again);
  INFO(report);
  const auto* problem = find_note(report, rehearsal_note::kind::problem);
  REQUIRE(problem != nullptr);
  CHECK(problem->subject == "dead letters of 'rewarding'");
  CHECK(differing(report, "card") == 2);
}
