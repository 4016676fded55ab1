// The rules of the smaller samples' domains.
#include <tyto/memory_store.hpp>
#include <tyto/runtime.hpp>
#include <tyto/testing/given.hpp>
#include <tyto/testing/test_clock.hpp>

#include "agent_log/domain.hpp"
#include "agent_log/usage_per_hour.hpp"
#include "cqrs_basic/domain.hpp"
#include "support/catch.hpp"

namespace {

using agent::task;
using catalogue::product;
using tyto::testing::given;

const auto listed = given<product>(catalogue::product_listed{"Assam", 450});
const auto running = given<task>(agent::task_started{"count owls", "owl-2", 100});

}  // namespace

TEST_CASE("A product is listed once, with a price") {
  CHECK(given<product>().when(product::list{"Assam", 450}).then(catalogue::product_listed{"Assam", 450}));
  CHECK(given<product>().when(product::list{"Assam", 0}).then(tyto::reject("a price is at least 0.01")));
  CHECK(listed.when(product::list{"Assam", 450}).then(tyto::reject("the product is listed already")));
}

TEST_CASE("A price changes while the product is listed, and only to another price") {
  CHECK(listed.when(product::change_price{500}).then(catalogue::price_changed{500}));
  CHECK(listed.when(product::change_price{450}).then_nothing());
  CHECK(listed.when(product::change_price{0}).then(tyto::reject("a price is at least 0.01")));
  const auto withdrawn = listed.given(catalogue::product_withdrawn{});
  CHECK(withdrawn.when(product::change_price{500}).then(tyto::reject("the product is not listed")));
  CHECK(withdrawn.when(product::withdraw{}).then(tyto::reject("the product is not listed")));
}

TEST_CASE("A task records its calls while its budget lasts, and the one that uses it up") {
  const agent::tool_called cheap{"shell", "ls", "", 99};
  const agent::tool_called dear{"shell", "ls -R", "", 100};
  CHECK(running.when(task::record_call{cheap}).then(cheap));
  CHECK(running.when(task::record_call{dear}).then(dear, agent::task_stopped{"the budget is used up"}));
  CHECK(running.given(cheap).when(task::record_call{{"shell", "pwd", "", 1}}).events().size() == 2);
}

TEST_CASE("A task that is over takes nothing more") {
  for (const auto& over : {running.given(agent::task_finished{"three", 10}),
                           running.given(agent::task_stopped{"the budget is used up"})}) {
    CHECK(over.when(task::finish{"four", 10}).then(tyto::reject("the task is not running")));
    CHECK(over.when(task::record_call{{}}).then(tyto::reject("the task is not running")));
    CHECK(over.when(task::start{"count again", "owl-2", 1}).then(tyto::reject("the task was started before")));
  }
}

TEST_CASE("Usage per hour answers for the hours that begin within the question") {
  const tyto::timestamp ten{std::chrono::hours{10}};
  const std::chrono::microseconds moment{1};
  tyto::runtime_options options;
  options.time = std::make_shared<tyto::testing::test_clock>(ten + std::chrono::minutes{59});
  tyto::runtime rt{tyto::open_memory(), options};
  rt.aggregate<task>().projection<agent::usage_per_hour>().start().value();
  const auto done = rt.execute<task>("1", task::start{"count owls", "owl-2", 100});
  REQUIRE(done);
  const auto rows = [&](tyto::timestamp from, tyto::timestamp to) {
    return rt.query<agent::usage_per_hour>(agent::usage_per_hour::between{from, to}, {done->position}).value();
  };
  REQUIRE(rows(ten, ten + moment).size() == 1);
  CHECK(rows(ten, ten + moment).front().first == ten);
  CHECK(rows(ten, ten + moment).front().second.started == 1);
  CHECK(rows(ten - moment, ten).empty());
  CHECK(rows(ten + moment, ten + std::chrono::hours{5}).empty());
}
