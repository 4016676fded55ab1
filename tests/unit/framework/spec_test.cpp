#include "tyto/spec.hpp"

#include <sstream>

#include "orders.hpp"
#include "support/catch.hpp"

using tyto::spec;

TEST_CASE("A spec decides a command against its history") {
  const auto done = spec<order>{}.given(order_created{"alice"}).when(complete{100});
  REQUIRE(done.events().size() == 1);
  CHECK(std::get<order_completed>(done.events()[0]).total_cents == 100);
  CHECK(done.rejected() == nullptr);
  CHECK(done.state().customer == "alice");
  CHECK(done.state().completed);
  CHECK(done.then(order_completed{100}));
  CHECK(done.then(order_completed{100}).message().empty());
}

TEST_CASE("A spec expects several events in their order") {
  const auto done = spec<order>{}.when(create_completed{"alice", 5});
  CHECK(done.then(order_created{"alice"}, order_completed{5}));
  CHECK_FALSE(done.then(order_completed{5}, order_created{"alice"}));
  CHECK_FALSE(done.then(order_created{"alice"}));
}

TEST_CASE("A spec shows a rejection") {
  const auto done = spec<order>{}.given(order_created{"alice"}).when(create{"bob"});
  REQUIRE(done.rejected());
  CHECK(done.rejected()->reason == "the order exists");
  CHECK(done.events().empty());
  CHECK(done.state().customer == "alice");
  CHECK(done.then(tyto::reject("the order exists")));
  CHECK_FALSE(done.then(tyto::reject("something else")));
  CHECK_FALSE(done.then());
}

TEST_CASE("A spec expects that nothing changes") {
  const auto done = spec<order>{}.given(order_created{"alice"}, order_completed{1}).when(complete{1});
  CHECK(done.then());
  CHECK_FALSE(done.then(order_completed{1}));
}

TEST_CASE("A spec may be asked several times and gets no older by it") {
  const auto history = spec<order>{}.given(order_created{"alice"}).given(order_completed{1});
  CHECK(history.when(complete{1}).then());
  const auto fresh = spec<order>{};
  CHECK(fresh.when(create{"a"}).then(order_created{"a"}));
  CHECK(fresh.when(create{"b"}).then(order_created{"b"}));
}

TEST_CASE("A difference shows what was expected and what came, as JSON") {
  const auto done = spec<order>{}.when(create{"alice"});
  const auto wrong = done.then(order_created{"bob"}, order_completed{1});
  CHECK_FALSE(wrong);
  CHECK(wrong.message() ==
        "expected decided:\n"
        "  order.created {\"customer\":\"bob\"}\n"
        "  order.completed {\"total_cents\":1}\n"
        "actually decided:\n"
        "  order.created {\"customer\":\"alice\"}");
  std::ostringstream printed;
  printed << wrong;
  CHECK(printed.str() == wrong.message());
}

TEST_CASE("A difference to a rejection shows both") {
  CHECK(spec<order>{}.when(complete{1}).then(order_completed{1}).message() ==
        "expected decided:\n  order.completed {\"total_cents\":1}\nactually rejected: there is no order");
}

TEST_CASE("What the aggregate throws comes through a spec") {
  CHECK_THROWS_WITH(spec<order>{}.when(break_decide{}), "decide is broken");
  CHECK_THROWS_WITH(spec<order>{}.when(break_evolve{}), "evolve is broken");
}
