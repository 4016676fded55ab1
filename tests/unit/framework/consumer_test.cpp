#include "tyto/consumer.hpp"

#include "orders.hpp"
#include "rows.hpp"
#include "support/catch.hpp"

namespace {

struct billing {
  static constexpr std::string_view name = "billing";
  static tyto::commands react(const order_created& e, const tyto::metadata& m) {
    return {tyto::send<order>(m.entity_id(), create{e.customer}), tyto::send<order>("other", cancel{})};
  }
};

struct of_two_categories {
  static constexpr std::string_view name = "of_two_categories";
  static constexpr std::string_view categories[] = {"order", "invoice"};
  using events = tyto::events<order_created, order_completed>;
  template <class E>
  static void react(const E&, const tyto::metadata&) {}
};

struct counting {
  static constexpr std::string_view name = "counting";
  std::shared_ptr<int> calls = std::make_shared<int>(0);
  void react(const order_created&, const tyto::metadata&) { ++*calls; }
};

struct looking {
  static constexpr std::string_view name = "looking";
  std::string* last = nullptr;
  void react(const order_created& e, const tyto::metadata&) const { *last = e.customer; }
};

struct several {
  static constexpr std::string_view name = "several";
  using events = tyto::events<order_created, order_completed>;
  tyto::commands react(const order_created&, const tyto::metadata&) { return {tyto::send<order>("1", cancel{})}; }
  void react(const order_completed&, const tyto::metadata&) { throw std::runtime_error("not today"); }
};

struct customers {
  static constexpr std::string_view name = "customers.v1";
  using table = tyto::table<std::string, std::uint64_t>;
  static void project(table& rows, const order_created& e, const tyto::metadata& m) {
    rows.put(e.customer, m.position);
  }
};

struct totals {
  static constexpr std::string_view name = "totals.v1";
  using table = tyto::table<std::string, std::int64_t>;
  using events = tyto::events<order_created, order_completed>;
  static void project(table& rows, const order_created& e, const tyto::metadata&) { rows.put(e.customer, 0); }
  static void project(table& rows, const order_completed& e, const tyto::metadata&) {
    rows.update("all", [&](std::int64_t& total) { total += e.total_cents; });
  }
};

template <class E>
tyto::recorded_event recorded(const E& event) {
  tyto::recorded_event made;
  made.meta.position = 42;
  made.meta.persistence_id = "order|1042";
  made.meta.type = tyto::stored_name<E>;
  made.payload = tyto::to_bytes(event);
  return made;
}

}  // namespace

TEST_CASE("A reaction's commands come out in their order") {
  const auto definition = tyto::define_reaction(billing{});
  CHECK(definition.name == "billing");
  const auto sent = definition.handlers.at("order.created")(recorded(order_created{"alice"})).value();
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].entity_id == "1042");
  CHECK(std::get<create>(*static_cast<const order::command*>(sent[0].command.get())).customer == "alice");
  CHECK(sent[1].entity_id == "other");
}

TEST_CASE("A reaction has no handler for events of other types") {
  const auto definition = tyto::define_reaction(billing{});
  CHECK(definition.handlers.size() == 1);
  CHECK(definition.handlers.find("order.completed") == definition.handlers.end());
}

TEST_CASE("A reaction that is an object keeps its state, shared by the definition's copies") {
  const counting reaction;
  const auto definition = tyto::define_reaction(reaction);
  const auto copy = definition;  // NOLINT(performance-unnecessary-copy-initialization)
  CHECK(definition.handlers.at("order.created")(recorded(order_created{"a"})).value().empty());
  CHECK(copy.handlers.at("order.created")(recorded(order_created{"b"})).value().empty());
  CHECK(*reaction.calls == 2);
}

TEST_CASE("A reaction may be const and send nothing") {
  std::string last;
  const auto definition = tyto::define_reaction(looking{&last});
  CHECK(definition.handlers.at("order.created")(recorded(order_created{"alice"})).value().empty());
  CHECK(last == "alice");
}

TEST_CASE("A reaction to several events has a handler for each") {
  const auto definition = tyto::define_reaction(several{});
  CHECK(definition.handlers.size() == 2);
  CHECK(definition.handlers.at("order.created")(recorded(order_created{"a"})).value().size() == 1);
  CHECK_THROWS_WITH(definition.handlers.at("order.completed")(recorded(order_completed{1})), "not today");
}

TEST_CASE("A reaction to a damaged event fails with the event's place") {
  auto damaged = recorded(order_created{"alice"});
  damaged.payload.pop_back();
  const auto outcome = tyto::define_reaction(billing{}).handlers.at("order.created")(damaged);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code() == tyto::errc::undecodable);
  CHECK(outcome.error().doing() == "reading the event at position 42 (order|1042, order.created)");
}

TEST_CASE("A subscription calls its handler and sends nothing") {
  std::string seen;
  int calls = 0;
  const auto definition = tyto::define_subscription<order_created>(
      "watching", [&seen, &calls, mine = 0](const order_created& e, const tyto::metadata& m) mutable {
        seen = e.customer + "@" + std::to_string(m.position);
        calls = ++mine;
      });
  CHECK(definition.name == "watching");
  CHECK(definition.handlers.size() == 1);
  CHECK(definition.handlers.at("order.created")(recorded(order_created{"alice"})).value().empty());
  CHECK(definition.handlers.at("order.created")(recorded(order_created{"bob"})).value().empty());
  CHECK(seen == "bob@42");
  CHECK(calls == 2);
}

TEST_CASE("A projection writes rows into the buffer that it is given") {
  const fake_rows base;
  tyto::row_buffer rows{base};
  const auto definition = tyto::define_projection<customers>();
  CHECK(definition.name == "customers.v1");
  REQUIRE(definition.handlers.at("order.created")(recorded(order_created{"alice"}), rows));
  CHECK(customers::table{rows}.get("alice") == 42);
}

TEST_CASE("A projection of several events has a handler for each and none for others") {
  const fake_rows base;
  tyto::row_buffer rows{base};
  const auto definition = tyto::define_projection<totals>();
  CHECK(definition.handlers.size() == 2);
  CHECK(definition.handlers.find("order.spoiled") == definition.handlers.end());
  REQUIRE(definition.handlers.at("order.created")(recorded(order_created{"alice"}), rows));
  REQUIRE(definition.handlers.at("order.completed")(recorded(order_completed{100}), rows));
  REQUIRE(definition.handlers.at("order.completed")(recorded(order_completed{20}), rows));
  CHECK(totals::table{rows}.get("all") == 120);
}

TEST_CASE("A projection of a damaged event fails and changes nothing") {
  const fake_rows base;
  tyto::row_buffer rows{base};
  auto damaged = recorded(order_created{"alice"});
  damaged.payload.pop_back();
  const auto outcome = tyto::define_projection<customers>().handlers.at("order.created")(damaged, rows);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code() == tyto::errc::undecodable);
  CHECK(rows.changes().empty());
}

TEST_CASE("A consumer handles the types that it has handlers for, in streams of its categories") {
  const auto wanted = tyto::handled_by(tyto::define_reaction(of_two_categories{}));
  CHECK(wanted.types == std::vector<std::string>{"order.completed", "order.created"});
  CHECK(wanted.categories == std::vector<std::string>{"order", "invoice"});
  CHECK(tyto::handled_by(tyto::define_projection<totals>()).categories.empty());
}
