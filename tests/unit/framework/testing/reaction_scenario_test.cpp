#include "tyto/testing/reaction_scenario.hpp"

#include <optional>
#include <string>

#include "shop.hpp"
#include "support/catch.hpp"
#include "tyto/testing/given.hpp"

using tyto::testing::given;

namespace {

struct billing {
  static constexpr std::string_view name = "billing";
  static constexpr std::string_view categories[] = {"order"};
  static tyto::commands react(const shop::order_placed& e, const tyto::metadata& m) {
    if (e.lines.empty()) return {};
    return {tyto::send<shop::order>(m.entity_id(), shop::pay{500}, {.tags = m.tags}),
            tyto::send<shop::order>(m.entity_id(), shop::cancel{})};
  }
  static tyto::commands on_rejected(const tyto::refused_command& refused, const tyto::metadata& m) {
    return {tyto::send<shop::order>(m.entity_id(), shop::place{refused.why.reason})};
  }
};

// Shows what it got.
struct mirror {
  static constexpr std::string_view name = "mirror";
  std::string prefix;
  tyto::commands react(const shop::order_paid&, const tyto::metadata& m) const {
    return {tyto::send<shop::order>(prefix + m.persistence_id + " " + std::to_string(m.position) + " " +
                                        std::to_string(m.sequence_number) + " " + m.type + " " + m.correlation_id,
                                    shop::cancel{})};
  }
};

struct shipping {
  static constexpr std::string_view name = "shipping";
  static tyto::commands react(const shop::order_paid& e, const tyto::metadata&) {
    if (e.cents == 1) return {tyto::send<shop::parcel>("1", shop::weighed{5})};
    if (e.cents == 2) return {tyto::close_stream<shop::parcel>("1")};
    if (e.cents == 3) throw std::runtime_error("no parcels");
    return {tyto::send<shop::parcel>("1", shop::opaque{5})};
  }
};

// Sends what no runtime takes.
struct careless {
  static constexpr std::string_view name = "careless";
  static tyto::commands react(const shop::order_paid& e, const tyto::metadata&) {
    if (e.cents == 0) return {tyto::send<shop::order>("", shop::pay{1})};
    if (e.cents == 1) return {tyto::send<shop::order>(std::string(400, 'x'), shop::pay{1})};
    if (e.cents == 2) return {tyto::close_stream<shop::order>(std::string("a\0b", 3))};
    if (e.cents == 3) return {tyto::outgoing_command{}};
    if (e.cents == 4) return {tyto::send<shop::order>("1", shop::pay{1}, {.tags = {std::string(256, 't')}})};
    return {tyto::send<shop::order>("1", shop::pay{1}, {.tags = std::vector<std::string>(256)})};
  }
  static tyto::commands on_rejected(const tyto::refused_command&, const tyto::metadata&) {
    return {tyto::send<shop::order>("", shop::pay{1})};
  }
};

const shop::order_placed tea{"ann", {{"tea", 2}}};

}  // namespace

TEST_CASE("A reaction's commands are compared with those that are expected") {
  const auto done = given<billing>().when(tea, {.persistence_id = "order|7"});
  CHECK(done.then(tyto::send<shop::order>("7", shop::pay{500}), tyto::send<shop::order>("7", shop::cancel{})));
  CHECK(done.commands().size() == 2);
  CHECK_FALSE(done.then(tyto::send<shop::order>("7", shop::pay{500})));
  CHECK_FALSE(done.then(tyto::send<shop::order>("7", shop::cancel{}), tyto::send<shop::order>("7", shop::pay{500})));
  CHECK_FALSE(done.then_nothing());
  CHECK(given<billing>().when(shop::order_placed{}).then_nothing());
}

TEST_CASE("Commands that are expected with another id, other fields or other options differ") {
  const auto sent = [](std::string_view id, std::int64_t cents, tyto::send_options options = {}) {
    return given<billing>()
        .when(tea, {.persistence_id = "order|7", .tags = {"x"}})
        .then(tyto::send<shop::order>(id, shop::pay{cents}, std::move(options)),
              tyto::send<shop::order>("7", shop::cancel{}));
  };
  CHECK(sent("7", 500, {.tags = {"x"}}));
  CHECK_FALSE(sent("8", 500, {.tags = {"x"}}));
  CHECK_FALSE(sent("7", 501, {.tags = {"x"}}));
  CHECK_FALSE(sent("7", 500));
  CHECK_FALSE(sent("7", 500, {.expected = tyto::expected_version::exactly(1), .tags = {"x"}}));
  CHECK_FALSE(sent("7", 500, {.tags = {"x"}, .record_rejection = true}));
}

TEST_CASE("A difference shows commands with their aggregate and their options") {
  CHECK(given<billing>()
            .when(tea, {.persistence_id = "order|7"})
            .then(tyto::send<shop::order>("7", shop::pay{400}),
                  tyto::send<shop::order>(
                      "7", shop::cancel{},
                      {.expected = tyto::expected_version::exactly(2), .tags = {"x"}, .record_rejection = true}))
            .message() ==
        R"(expected:
! pay to order|7 {"cents":400}
!     cents: 400
! cancel to order|7, expects version 2, tag x, records a rejection
actual:
! pay to order|7 {"cents":500}
!     cents: 500
! cancel to order|7)");
}

TEST_CASE("A command without named fields is compared by ==") {
  const auto done = given<shipping>().when(shop::order_paid{1});
  CHECK(done.then(tyto::send<shop::parcel>("1", shop::weighed{5})));
  CHECK_FALSE(done.then(tyto::send<shop::parcel>("1", shop::weighed{6})));
  CHECK_FALSE(done.then(tyto::send<shop::parcel>("1", shop::opaque{5})));
}

TEST_CASE("A command that cannot be compared is a failure that says what to write") {
  CHECK(given<shipping>().when(shop::order_paid{9}).then(tyto::send<shop::parcel>("1", shop::opaque{5})).message() ==
        R"(expected:
! opaque to parcel|1
actual:
! opaque to parcel|1
`opaque` cannot be compared: name its fields with `TYTO_VALUE(opaque, field, ...)`, or give it an operator==)");
}

TEST_CASE("What becomes of a stream is expected like a command") {
  const auto done = given<shipping>().when(shop::order_paid{2});
  CHECK(done.then(tyto::close_stream<shop::parcel>("1")));
  CHECK(done.then(tyto::truncate_stream<shop::parcel>("1", 5)).message() ==
        "expected:\n! truncate_stream before 5 to parcel|1\nactual:\n! close_stream to parcel|1");
}

TEST_CASE("A reaction is told of its refused commands, with the last event's metadata or the given one's") {
  const tyto::refused_command refused{"order|7", "", tyto::reject("no tea")};
  const auto after = given<billing>().when(tea, {.persistence_id = "order|7"});
  CHECK(after.when(refused).then(tyto::send<shop::order>("7", shop::place{"no tea"})));
  CHECK(after.when(refused, {.persistence_id = "order|8"}).then(tyto::send<shop::order>("8", shop::place{"no tea"})));
}

TEST_CASE("Metadata is filled in where the test does not say it") {
  const auto is = [](const auto& outcome, std::string_view id) {
    return outcome.then(tyto::send<shop::order>(id, shop::cancel{}));
  };
  const auto once = given(mirror{"> "}).when(shop::order_paid{});
  CHECK(is(once, "> test|1 1 1 order.paid "));
  CHECK(is(once.when(shop::order_paid{}), "> test|1 2 2 order.paid "));
  CHECK(is(once.when(shop::order_paid{}, {.persistence_id = "order|2", .correlation_id = "c"}),
           "> order|2 2 1 order.paid c"));
  CHECK(is(once.when(shop::order_paid{}, {.position = 9, .sequence_number = 4}).when(shop::order_paid{}),
           "> test|1 10 5 order.paid "));
}

TEST_CASE("An event of another category does not come to a reaction that names its own") {
  CHECK(given<billing>().when(tea, {.persistence_id = "basket|7"}).then_nothing());
}

TEST_CASE("A command that every runtime refuses is a failure that says why") {
  const auto sent = [](std::int64_t cents) { return given<careless>().when(shop::order_paid{cents}); };
  const auto why = [&](std::int64_t cents) { return sent(cents).then_nothing().message(); };
  CHECK(sent(0).then(tyto::send<shop::order>("", shop::pay{1})).message() ==
        "a runtime refuses the command `pay to order|`: a persistence id is 'category|entity' with neither part empty");
  CHECK(why(1).find("it has 406 bytes, the limit is 400\n") != std::string::npos);
  CHECK(why(2).starts_with("a runtime refuses the command `close_stream to order|a\\x00b`: it holds a NUL byte\n"));
  CHECK(why(3).find("it is empty; make it with send()\n") != std::string::npos);
  CHECK(why(4).find("a tag has 256 bytes, the limit is 255\n") != std::string::npos);
  CHECK(why(5).find("it has 256 tags, the limit is 255\n") != std::string::npos);
  const tyto::refused_command refused{"order|7", "", tyto::reject("no")};
  CHECK_FALSE(given<careless>().when(refused).then(tyto::send<shop::order>("", shop::pay{1})));
}

TEST_CASE("A name that no stream can have is a failure that says why") {
  const auto in = [](const std::string& id) {
    return given<shipping>().when(shop::order_paid{2}, {.persistence_id = id});
  };
  const auto close = tyto::close_stream<shop::parcel>("1");
  CHECK(in("order|1").then(close));
  CHECK(in("order").then(close).message() ==
        "there is no stream 'order': a persistence id is 'category|entity' with neither part empty");
  CHECK_FALSE(in("order|").then(close));
  CHECK_FALSE(in("|1").then(close));
  const tyto::refused_command nobodys{"order", "", tyto::reject("no tea")};
  const auto place = tyto::send<shop::order>("1", shop::place{"no tea"});
  CHECK_FALSE(given<billing>().when(nobodys, {.persistence_id = "order|1"}).then(place));
}

TEST_CASE("What a reaction throws comes through a scenario") {
  CHECK_THROWS_WITH(given<shipping>().when(shop::order_paid{3}), "no parcels");
}
