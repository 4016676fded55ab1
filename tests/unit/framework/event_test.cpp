#include "tyto/event.hpp"

#include "orders.hpp"
#include "support/catch.hpp"

namespace inner {
struct moved {
  std::int32_t x = 0;
  std::int32_t y = 0;
};
TYTO_EVENT(moved, "inner.moved", x, y)
}  // namespace inner

namespace {

struct renamed {
  std::string text;
};
template <class Inspector>
bool inspect(Inspector& f, renamed& x) {
  return f.object(x).fields(f.field("t", x.text));
}
TYTO_EVENT_NAME(renamed, "renamed")

struct no_event {};

tyto::recorded_event stored(std::string type, std::string payload) {
  tyto::recorded_event recorded;
  recorded.meta.position = 42;
  recorded.meta.persistence_id = "order|1042";
  recorded.meta.type = std::move(type);
  recorded.payload = std::move(payload);
  return recorded;
}

}  // namespace

TEST_CASE("An event has a stored name, in any namespace") {
  CHECK(tyto::stored_name<order_created> == "order.created");
  CHECK(tyto::stored_name<inner::moved> == "inner.moved");
  CHECK(tyto::stored_name<renamed> == "renamed");
  STATIC_REQUIRE_FALSE(tyto::event<no_event>);
}

TEST_CASE("An event's schema version is 1 until it says otherwise") {
  CHECK(tyto::schema_version_of<order_created>() == 1);
  CHECK(tyto::schema_version_of<order_completed>() == 3);
}

TEST_CASE("An event's description has its name and version, and there is one") {
  const auto& type = tyto::type_of<order_completed>();
  CHECK(type.name == "order.completed");
  CHECK(type.schema_version == 3);
  CHECK(&type == &tyto::type_of<order_completed>());
}

TEST_CASE("An event with an inspect of its own is stored under the names given there") {
  CHECK(tyto::to_json(tyto::to_bytes(renamed{"x"})) == R"({"t":"x"})");
}

TEST_CASE("An event that is at hand is not decoded again") {
  auto recorded = stored("order.created", "not even MessagePack");
  const auto value = std::make_shared<const order_created>(order_created{"alice"});
  recorded.value = value;
  recorded.type = &tyto::type_of<order_created>();
  CHECK(tyto::event_cast<order_created>(recorded).value() == value);
}

TEST_CASE("An event that was read back is decoded from its payload") {
  const auto recorded = stored("order.created", tyto::to_bytes(order_created{"alice"}));
  CHECK(tyto::event_cast<order_created>(recorded).value()->customer == "alice");
}

TEST_CASE("An event whose payload is damaged is an error with position, stream, type and field") {
  const auto cast = tyto::event_cast<order_created>(stored("order.created", tyto::to_bytes(inner::moved{1, 2})));
  REQUIRE_FALSE(cast);
  CHECK(cast.error().code() == tyto::errc::undecodable);
  CHECK(cast.error().message() ==
        "reading the event at position 42 (order|1042, order.created): undecodable; caused by decoding a stored value: "
        "customer: the field is missing");
}
