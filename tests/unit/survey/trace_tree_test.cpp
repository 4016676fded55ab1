#include "trace_tree.hpp"

#include "support/catch.hpp"

namespace tyto::survey {
namespace {

recorded_event at(std::uint64_t position, std::string causation) {
  recorded_event made;
  made.meta.position = position;
  made.meta.causation_id = std::move(causation);
  return made;
}

TEST_CASE("A causation id of a consumer names it and a position") {
  const auto named = parse_cause("checkout/commands/17.2");
  REQUIRE(named);
  CHECK(named->consumer == "checkout/commands");
  CHECK(named->position == 17);
  CHECK_FALSE(parse_cause(""));
  CHECK_FALSE(parse_cause("17"));
  CHECK_FALSE(parse_cause("/17"));
  CHECK_FALSE(parse_cause("web/request"));
  CHECK_FALSE(parse_cause("web/"));
  CHECK_FALSE(parse_cause("web/99999999999999999999"));
}

TEST_CASE("Events hang below what caused them, if that is among them and before") {
  const auto traced = trace(
      {at(3, "web"), at(5, "billing/3"), at(6, "billing/3"), at(8, "mail/6"), at(9, "mail/2"), at(10, "mail/10")});
  REQUIRE(traced.size() == 6);
  CHECK(traced[0].effects == std::vector<std::size_t>{1, 2});
  CHECK(traced[1].cause == 0);
  CHECK(traced[1].consumer == "billing");
  CHECK(traced[3].cause == 2);
  CHECK_FALSE(traced[0].cause);
  CHECK_FALSE(traced[4].cause);
  CHECK_FALSE(traced[5].cause);
}

}  // namespace
}  // namespace tyto::survey
