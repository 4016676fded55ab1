#include "actor/cell.hpp"

#include <atomic>
#include <latch>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "actor/lent_thread.hpp"
#include "actor/posting_together.hpp"
#include "actor/thread_lane.hpp"
#include "support/catch.hpp"
#include "support/manual_host.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

struct numbered {
  int sender = 0;
  int number = 0;
  std::shared_ptr<std::latch> wait_for = nullptr;
};

// What an actor has seen. Read it when the actor has ended, or does nothing.
struct record {
  std::vector<std::vector<int>> by_sender{8};
  int turns = 0;
  bool is_running = false;
  bool had_two_threads = false;
  std::atomic<bool> is_destroyed = false;
};

class recording_actor final : public actor_of<numbered> {
 public:
  explicit recording_actor(record& into, lent_to takes = lent_to::way_of_a_command) : into_(into), takes_(takes) {}
  ~recording_actor() override { into_.is_destroyed = true; }
  recording_actor(const recording_actor&) = delete;
  recording_actor& operator=(const recording_actor&) = delete;
  void turn_is_over() override { ++into_.turns; }
  [[nodiscard]] lent_to takes_threads_lent_to() const override { return takes_; }

 protected:
  void on(numbered&& message) override {
    into_.had_two_threads |= std::exchange(into_.is_running, true);
    if (message.wait_for) message.wait_for->wait();
    into_.by_sender[static_cast<std::size_t>(message.sender)].push_back(message.number);
    into_.is_running = false;
  }

 private:
  record& into_;
  const lent_to takes_;
};

// Runs no cell by itself.
struct idle_lane final : lane {
  void schedule(std::shared_ptr<cell> ready) override { scheduled.push_back(std::move(ready)); }
  [[nodiscard]] bool takes_many() const override { return is_for_many; }
  void schedule_all(std::vector<std::shared_ptr<cell>> ready) override {
    together.push_back(ready.size());
    lane::schedule_all(std::move(ready));
  }
  void cell_has_ended() override { ++ended; }
  std::vector<std::shared_ptr<cell>> scheduled;
  std::vector<std::size_t> together;
  bool is_for_many = true;
  int ended = 0;
};

struct world {
  manual_clock time;
  manual_host host{time};
  idle_lane where;
  record seen;
  std::shared_ptr<cell> made = cell::make(where, host, std::make_unique<recording_actor>(seen));

  void post(int number) { made->post(make_mail(numbered{0, number})); }
};

using numbers = std::vector<int>;

}  // namespace

TEST_CASE("A cell is scheduled once for all messages until it rests, and handles them in order, so many a turn") {
  world w;
  for (int i = 0; i < 5; ++i) w.post(i);
  REQUIRE(w.where.scheduled.size() == 1);
  CHECK_FALSE(w.made->run(3));
  CHECK(w.seen.by_sender[0] == numbers{0, 1, 2});
  CHECK(w.seen.turns == 1);
  w.post(5);
  CHECK(w.where.scheduled.size() == 1);
  CHECK(w.made->run(100));
  CHECK(w.seen.by_sender[0] == numbers{0, 1, 2, 3, 4, 5});
  CHECK(w.seen.turns == 2);
  w.post(6);
  CHECK(w.where.scheduled.size() == 2);
  CHECK(w.made->run(100));
}

TEST_CASE("Messages that are posted together are handled in order, and schedule the cell once") {
  world w;
  const auto list_of = [](numbers all) {
    mail_list made;
    for (const int each : all) made.add(make_mail(numbered{0, each}));
    return made;
  };
  w.made->post_all({});
  CHECK(w.where.scheduled.empty());
  w.made->post_all(list_of({0, 1, 2}));
  w.post(3);
  w.made->post_all(list_of({4}));
  w.made->post_all(list_of({5, 6}));
  REQUIRE(w.where.scheduled.size() == 1);
  CHECK(w.made->run(100));
  CHECK(w.seen.by_sender[0] == numbers{0, 1, 2, 3, 4, 5, 6});
  w.made->close();
  CHECK(w.made->run(100));
  w.made->post_all(list_of({7, 8}));
  CHECK(w.seen.by_sender[0].size() == 7);
}

TEST_CASE("Cells to which a thread posts together are scheduled when it is done, those of each lane at once") {
  world w;
  world other;
  world lone;
  lone.where.is_for_many = false;
  const auto second = cell::make(w.where, w.host, std::make_unique<recording_actor>(other.seen));
  {
    const posting_together all;
    w.post(1);
    lone.post(1);
    other.post(1);
    {
      const posting_together within;
      second->post(make_mail(numbered{0, 2}));
      w.post(3);
    }
    std::jthread{[&other] { other.made->post(make_mail(numbered{0, 4})); }}.join();
    CHECK(w.where.scheduled.empty());
    CHECK(other.where.scheduled.empty());
  }
  CHECK(w.where.together == std::vector<std::size_t>{2});
  CHECK(other.where.together == std::vector<std::size_t>{1});
  CHECK(lone.where.together.empty());
  CHECK(lone.where.scheduled == std::vector{lone.made});
  CHECK(lone.made->run(100));
  CHECK(w.made->run(100));
  CHECK(w.seen.by_sender[0] == numbers{1, 3});
  CHECK(other.made->run(100));
  CHECK(second->run(100));
  CHECK(other.seen.by_sender[0] == numbers{1, 4, 2});
  w.post(5);
  CHECK(w.where.scheduled.size() == 3);
  CHECK(w.made->run(100));
}

TEST_CASE("A closed cell ends at its next turn, drops what it has not handled, and takes nothing more") {
  world w;
  SECTION("that rests") {
    w.made->close();
    REQUIRE(w.where.scheduled.size() == 1);
  }
  SECTION("that has messages") {
    for (int i = 0; i < 3; ++i) w.post(i);
    CHECK_FALSE(w.made->run(1));
    w.post(3);
    w.made->close();
    REQUIRE(w.where.scheduled.size() == 1);
  }
  const auto handled = w.seen.by_sender[0].size();
  CHECK_FALSE(w.seen.is_destroyed);
  CHECK(w.made->run(100));
  CHECK(w.seen.is_destroyed);
  CHECK(w.where.ended == 1);
  w.post(4);
  w.made->close();
  CHECK(w.where.scheduled.size() == 1);
  CHECK(w.seen.by_sender[0].size() == handled);
}

TEST_CASE("A cell that nobody holds any more handles what it has, and ends") {
  world w;
  w.post(1);
  w.made.reset();
  CHECK_FALSE(w.seen.is_destroyed);
  REQUIRE(w.where.scheduled.size() == 1);
  CHECK(w.where.scheduled[0]->run(100));
  CHECK(w.seen.by_sender[0] == numbers{1});
  w.where.scheduled.clear();
  CHECK(w.seen.is_destroyed);
  CHECK(w.where.ended == 1);
}

TEST_CASE("An idle cell takes one message on the thread that is lent, and the lane gets the rest") {
  world w;
  {
    const lent_thread lent{lent_to::way_of_a_command};
    w.post(1);
    w.post(2);
    CHECK(w.seen.by_sender[0].empty());
  }
  CHECK(w.seen.by_sender[0] == numbers{1});
  REQUIRE(w.where.scheduled.size() == 1);
  CHECK(w.where.scheduled[0]->run(100));
  CHECK(w.seen.by_sender[0] == numbers{1, 2});
}

TEST_CASE("A turn on a lent thread may bring others, and who does not take lent threads goes to its lane") {
  world w;
  record others;
  const auto other = cell::make(w.where, w.host, std::make_unique<recording_actor>(others));
  record busy;
  const auto not_lent = cell::make(w.where, w.host, std::make_unique<recording_actor>(busy, lent_to::nobody));
  struct forwarding_actor final : actor_of<numbered> {
    explicit forwarding_actor(const std::vector<std::shared_ptr<cell>>& all) : to(all) {}
    [[nodiscard]] lent_to takes_threads_lent_to() const override { return lent_to::way_of_a_command; }
    void on(numbered&& message) override {
      for (const auto& each : to) each->post(make_mail(numbered{message}));
    }
    std::vector<std::shared_ptr<cell>> to;
  };
  const auto first =
      cell::make(w.where, w.host, std::make_unique<forwarding_actor>(std::vector{w.made, other, not_lent}));
  {
    const lent_thread lent{lent_to::way_of_a_command};
    const lent_thread within{lent_to::quick_handlers};
    first->post(make_mail(numbered{0, 7}));
  }
  CHECK(w.seen.by_sender[0] == numbers{7});
  CHECK(others.by_sender[0] == numbers{7});
  CHECK(busy.by_sender[0].empty());
  REQUIRE(w.where.scheduled.size() == 1);
  CHECK(w.where.scheduled[0] == not_lent);
  CHECK(w.where.scheduled[0]->run(100));
}

TEST_CASE("A thread that waits for a command's answer is not kept by what follows from it") {
  world w;
  struct again_and_again final : actor_of<numbered> {
    [[nodiscard]] lent_to takes_threads_lent_to() const override { return lent_to::way_of_a_command; }
    void on(numbered&& message) override {
      ++turns;
      to.lock()->post(make_mail(numbered{message}));
    }
    std::weak_ptr<cell> to;
    int turns = 0;
  };
  auto one = std::make_unique<again_and_again>();
  auto other = std::make_unique<again_and_again>();
  auto& first = *one;
  auto& second = *other;
  const auto cells =
      std::pair{cell::make(w.where, w.host, std::move(one)), cell::make(w.where, w.host, std::move(other))};
  first.to = cells.second;
  second.to = cells.first;
  {
    const lent_thread lent{lent_to::way_of_a_command};
    cells.first->post(make_mail(numbered{}));
  }
  CHECK(first.turns + second.turns == 3);
  CHECK(w.where.scheduled.size() == 1);
}

TEST_CASE("A thread is lent to some, and others do not get it") {
  world w;
  record handled;
  const auto handler = cell::make(w.where, w.host, std::make_unique<recording_actor>(handled, lent_to::quick_handlers));
  {
    const lent_thread for_command{lent_to::way_of_a_command};
    handler->post(make_mail(numbered{0, 1}));
    REQUIRE(w.where.scheduled.size() == 1);
    CHECK(std::exchange(w.where.scheduled, {})[0]->run(100));
    {
      const lent_thread for_handlers{lent_to::quick_handlers};
      handler->post(make_mail(numbered{0, 2}));
      w.post(7);
      CHECK(handled.by_sender[0] == numbers{1});
    }
    CHECK(handled.by_sender[0] == numbers{1, 2});
    CHECK(w.seen.by_sender[0].empty());
  }
  CHECK(w.seen.by_sender[0] == numbers{7});
  CHECK(w.where.scheduled.empty());
}

TEST_CASE(
    "What several threads post to cells on several threads is handled once each, in each sender's order, by one thread "
    "at a time") {
  constexpr int senders = 4;
  constexpr int cells = 3;
  constexpr int messages = 2'000;
  manual_clock time;
  manual_host host{time};
  cell_count alive;
  std::vector<record> seen(cells);
  {
    thread_lane many{2, thread_lane::serves::many_cells, alive};
    thread_lane one{1, thread_lane::serves::one_cell, alive};
    std::vector<std::shared_ptr<cell>> made;
    for (int i = 0; i < cells; ++i) {
      alive.add();
      lane& where = i == 0 ? static_cast<lane&>(one) : many;
      made.push_back(cell::make(where, host, std::make_unique<recording_actor>(seen[static_cast<std::size_t>(i)])));
    }
    std::vector<std::jthread> threads;
    for (int sender = 0; sender < senders; ++sender) {
      threads.emplace_back([&made, sender] {
        for (int i = 0; i < messages; ++i) {
          const auto& to = made[static_cast<std::size_t>(i % cells)];
          if (i % 7 == 1) {
            mail_list one_alone;
            one_alone.add(make_mail(numbered{sender, i}));
            to->post_all(std::move(one_alone));
          } else if (i % 7 != 0) {
            to->post(make_mail(numbered{sender, i}));
          } else {
            const lent_thread lent{lent_to::way_of_a_command};
            to->post(make_mail(numbered{sender, i}));
          }
        }
      });
    }
    threads.clear();
    made.clear();  // each handles what it has
    alive.wait_until_none();
    CHECK(one.is_over());
  }
  for (int i = 0; i < cells; ++i) {
    const auto& each = seen[static_cast<std::size_t>(i)];
    numbers expected;
    for (int number = i; number < messages; number += cells) expected.push_back(number);
    CHECK_FALSE(each.had_two_threads);
    for (int sender = 0; sender < senders; ++sender) {
      CHECK(each.by_sender[static_cast<std::size_t>(sender)] == expected);
    }
  }
}

TEST_CASE("Cells that are closed while others post to them end once") {
  manual_clock time;
  manual_host host{time};
  cell_count alive;
  thread_lane many{2, thread_lane::serves::many_cells, alive};
  for (int round = 0; round < 200; ++round) {
    record seen;
    alive.add();
    auto made = cell::make(many, host, std::make_unique<recording_actor>(seen));
    std::latch begin{3};
    {
      const std::jthread posting{[&] {
        begin.arrive_and_wait();
        for (int i = 0; i < 50; ++i) made->post(make_mail(numbered{0, i}));
      }};
      const std::jthread closing{[&] {
        begin.arrive_and_wait();
        made->close();
      }};
      begin.arrive_and_wait();
    }
    alive.wait_until_none();
    CHECK(seen.is_destroyed);
    CHECK_FALSE(seen.had_two_threads);
  }
}
