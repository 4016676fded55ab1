#include "consumer/watchdog.hpp"

#include "support/catch.hpp"
#include "support/manual_host.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

struct world {
  manual_clock time;
  manual_host host{time};
  health_board health{time};
  std::uint64_t head = 10;
  std::shared_ptr<progress> billing = std::make_shared<progress>("billing");
  std::vector<std::shared_ptr<progress>> all{billing};
  address<watchdog_message> dog = spawn<watchdog>(
      host, placement::shared, host, health, std::chrono::milliseconds{1'000}, [this] { return all; },
      [this] { return head; });

  world() {
    dog.post(look_for_stalls{});
    host.run();
  }
  void is_at(std::uint64_t position) { billing->is_at(position, time.now(), host.now()); }
  void pass(int milliseconds) {
    for (; milliseconds > 0; milliseconds -= 250) host.advance(std::chrono::milliseconds{250});
  }
};

}  // namespace

TEST_CASE("A consumer that is behind and does not move is reported, until it moves") {
  world w;
  w.is_at(7);
  w.pass(1'000);
  CHECK(w.health.shown().is_healthy());
  w.pass(250);
  REQUIRE(w.health.shown().problems.size() == 1);
  CHECK(w.health.shown().problems[0].subject == "stall of 'billing'");
  CHECK_THAT(w.health.shown().problems[0].why.message(), Catch::Contains("position 7") && Catch::Contains("3 events"));
  w.is_at(8);
  w.pass(250);
  CHECK(w.health.shown().is_healthy());
}

TEST_CASE("A consumer that moves now and then, one at the head, and one that is known to fail are not reported") {
  world w;
  for (std::uint64_t position = 1; position < 9; ++position) {
    w.is_at(position);
    w.pass(750);
  }
  w.is_at(10);
  w.pass(5'000);
  w.head = 11;  // it has been idle for long, and is behind for a moment only
  w.pass(500);
  CHECK(w.health.shown().is_healthy());
  w.billing->has_failed(error{errc::handler_failed, "handling"});
  w.pass(5'000);
  CHECK(w.health.shown().is_healthy());
}

TEST_CASE("A consumer that is gone while it stands still is no problem any more") {
  world w;
  w.is_at(7);
  w.pass(1'250);
  CHECK_FALSE(w.health.shown().is_healthy());
  w.all.clear();
  w.pass(250);
  CHECK(w.health.shown().is_healthy());
}

TEST_CASE("Setting the clock does not make a consumer stand still") {
  world w;
  w.is_at(7);
  w.pass(500);
  w.time.set_by(std::chrono::hours{1});
  w.pass(250);
  CHECK(w.health.shown().is_healthy());
}

TEST_CASE("A consumer's status tells how far it is behind in events and in time, and how fast it goes") {
  manual_clock time;
  const manual_host host{time};
  progress shown{"billing"};
  const auto begin = time.now();
  shown.is_at(100, begin, host.now());
  time.advance(std::chrono::seconds{2});
  shown.is_at(300, begin + std::chrono::seconds{1}, host.now());
  auto status = shown.status(350, time.now(), host.now());
  CHECK(status.lag == 50);
  CHECK(status.lag_time == std::chrono::seconds{1});
  CHECK(status.events_per_second == Approx(100));
  CHECK(shown.status(300, time.now(), host.now()).lag_time.count() == 0);

  for (int i = 1; i <= 20; ++i) {  // what was long ago no longer counts
    time.advance(std::chrono::seconds{1});
    shown.is_at(300 + static_cast<std::uint64_t>(i) * 10, time.now(), host.now());
  }
  time.set_by(-std::chrono::hours{1});  // and setting the clock changes nothing
  CHECK(shown.status(500, time.now(), host.now()).events_per_second == Approx(10));
}
