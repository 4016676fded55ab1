#include "actor/caf_host.hpp"

#include <latch>
#include <memory>
#include <thread>

#include "support/catch.hpp"

using namespace tyto::detail;

namespace {

struct note {
  std::thread::id* handled_on;
  std::latch* wait_for = nullptr;
  std::shared_ptr<std::latch> handled = nullptr;
};

class noting_actor final : public actor_of<note> {
 protected:
  void on(note&& message) override {
    if (message.wait_for != nullptr) message.wait_for->wait();
    *message.handled_on = std::this_thread::get_id();
    if (message.handled != nullptr) message.handled->count_down();
  }
};

}  // namespace

TEST_CASE("An idle actor takes a message on the thread of who offers a turn, a busy one does not") {
  const auto host = make_caf_host(1);
  const auto noting = spawn<noting_actor>(*host, placement::shared);
  std::thread::id first;
  std::thread::id second;
  std::latch release{1};
  noting.post({&first, &release});
  CHECK_FALSE(noting.post_for_turn({&second}));  // it is busy, or about to be
  release.count_down();

  std::thread::id third;
  std::function<void()> turn;
  while (!turn) {  // until it is idle, which it is soon after it has handled a message
    const auto handled = std::make_shared<std::latch>(1);
    turn = noting.post_for_turn({&third, nullptr, handled});
    if (!turn) handled->wait();
  }
  CHECK(second != std::thread::id{});
  CHECK(second != std::this_thread::get_id());
  turn();
  CHECK(third == std::this_thread::get_id());
  noting.close();
  host->wait_for_all();
}
