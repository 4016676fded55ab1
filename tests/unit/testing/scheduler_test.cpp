#include "scheduler.hpp"

#include <stdexcept>
#include <string>

#include "recorded_choices.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;
using tyto::errc;
using tyto::result;
using tyto::testing::noon;
using tyto::testing::recorded_choices;
using tyto::testing::scheduler;
using tyto::testing::stalling;
using tyto::testing::test_clock;
using numbers = std::vector<std::uint64_t>;

namespace {

struct world {
  explicit world(recorded_choices drawn = recorded_choices{numbers{}}, stalling often = {})
      : from(std::move(drawn)), threads(from, time, often) {}

  void run() {
    while (threads.step()) continue;
  }
  // A thread that waits for `ready`, and then notes `name`.
  void wait_for(std::string name, const bool& ready, scheduler::time_point limit = scheduler::time_point::max()) {
    threads.start([this, name = std::move(name), &ready, limit] {
      const bool is_ready = threads.wait_until([&ready] { return ready; }, limit);
      story.push_back(name + (is_ready ? "" : " in vain"));
    });
  }

  test_clock time;
  recorded_choices from;
  scheduler threads;
  std::vector<std::string> story;
};

const bool never = false;

}  // namespace

TEST_CASE("Who waits goes on when it is ready, or when its time is over") {
  world at;
  bool is_ready = false;
  at.wait_for("first", is_ready);
  at.wait_for("second", never, at.threads.now() + 1min);
  at.threads.later(10s, [&] { is_ready = true; });
  at.run();
  CHECK(at.story == std::vector<std::string>{"first", "second in vain"});
  CHECK(at.time.now() == noon + 1min);
}

TEST_CASE("Nothing is left to do where everybody waits for ever") {
  world at;
  at.wait_for("one", never);
  CHECK(at.threads.step());
  CHECK_FALSE(at.threads.step());
  CHECK(at.time.now() == noon);
}

TEST_CASE("A step goes no further than it is told") {
  world at;
  bool is_done = false;
  at.threads.later(2s, [&] { is_done = true; });
  CHECK_FALSE(at.threads.step_until(at.threads.now() + 1s));
  CHECK_FALSE(is_done);
  CHECK(at.threads.step_until(at.threads.now() + 2s));
  CHECK(is_done);
}

TEST_CASE("The order of what can be done is drawn, and without a choice the oldest comes first") {
  const auto order = [](numbers drawn) {
    world at{recorded_choices{std::move(drawn)}};
    const bool ready = true;
    bool is_open = false;
    for (const std::string name : {"1", "2", "3"}) {
      at.threads.start([&, name] {
        at.threads.wait_until([&] { return is_open; }, scheduler::time_point::max());
        at.story.push_back(name);
      });
    }
    for (int i = 0; i < 3; ++i) at.threads.step();
    is_open = ready;
    at.run();
    return at.story;
  };
  CHECK(order({}) == std::vector<std::string>{"1", "2", "3"});
  CHECK(order({0, 0, 0, 2, 1}) == std::vector<std::string>{"3", "2", "1"});
}

TEST_CASE("Whoever waits is ended by killing the program, and nothing is begun after it until it is revived") {
  world at;
  bool was_unwound = false;
  at.threads.start([&] {
    struct noted {
      bool& flag;
      ~noted() { flag = true; }
    } const at_end{was_unwound};
    at.threads.wait_until([] { return false; }, scheduler::time_point::max());
    at.story.emplace_back("goes on");
  });
  at.threads.step();
  at.threads.kill();
  CHECK(was_unwound);
  CHECK(at.story.empty());
  at.threads.start([&] { at.story.emplace_back("dead"); });
  at.threads.later(1s, [&] { at.story.emplace_back("dead"); });
  at.threads.revive();
  at.threads.start([&] { at.story.emplace_back("alive"); });
  at.run();
  CHECK(at.story == std::vector<std::string>{"alive"});
}

TEST_CASE("What is made of a program's end by who catches it harms nobody") {
  world at;
  SECTION("another exception") {
    at.threads.start([&] {
      try {
        at.threads.wait_until([] { return false; }, scheduler::time_point::max());
      } catch (...) {
        throw std::runtime_error{"it did not work"};
      }
    });
    at.threads.step();
  }
  SECTION("success, of work that nobody waits for any more") {
    {
      const auto done = at.threads.begin("waiting", [&]() -> result<void> {
        try {
          at.threads.wait_until([] { return false; }, scheduler::time_point::max());
        } catch (...) {
        }
        return {};
      });
      at.threads.step();
      CHECK_FALSE(*done);
    }
  }
  at.threads.kill();
  at.threads.revive();
  CHECK_FALSE(at.threads.step());
}

TEST_CASE("Work that has begun has an outcome when it has ended") {
  world at;
  bool is_ready = false;
  const auto done = at.threads.begin("looking", [&]() -> result<void> {
    at.threads.wait_until([&] { return is_ready; }, scheduler::time_point::max());
    return {};
  });
  const auto fails = at.threads.begin("failing", []() -> result<void> { throw std::runtime_error{"no"}; });
  const auto throws = at.threads.begin("throwing", []() -> result<void> { throw 1; });
  for (int i = 0; i < 3; ++i) at.threads.step();
  CHECK_FALSE(*done);
  REQUIRE(*fails);
  CHECK((**fails).error().code() == errc::handler_failed);
  CHECK((**fails).error().detail() == "no");
  REQUIRE(*throws);
  CHECK_FALSE(**throws);
  is_ready = true;
  at.run();
  REQUIRE(*done);
  CHECK(**done);
}

TEST_CASE("Who has no simulated thread cannot wait") {
  world at;
  CHECK_THROWS_AS(at.threads.wait_until([] { return false; }, at.threads.now() + 1s), std::logic_error);
  CHECK(at.threads.wait_until([] { return true; }, at.threads.now() + 1s));
}

TEST_CASE("Nothing stalls unless it is asked for, and then for so long at most") {
  const auto longest_step = [](stalling often, bool is_calm = false) {
    world at{recorded_choices{7}, often};
    if (is_calm) at.threads.calm();
    auto longest = 0us;
    for (int i = 0; i < 4'000; ++i) {
      at.threads.start([] {});
      const auto before = at.time.now();
      at.threads.step();
      longest = std::max(longest, std::chrono::duration_cast<std::chrono::microseconds>(at.time.now() - before));
    }
    return longest;
  };
  CHECK(longest_step({}) == 0us);
  CHECK(longest_step({8, 1ms}, true) == 0us);
  CHECK(longest_step({8, 1ms}) == 1ms);
  CHECK(longest_step({64, 512ms}) == 512ms);
  CHECK(longest_step({1, 100ms}) == 64ms);
}
