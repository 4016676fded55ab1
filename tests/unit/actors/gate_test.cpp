#include "gate.hpp"

#include <algorithm>
#include <latch>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/long_enough.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;
using std::chrono::milliseconds;

namespace {

struct open_gate : gate {
  explicit open_gate(std::size_t limit) : gate(limit, [](std::string_view) {}) { open(); }
  result<void> enter_or_fail() { return enter(when_full::fail, milliseconds{0}); }
  result<void> enter_or_wait(milliseconds timeout = long_enough) { return enter(when_full::wait, timeout); }
};

}  // namespace

TEST_CASE("So many commands are let in as the limit says, and one more for each that leaves") {
  open_gate door{2};
  CHECK(door.enter_or_fail());
  CHECK(door.enter_or_fail());
  const auto refused = door.enter_or_fail();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::overloaded);
  CHECK_THAT(refused.error().message(), Catch::Contains("2 commands are in flight"));
  CHECK(door.inside() == 2);
  door.leave();
  CHECK(door.enter_or_fail());
  CHECK_FALSE(door.enter_or_fail());
}

TEST_CASE("A gate that was not opened, or is closed, lets nobody in, and those who are in stay") {
  gate door{2, [](std::string_view) {}};
  CHECK_FALSE(door.is_open());
  CHECK(door.enter(when_full::fail, milliseconds{0}).error().code() == errc::stopped);
  CHECK(door.inside() == 0);

  door.open();
  CHECK(door.is_open());
  REQUIRE(door.enter(when_full::fail, milliseconds{0}));
  door.close();
  CHECK_FALSE(door.is_open());
  CHECK(door.enter(when_full::wait, long_enough).error().code() == errc::stopped);
  CHECK(door.inside() == 1);
}

TEST_CASE("A command that waits in vain for room is refused when its time is over, and not before") {
  open_gate door{1};
  REQUIRE(door.enter_or_fail());
  const auto begin = std::chrono::steady_clock::now();
  CHECK(door.enter_or_wait(milliseconds{20}).error().code() == errc::overloaded);
  CHECK(std::chrono::steady_clock::now() - begin >= milliseconds{20});
  CHECK(door.inside() == 1);
}

TEST_CASE("A command that waits gets the room of one that leaves") {
  open_gate door{1};
  REQUIRE(door.enter_or_fail());
  std::latch begun{1};
  bool was_let_in = false;
  {
    std::jthread waiting{[&] {
      begun.count_down();
      was_let_in = door.enter_or_wait().has_value();
    }};
    begun.wait();
    door.leave();
  }
  CHECK(was_let_in);
  CHECK(door.inside() == 1);
}

TEST_CASE("However many wait at the same time, all are let in, and never more than the limit at once") {
  constexpr std::size_t limit = 2;
  open_gate door{limit};
  std::atomic<std::size_t> in = 0;
  std::atomic<std::size_t> most = 0;
  std::atomic<std::size_t> refused = 0;
  {
    std::vector<std::jthread> commands;
    for (int i = 0; i < 6; ++i) {
      commands.emplace_back([&] {
        for (int n = 0; n < 500; ++n) {
          if (!door.enter_or_wait()) {
            ++refused;
            continue;
          }
          const auto now = ++in;
          for (auto seen = most.load(); seen < now && !most.compare_exchange_weak(seen, now);) {
          }
          std::this_thread::yield();  // so that others come while it is in
          --in;
          door.leave();
        }
      });
    }
  }
  CHECK(refused == 0);
  CHECK(most <= limit);
  CHECK(door.inside() == 0);
}

TEST_CASE("A command that waits when the gate is closed is told so once there would be room") {
  open_gate door{1};
  REQUIRE(door.enter_or_fail());
  errc outcome{};
  {
    std::jthread waiting{[&] {
      const auto entered = door.enter_or_wait();
      if (!entered) outcome = entered.error().code();
    }};
    door.close();
    door.leave();
  }
  CHECK(outcome == errc::stopped);
  CHECK(door.inside() == 0);
}

TEST_CASE("Who waits until the gate is empty goes on when the last command has left") {
  open_gate door{2};
  REQUIRE(door.enter_or_fail());
  REQUIRE(door.enter_or_fail());
  std::atomic<int> left = 0;
  std::jthread leaving{[&] {
    for (int i = 0; i < 2; ++i) {
      ++left;
      door.leave();
    }
  }};
  door.wait_until_empty();
  CHECK(left == 2);
  CHECK(door.inside() == 0);
}

TEST_CASE("A wait until the gate is empty ends at its limit, and says whether it is") {
  open_gate door{1};
  const auto over = std::chrono::steady_clock::now() - milliseconds{1};
  CHECK(door.wait_until_empty(over));
  REQUIRE(door.enter_or_fail());
  CHECK_FALSE(door.wait_until_empty(over));
  std::jthread leaving{[&] { door.leave(); }};
  CHECK(door.wait_until_empty(std::chrono::steady_clock::now() + long_enough));
}
