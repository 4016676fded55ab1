#include "consumer/roster.hpp"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/stoppable_consumer.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

using stops = stoppable_consumer::stops;

struct member {
  std::shared_ptr<stoppable_consumer> box;
  std::shared_ptr<progress> shown;
  std::uint64_t number;
};

member add(roster& to, const std::string& name, const std::string& label, stops when = stops::at_once) {
  auto box = std::make_shared<stoppable_consumer>(when);
  auto shown = std::make_shared<progress>(label);
  const auto number = to.add(name, address<consumer_message>{box}, shown);
  return {std::move(box), std::move(shown), number};
}
member add(roster& to, const std::string& name, stops when = stops::at_once) { return add(to, name, name, when); }

std::vector<std::string> labels(const roster& in) {
  std::vector<std::string> all;
  for (const auto& each : in.all()) all.push_back(each->name());
  return all;
}

bool is_over(const std::shared_future<void>& stopped) {
  return stopped.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
}

}  // namespace

TEST_CASE("Consumers are found by what they are shown as, and are known by their name") {
  roster consumers;
  CHECK(consumers.all().empty());
  const auto first = add(consumers, "billing", "billing[1/2]");
  const auto second = add(consumers, "billing", "billing[2/2]");
  const auto other = add(consumers, "shipping");
  CHECK(labels(consumers) == std::vector<std::string>{"billing[1/2]", "billing[2/2]", "shipping"});
  CHECK(consumers.find("billing[2/2]") == second.shown);
  CHECK(consumers.find("shipping") == other.shown);
  CHECK(consumers.find("billing") == nullptr);
  CHECK(consumers.knows("billing"));
  CHECK_FALSE(consumers.knows("billing[2/2]"));
  CHECK_FALSE(consumers.knows("bill"));
  CHECK(first.number != second.number);
}

TEST_CASE("A consumer has a mailbox for each of its partitions") {
  roster consumers;
  const auto first = add(consumers, "billing", "billing[1/2]");
  add(consumers, "shipping");
  const auto second = add(consumers, "billing", "billing[2/2]");
  const auto boxes = consumers.mailboxes_of("billing");
  REQUIRE(boxes.size() == 2);
  CHECK(boxes[0].box() == first.box);
  CHECK(boxes[1].box() == second.box);
  CHECK(consumers.mailboxes_of("billing[1/2]").empty());
}

TEST_CASE("A consumer that is retired has stopped, is waited for by nobody, and is still shown") {
  roster consumers;
  const auto old = add(consumers, "totals.v1");
  const auto fresh = add(consumers, "totals.v2");
  consumers.retire(*old.shown);
  CHECK(old.box->times_told() == 1);
  CHECK(old.box->is_closed());
  CHECK(old.shown->is_retired());
  CHECK(consumers.mailboxes_of("totals.v1").empty());
  CHECK(consumers.knows("totals.v1"));
  CHECK(labels(consumers) == std::vector<std::string>{"totals.v1", "totals.v2"});
  CHECK(fresh.box->times_told() == 0);
  consumers.retire(*old.shown);
  CHECK(old.box->times_told() == 1);
}

TEST_CASE("Who retires a consumer waits until it has stopped, and keeps nobody from the roster meanwhile") {
  roster consumers;
  const auto slow = add(consumers, "totals", stops::when_let);
  std::atomic<bool> was_let = false;
  bool had_been_let = false;
  {
    std::jthread retiring{[&] {
      consumers.retire(*slow.shown);
      had_been_let = was_let;
    }};
    slow.box->wait_until_told();
    CHECK(consumers.find("totals")->is_retired());
    was_let = true;
    slow.box->stop();
  }
  CHECK(had_been_let);
}

TEST_CASE("A consumer that is ended is forgotten at once, and what is returned says when it has stopped") {
  roster consumers;
  const auto slow = add(consumers, "subscription", stops::when_let);
  const auto other = add(consumers, "billing");
  const auto stopped = consumers.end(slow.number);
  CHECK(slow.box->times_told() == 1);
  CHECK(slow.shown->is_retired());
  CHECK(labels(consumers) == std::vector<std::string>{"billing"});
  CHECK_FALSE(is_over(stopped));
  slow.box->stop();
  CHECK(is_over(stopped));
  CHECK(slow.box->is_closed());
  CHECK(other.box->times_told() == 0);
}

TEST_CASE("To end a consumer a second time, or one that never was, is nothing to do") {
  roster consumers;
  const auto once = add(consumers, "subscription");
  consumers.end(once.number).wait();
  CHECK(is_over(consumers.end(once.number)));
  CHECK(is_over(consumers.end(once.number + 1)));
  CHECK(once.box->times_told() == 1);
  const auto next = add(consumers, "subscription");
  CHECK(next.number != once.number);
}

TEST_CASE("All consumers stop, those that were retired or ended before are not told again") {
  roster consumers;
  const auto retired = add(consumers, "totals");
  const auto ended = add(consumers, "subscription");
  const auto first = add(consumers, "billing", "billing[1/2]");
  const auto second = add(consumers, "billing", "billing[2/2]");
  consumers.retire(*retired.shown);
  consumers.end(ended.number).wait();
  consumers.stop_all();
  for (const auto* each : {&retired, &ended, &first, &second}) {
    CHECK(each->box->times_told() == 1);
    CHECK(each->box->is_closed());
  }
  CHECK_FALSE(first.shown->is_retired());
  consumers.stop_all();
  CHECK(first.box->times_told() == 1);
}

TEST_CASE("All consumers are told to stop before one of them is waited for") {
  roster consumers;
  const auto first = add(consumers, "billing", stops::when_let);
  const auto second = add(consumers, "shipping", stops::when_let);
  std::atomic<int> let = 0;
  int let_before = 0;
  {
    std::jthread stopping{[&] {
      consumers.stop_all();
      let_before = let;
    }};
    first.box->wait_until_told();
    second.box->wait_until_told();
    for (const auto* each : {&second, &first}) {
      ++let;
      each->box->stop();
    }
  }
  CHECK(let_before == 2);
}

TEST_CASE("Who ends a consumer that is being stopped waits for the same end") {
  roster consumers;
  const auto slow = add(consumers, "subscription", stops::when_let);
  std::jthread stopping{[&] { consumers.stop_all(); }};
  slow.box->wait_until_told();
  const auto stopped = consumers.end(slow.number);
  CHECK_FALSE(is_over(stopped));
  slow.box->stop();
  stopped.wait();
  CHECK(slow.box->times_told() == 1);
}

TEST_CASE("Mailboxes go when the roster lets go of them, and consumers are still shown") {
  roster consumers;
  auto only = add(consumers, "billing");
  const std::weak_ptr<stoppable_consumer> box = std::exchange(only.box, nullptr);
  consumers.stop_all();
  CHECK_FALSE(box.expired());
  consumers.let_go();
  CHECK(box.expired());
  CHECK(consumers.mailboxes_of("billing").empty());
  CHECK(consumers.find("billing") == only.shown);
  CHECK(is_over(consumers.end(only.number)));
}
