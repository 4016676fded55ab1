#include "tyto/aggregate.hpp"

#include "orders.hpp"
#include "support/catch.hpp"

namespace {

using outcome = tyto::result<std::variant<std::vector<tyto::recorded_event>, tyto::rejection>>;

outcome decide(tyto::aggregate_instance& instance, order::command command) { return instance.decide(&command); }

std::vector<tyto::recorded_event> events(const outcome& decided) {
  return std::get<std::vector<tyto::recorded_event>>(decided.value());
}

template <class E>
tyto::result<void> replay(tyto::aggregate_instance& instance, std::string type, const E& event) {
  tyto::metadata meta;
  meta.position = 42;
  meta.persistence_id = "order|1042";
  meta.type = std::move(type);
  const auto payload = tyto::to_bytes(event);
  return instance.replay({meta, payload});
}

struct lenient_order : order {
  static constexpr bool skips_unknown_events = true;
};

}  // namespace

TEST_CASE("A definition has the category and the events, and there is one for each aggregate") {
  const auto& definition = tyto::definition_of<order>();
  CHECK(definition.category == "order");
  CHECK(definition.events == std::vector{&tyto::type_of<order_created>(), &tyto::type_of<order_completed>(),
                                         &tyto::type_of<order_spoiled>()});
  CHECK(&definition == &tyto::definition_of<order>());
}

TEST_CASE("A decided event comes with its type, its value and its payload") {
  const auto instance = tyto::definition_of<order>().create("1");
  const auto decided = events(decide(*instance, create{"alice"}));
  REQUIRE(decided.size() == 1);
  CHECK(decided[0].type == &tyto::type_of<order_created>());
  CHECK(static_cast<const order_created*>(decided[0].value.get())->customer == "alice");
  CHECK(tyto::to_json(decided[0].payload) == R"({"customer":"alice"})");
}

TEST_CASE("A decision is applied before the next command is decided") {
  const auto instance = tyto::definition_of<order>().create("1");
  CHECK(std::get<tyto::rejection>(decide(*instance, complete{100}).value()).reason == "there is no order");
  CHECK(events(decide(*instance, create{"alice"})).size() == 1);
  CHECK(std::get<tyto::rejection>(decide(*instance, create{"bob"}).value()).reason == "the order exists");
  CHECK(events(decide(*instance, complete{100})).size() == 1);
  CHECK(events(decide(*instance, complete{100})).empty());
}

TEST_CASE("All events of a decision are applied in their order") {
  const auto instance = tyto::definition_of<order>().create("1");
  const auto decided = events(decide(*instance, create_completed{"alice", 100}));
  REQUIRE(decided.size() == 2);
  CHECK(decided[0].type->name == "order.created");
  CHECK(decided[1].type->name == "order.completed");
  CHECK(events(decide(*instance, complete{100})).empty());
}

TEST_CASE("Instances of one aggregate do not share their state") {
  const auto first = tyto::definition_of<order>().create("1");
  const auto second = tyto::definition_of<order>().create("1");
  CHECK(events(decide(*first, create{"alice"})).size() == 1);
  CHECK(events(decide(*second, create{"bob"})).size() == 1);
}

TEST_CASE("Replayed events make the state that commands are decided against") {
  const auto instance = tyto::definition_of<order>().create("1");
  REQUIRE(replay(*instance, "order.created", order_created{"alice"}));
  CHECK(std::get<tyto::rejection>(decide(*instance, create{"bob"}).value()).reason == "the order exists");
  REQUIRE(replay(*instance, "order.completed", order_completed{100}));
  CHECK(events(decide(*instance, complete{1})).empty());
}

TEST_CASE("An event of an unknown type cannot be replayed, and the error says where it is") {
  const auto instance = tyto::definition_of<order>().create("1");
  const auto replayed = replay(*instance, "order.renamed", order_created{"alice"});
  REQUIRE_FALSE(replayed);
  CHECK(replayed.error().code() == tyto::errc::unknown_event_type);
  CHECK(replayed.error().message() ==
        "recovering order|1042: the event at position 42 has the type 'order.renamed', which category 'order' does not "
        "have");
}

TEST_CASE("An aggregate that says so passes over events of unknown types") {
  const auto instance = tyto::definition_of<lenient_order>().create("1");
  REQUIRE(replay(*instance, "order.created", order_created{"alice"}));
  REQUIRE(replay(*instance, "order.renamed", order_created{"bob"}));
  CHECK(std::get<tyto::rejection>(decide(*instance, create{"bob"}).value()).reason == "the order exists");
  CHECK_FALSE(replay(*instance, "order.completed", order_created{"alice"}));
}

TEST_CASE("An event that is not what its type says cannot be replayed, and the error says where it is") {
  const auto instance = tyto::definition_of<order>().create("1");
  const auto replayed = replay(*instance, "order.completed", order_created{"alice"});
  REQUIRE_FALSE(replayed);
  CHECK(replayed.error().code() == tyto::errc::undecodable);
  CHECK(replayed.error().message() ==
        "recovering order|1042: the event at position 42 (order.completed) cannot be decoded: total_cents: the field "
        "is missing");
}

TEST_CASE("A decide that throws is an error and leaves the state as it was") {
  const auto instance = tyto::definition_of<order>().create("1");
  REQUIRE(decide(*instance, create{"alice"}));
  const auto decided = decide(*instance, break_decide{});
  REQUIRE_FALSE(decided);
  CHECK(decided.error().code() == tyto::errc::handler_failed);
  CHECK(decided.error().message() == "deciding a command of category 'order': decide is broken");
  CHECK_FALSE(instance->is_broken());
  CHECK(events(decide(*instance, complete{100})).size() == 1);
}

TEST_CASE("A decide that throws something odd is an error, too") {
  const auto instance = tyto::definition_of<order>().create("1");
  CHECK(decide(*instance, break_decide{true}).error().detail() == "it threw something that is no std::exception");
}

TEST_CASE("An evolve that throws on a decided event breaks the instance") {
  const auto instance = tyto::definition_of<order>().create("1");
  const auto decided = decide(*instance, break_evolve{});
  REQUIRE_FALSE(decided);
  CHECK(decided.error().code() == tyto::errc::handler_failed);
  CHECK(decided.error().message() == "applying an event of category 'order': evolve is broken");
  CHECK(instance->is_broken());
}

TEST_CASE("An evolve that throws on a replayed event breaks the instance") {
  const auto instance = tyto::definition_of<order>().create("1");
  const auto replayed = replay(*instance, "order.spoiled", order_spoiled{});
  REQUIRE_FALSE(replayed);
  CHECK(replayed.error().code() == tyto::errc::handler_failed);
  CHECK(replayed.error().message() == "recovering order|1042 at position 42: evolve is broken");
  CHECK(instance->is_broken());
}

namespace {

struct listed {
  std::int64_t number = 0;
};
TYTO_VALUE(listed, number)
struct equal_in_tens {
  int number = 0;
  friend bool operator==(const equal_in_tens& a, const equal_in_tens& b) { return a.number / 10 == b.number / 10; }
};
struct opaque {
  int number = 0;
};
struct bare {};

struct known_by_commands {
  static constexpr std::string_view category = "known_by_commands";
  using command = std::variant<listed, equal_in_tens, opaque, bare>;
  using event = std::variant<order_created>;
  struct state {};
  template <class Command>
  static tyto::decision<event> decide(const state&, const Command&) {
    return tyto::nothing;
  }
  static state evolve(state s, const order_created&) { return s; }
};

std::optional<bool> are_equal(const known_by_commands::command& one, const known_by_commands::command& other) {
  return tyto::definition_of<known_by_commands>().are_equal(&one, &other);
}

}  // namespace

TEST_CASE("Commands are described by the name of their type and by the fields that it lists") {
  const auto described = [](const known_by_commands::command& command) {
    return tyto::definition_of<known_by_commands>().describe(&command);
  };
  CHECK(described(listed{7}).type == "listed");
  CHECK(tyto::to_json(described(listed{7}).fields) == R"({"number":7})");
  CHECK(described(opaque{7}).type == "opaque");
  CHECK(described(opaque{7}).fields.empty());
}

TEST_CASE("Commands are equal in their fields or by ==, and if their type has neither, nobody knows") {
  CHECK(are_equal(listed{7}, listed{7}) == true);
  CHECK(are_equal(listed{7}, listed{8}) == false);
  CHECK(are_equal(equal_in_tens{11}, equal_in_tens{12}) == true);
  CHECK(are_equal(equal_in_tens{11}, equal_in_tens{22}) == false);
  CHECK(are_equal(bare{}, bare{}) == true);
  CHECK(are_equal(listed{7}, bare{}) == false);
  CHECK(are_equal(opaque{7}, opaque{7}) == std::nullopt);
}
