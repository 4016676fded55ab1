#include "tyto/decision.hpp"
#include "support/catch.hpp"

namespace {
using event = std::variant<int, std::string>;
using decision = tyto::decision<event>;

decision one() { return 7; }
decision two() { return {1, std::string{"b"}}; }
decision listed() { return std::vector<event>{1, 2, 3}; }
decision none() { return tyto::nothing; }
decision no() { return tyto::reject("it is late"); }
}  // namespace

TEST_CASE("A decision holds its events in their order") {
  CHECK(one().events() == std::vector<event>{7});
  CHECK(two().events() == std::vector<event>{1, std::string{"b"}});
  CHECK(listed().events() == std::vector<event>{1, 2, 3});
  CHECK(one().rejected() == nullptr);
}

TEST_CASE("A decision that there is nothing to do has neither events nor a rejection") {
  CHECK(none().events().empty());
  CHECK(none().rejected() == nullptr);
}

TEST_CASE("A rejection has a reason and no events") {
  const auto decided = no();
  REQUIRE(decided.rejected());
  CHECK(*decided.rejected() == tyto::rejection{"it is late"});
  CHECK(no().events().empty());
}
