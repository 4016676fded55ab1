#include "actor/caf_host.hpp"

#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "actor/lent_thread.hpp"
#include "actor/posting_together.hpp"
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

TEST_CASE("Of actors that are posted to together, one that blocks holds up no other") {
  constexpr std::size_t actors = 10;
  const auto blocks = GENERATE(std::size_t{0}, actors / 2, actors - 1);
  const auto host = make_caf_host(2);
  std::vector<address<note>> noting;
  std::vector<std::thread::id> handled_on(actors);
  const auto others_have = std::make_shared<std::latch>(actors - 1);
  std::latch release{1};
  for (std::size_t i = 0; i < actors; ++i) noting.push_back(spawn<noting_actor>(*host, placement::shared));
  {
    const posting_together all;
    for (std::size_t i = 0; i < actors; ++i) {
      if (i == blocks) {
        noting[i].post({&handled_on[i], &release});
      } else {
        noting[i].post({&handled_on[i], nullptr, others_have});
      }
    }
  }
  others_have->wait();
  release.count_down();
  const auto blocked_has = std::make_shared<std::latch>(1);
  noting[blocks].post({&handled_on[blocks], nullptr, blocked_has});
  blocked_has->wait();
  for (const auto& each : noting) each.close();
  host->wait_for_all();
  for (const auto& each : handled_on) CHECK(each != std::thread::id{});
}
