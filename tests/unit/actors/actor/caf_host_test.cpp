#include "actor/caf_host.hpp"

#include <latch>
#include <memory>
#include <thread>

#include "actor/lent_thread.hpp"
#include "support/catch.hpp"

using namespace tyto::detail;

namespace {

struct note {
  std::thread::id* handled_on;
  std::latch* wait_for = nullptr;
  std::shared_ptr<std::latch> handled = nullptr;
};

class noting_actor final : public actor_of<note> {
 public:
  [[nodiscard]] lent_to takes_threads_lent_to() const override { return lent_to::way_of_a_command; }

 protected:
  void on(note&& message) override {
    if (message.wait_for != nullptr) message.wait_for->wait();
    *message.handled_on = std::this_thread::get_id();
    if (message.handled != nullptr) message.handled->count_down();
  }
};

}  // namespace

TEST_CASE("An idle actor takes a message on a thread that is lent, a busy one does not") {
  const auto host = make_caf_host(1);
  const auto noting = spawn<noting_actor>(*host, placement::shared);
  std::thread::id first;
  std::thread::id second;
  std::latch release{1};
  noting.post({&first, &release});
  const auto ask = [&noting](std::thread::id& handled_on) {
    const auto handled = std::make_shared<std::latch>(1);
    {
      const lent_thread own{lent_to::way_of_a_command};
      noting.post({&handled_on, nullptr, handled});
    }
    return handled;
  };
  const auto is_handled = ask(second);  // it is busy, or about to be
  release.count_down();
  is_handled->wait();
  CHECK(second != std::this_thread::get_id());

  std::thread::id third;  // until it is idle, which it is soon after it has handled a message
  while (third != std::this_thread::get_id()) ask(third)->wait();
  noting.close();
  host->wait_for_all();
}
