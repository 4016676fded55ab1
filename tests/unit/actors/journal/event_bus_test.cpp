#include "journal/event_bus.hpp"

#include <thread>

#include "support/catch.hpp"
#include "support/manual_host.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

// Stands for a consumer: keeps the messages that it gets.
struct listener final : actor_of<consumer_message> {
  explicit listener(std::vector<consumer_message>& into) : got(into) {}
  void on(consumer_message&& message) override { got.push_back(std::move(message)); }
  std::vector<consumer_message>& got;
};

std::shared_ptr<const segment> positions(std::uint64_t first, std::uint64_t last) {
  auto made = std::make_shared<segment>();
  made->first_position = first;
  made->last_position = last;
  return made;
}

struct world {
  manual_clock time;
  manual_host host{time};
  event_bus bus{10, 6, 4};
  std::vector<consumer_message> got;
  address<consumer_message> consumer = spawn<listener>(host, placement::dedicated, got);

  void ask(std::uint64_t after) {
    bus.request_after(after, consumer);
    host.run();
  }
};

}  // namespace

TEST_CASE("What is published is counted by the events of each segment, and by the time it took") {
  world w;
  auto slow = std::make_shared<segment>(*positions(11, 15));
  slow->took = std::chrono::microseconds{1'000};
  w.bus.publish(slow);
  w.bus.publish(positions(16, 16));
  const auto counted = w.bus.published();
  CHECK(counted.segments == 2);
  CHECK(counted.events.of[0] == 1);
  CHECK(counted.events.of[2] == 1);
  CHECK(counted.times.of[0] == 1);
  CHECK(counted.times.of[9] == 1);
}

TEST_CASE("A size is counted with its power of two, and what exceeds them all with the last") {
  size_counts counted;
  for (const std::uint64_t each : {0UL, 1UL, 2UL, 3UL, 4UL, 1UL << 23, ~0UL}) counted.add(each);
  CHECK(counted.of[0] == 2);
  CHECK(counted.of[1] == 2);
  CHECK(counted.of[2] == 1);
  CHECK(counted.of[23] == 2);
}

TEST_CASE("Who is at the head gets the next events when they are published") {
  world w;
  w.ask(10);
  CHECK(w.got.empty());
  w.bus.publish(positions(11, 12));
  w.host.run();
  REQUIRE(w.got.size() == 1);
  CHECK(std::get<delivery>(w.got[0]).segments.front()->first_position == 11);

  w.bus.publish(positions(13, 13));  // nobody has asked
  w.host.run();
  CHECK(w.got.size() == 1);
}

TEST_CASE("Looking out for an event ends when it is there, or when the time is over") {
  event_bus bus{10, 6, 4};
  bus.look_out_for(9, std::chrono::hours{1});
  bus.look_out_for(10, std::chrono::microseconds{1});
  const std::jthread publishing{[&bus] { bus.publish(positions(11, 11)); }};
  bus.look_out_for(10, std::chrono::hours{1});
  CHECK(bus.head() == 11);
}

TEST_CASE("Who is a little behind gets events from memory, up to the limit of a delivery") {
  world w;
  w.ask(10);
  w.bus.publish(positions(11, 12));
  w.bus.publish(positions(13, 14));
  w.bus.publish(positions(15, 16));
  w.ask(11);
  REQUIRE(w.got.size() == 2);
  const auto& segments = std::get<delivery>(w.got[1]).segments;
  REQUIRE(segments.size() == 2);
  CHECK(segments[0]->first_position == 11);
  CHECK(segments[1]->last_position == 14);
}

TEST_CASE("Who is further behind than memory holds is sent to the journal") {
  world w;
  SECTION("because it was behind from the start") { w.ask(9); }
  SECTION("because memory is bounded") {
    w.ask(10);
    w.bus.publish(positions(11, 13));
    w.bus.publish(positions(14, 16));
    w.bus.publish(positions(17, 17));
    w.ask(12);
  }
  CHECK(std::holds_alternative<read_behind>(w.got.back()));
}

TEST_CASE("What everybody who reads has had is not kept") {
  world w;
  std::vector<consumer_message> got;
  auto other = spawn<listener>(w.host, placement::dedicated, got);
  std::weak_ptr<const segment> first;
  const auto publish = [&](std::uint64_t from) {
    auto made = positions(from, from);
    first = made;
    w.bus.publish(std::move(made));
    w.host.run();
    w.got.clear();
    got.clear();
  };
  w.ask(10);
  w.bus.request_after(10, other);
  publish(11);
  w.ask(11);
  w.bus.publish(positions(12, 12));
  SECTION("as long as one of them is behind") {
    w.bus.publish(positions(13, 13));
    CHECK_FALSE(first.expired());
    w.bus.request_after(10, other);
    w.host.run();
    CHECK(std::get<delivery>(got.back()).segments.front()->first_position == 11);
  }
  SECTION("when the last of them asks for what follows") {
    w.bus.request_after(11, other);
    w.ask(12);
    w.bus.publish(positions(13, 13));
    w.host.run();
    w.got.clear();
    CHECK(first.expired());
  }
  SECTION("when the one that was behind has ended") {
    other.close();
    other = {};
    w.host.run();
    w.bus.publish(positions(13, 13));
    w.host.run();
    w.got.clear();
    CHECK(first.expired());
  }
}

TEST_CASE("The last segment stays in memory however large it is") {
  world w;
  w.ask(10);
  w.bus.publish(positions(11, 100));
  w.ask(10);
  REQUIRE(w.got.size() == 2);
  CHECK(std::get<delivery>(w.got[1]).segments.front()->last_position == 100);
  CHECK(w.bus.head() == 100);
}
