#include "tyto/past_read_model.hpp"

#include "journals.hpp"
#include "orders.hpp"
#include "tyto/upcasting.hpp"

using tyto::errc;

namespace {

struct customers {
  static constexpr std::string_view name = "customers";
  using events = tyto::events<order_created, order_completed>;
  using table = tyto::table<std::string, std::int64_t>;
  static void project(table& rows, const order_created& e, const tyto::metadata& m) {
    if (e.customer == "mallory") throw std::runtime_error("not her");
    rows.update(e.customer, [&](std::int64_t& sum) { sum += static_cast<std::int64_t>(m.position); });
  }
  static void project(table& rows, const order_completed&, const tyto::metadata&) { rows.erase("ann"); }

  struct of {
    std::string customer;
  };
  static std::int64_t query(const table& rows, const of& q) {
    if (q.customer == "mallory") throw std::runtime_error("not her");
    return rows.get(q.customer).value_or(0);
  }
  struct all {};
  static std::size_t query(const table& rows, const all&) {
    std::size_t count = 0;
    rows.for_each([&count](const std::string&, std::int64_t) { ++count; });
    return count;
  }
};

written created_by(std::string customer) { return as_written(order_created{std::move(customer)}); }

std::shared_ptr<tyto::event_store> journal_of(const std::vector<written>& events) {
  auto journal = tyto::open_memory().journal;
  store(*journal, "order|1", events).value();
  return journal;
}

}  // namespace

TEST_CASE("A past read model holds the effect of the events up to its position and of none after it") {
  const auto journal = journal_of({created_by("ann"),
                                   created_by("bob"),
                                   {"other"},
                                   created_by("ann"),
                                   as_written(order_completed{}),
                                   created_by("ann")});
  const auto ann_at = [&](std::uint64_t position) {
    const auto model = tyto::project_until<customers>(*journal, position).value();
    CHECK(model.position() == position);
    return model.query(customers::of{"ann"}).value();
  };
  CHECK(ann_at(0) == 0);
  CHECK(ann_at(1) == 1);
  CHECK(ann_at(3) == 1);
  CHECK(ann_at(4) == 5);
  CHECK(ann_at(5) == 0);
  CHECK(ann_at(6) == 6);
}

TEST_CASE("A past read model answers every question of its projection and outlives the journal") {
  auto journal = journal_of({created_by("ann"), created_by("bob")});
  auto model = tyto::project_until<customers>(*journal, 2).value();
  journal.reset();
  const auto moved = std::move(model);
  CHECK(moved.query(customers::all{}).value() == 2);
  CHECK(moved.query(customers::of{"bob"}).value() == 2);
  const customers::table rows{moved.rows()};
  CHECK(rows.get("ann") == 1);
}

TEST_CASE("A past read model beyond the journal's end is at the end") {
  const auto model = tyto::project_until<customers>(*journal_of({created_by("ann"), {"other"}}), 9).value();
  CHECK(model.position() == 2);
}

TEST_CASE("A past read model has all parts of the event at its position") {
  auto stored = tyto::open_memory();
  store(*stored.journal, "order|1", {{"order.doubled"}, created_by("ann")}).value();
  tyto::upcasters changes;
  changes.split("order.doubled", 1, [](const tyto::document&) -> std::vector<tyto::upcasted> {
    tyto::document by;
    by.set("customer", std::string{"ann"});
    return {{"order.created", 1, by}, {"order.created", 1, by}};
  });
  const auto opened = tyto::upcasting(stored, changes);
  CHECK(tyto::project_until<customers>(*opened.journal, 1).value().query(customers::of{"ann"}).value() == 2);
}

TEST_CASE("A projection that fails gives no past read model, but a past one before that") {
  const auto journal = journal_of({created_by("ann"), created_by("mallory")});
  CHECK(tyto::project_until<customers>(*journal, 1));
  const auto model = tyto::project_until<customers>(*journal, 2);
  REQUIRE_FALSE(model);
  CHECK(model.error().code() == errc::handler_failed);
  CHECK(model.error().message() == "handling the event at position 2 (order|1, order.created) in 'customers': not her");
}

TEST_CASE("An event that cannot be decoded gives no past read model") {
  const auto model = tyto::project_until<customers>(*journal_of({{"order.created", 1, "\x07"}}), 1);
  REQUIRE_FALSE(model);
  CHECK(model.error().code() == errc::undecodable);
  CHECK_THAT(model.error().message(), Catch::Contains("position 1 (order|1, order.created)"));
}

TEST_CASE("A query that throws is an error") {
  const auto model = tyto::project_until<customers>(*journal_of({}), 0).value();
  const auto answer = model.query(customers::of{"mallory"});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code() == errc::handler_failed);
  CHECK(answer.error().message() == "querying 'customers': not her");
}
