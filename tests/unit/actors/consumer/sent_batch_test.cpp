#include "consumer/sent_batch.hpp"

#include <memory>
#include <thread>
#include <variant>
#include <vector>

#include "support/catch.hpp"
#include "support/manual_host.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

// Counts how often it is told that all commands are answered.
class listening_actor final : public actor_of<consumer_message> {
 public:
  explicit listening_actor(int& told) : told_(told) {}

 protected:
  void on(consumer_message&& message) override {
    if (std::holds_alternative<commands_answered>(message)) ++told_;
  }

 private:
  int& told_;
};

struct world {
  manual_clock time;
  manual_host host{time};
  int told = 0;
  address<consumer_message> consumer = spawn<listening_actor>(host, placement::dedicated, told);
};

command_result refused(const char* why) { return command_failure{reject(why)}; }

}  // namespace

TEST_CASE("A consumer is told once that its commands are answered, when the last one is") {
  world w;
  const auto batch = std::make_shared<sent_batch>(3, w.consumer);
  for (const std::size_t each : {1, 2, 0}) {
    w.host.run();
    CHECK(w.told == 0);
    batch->answered(each, each == 1 ? refused("no") : command_result{committed{}});
  }
  w.host.run();
  CHECK(w.told == 1);
}

TEST_CASE("The commands of a batch that were not accepted are found in the order in which they were sent") {
  world w;
  const auto batch = std::make_shared<sent_batch>(4, w.consumer);
  batch->answered(3, refused("the last"));
  batch->answered(1, command_failure{error{errc::overloaded, "sending"}});
  batch->answered(0, refused("the first"));
  batch->answered(2, committed{});
  const auto failures = batch->take_failures();
  REQUIRE(failures.size() == 3);
  CHECK(failures[0].number == 0);
  CHECK(failures[0].why.rejected()->reason == "the first");
  CHECK(failures[1].number == 1);
  CHECK(failures[1].why.failed()->code() == errc::overloaded);
  CHECK(failures[2].number == 3);
  CHECK(failures[2].why.rejected()->reason == "the last");
}

TEST_CASE("Commands may be answered by several threads at a time, and none is lost") {
  constexpr std::size_t threads = 4;
  constexpr std::size_t commands_each = 2'000;
  world w;
  const auto batch = std::make_shared<sent_batch>(threads * commands_each, w.consumer);
  {
    std::vector<std::jthread> aggregates;
    for (std::size_t first = 0; first < threads; ++first) {
      aggregates.emplace_back([&batch, first] {
        for (std::size_t i = first; i < threads * commands_each; i += threads) {
          batch->answered(i, i % 3 == 0 ? refused("no") : command_result{committed{}});
        }
      });
    }
  }
  w.host.run();
  CHECK(w.told == 1);
  const auto failures = batch->take_failures();
  REQUIRE(failures.size() == (threads * commands_each + 2) / 3);
  for (std::size_t i = 0; i < failures.size(); ++i) REQUIRE(failures[i].number == 3 * i);
}
