// Questions to projections whose progress the test makes.
#include "reading/reading.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include "support/catch.hpp"
#include "time_limit.hpp"
#include "tyto/memory_store.hpp"

using namespace tyto;
using namespace tyto::detail;

namespace {

using role = progress::role;

constexpr std::chrono::milliseconds a_moment{1};
constexpr std::chrono::seconds long_enough{60};

// Projections that store the position at which they are as their only row.
struct world {
  std::shared_ptr<read_model_store> store = open_memory().read_models;

  void move(progress& shown, std::uint64_t position) const {
    store->commit(shown.status().name, {{"at", std::to_string(position)}}, {position}).value();
    shown.is_at(position, {}, {});
  }

  // Moves like a consumer: event by event to `end`, in batches of at most `size`.
  void move_in_batches(progress& shown, std::uint64_t end, std::uint64_t size) const {
    for (auto at = shown.status().position; at < end; at = shown.status().position) {
      move(shown, shown.cut(at, std::min(end, at + size)));
    }
  }
};

struct asked {
  explicit asked(std::string name, role first = role::answering)
      : shown(std::make_shared<progress>(std::move(name), first)) {}

  version how() {
    return {shown, [this](const row_reader& rows) { answer = rows.get("at").value().value_or("nothing"); }};
  }

  std::shared_ptr<progress> shown;
  std::string answer;
};

}  // namespace

TEST_CASE("A question goes to the newest version that answers") {
  const world w;
  asked old{"1"};
  asked fresh{"2", role::building};
  w.move(*old.shown, 7);
  w.move(*fresh.shown, 3);
  const versions both{fresh.how(), old.how()};
  ask(*w.store, both, 0, time_limit(a_moment)).value();
  CHECK(old.answer == "7");
  CHECK(fresh.shown->take_over());
  ask(*w.store, both, 0, time_limit(a_moment)).value();
  CHECK(fresh.answer == "3");
}

TEST_CASE("A version that is retired does not take over, and is not asked") {
  const world w;
  asked only{"1", role::building};
  only.shown->retire();
  CHECK_FALSE(only.shown->take_over());
  CHECK(ask(*w.store, {only.how()}, 0, time_limit(a_moment)).error().code() == errc::stopped);
}

TEST_CASE("Who waits for a version that stops is answered by the one that takes over") {
  const world w;
  asked old{"1"};
  asked fresh{"2", role::building};
  const versions both{fresh.how(), old.how()};
  std::jthread switching{[&] {
    w.move(*fresh.shown, 5);
    fresh.shown->take_over();
    old.shown->retire();
    old.shown->has_stopped();
  }};
  ask(*w.store, both, 5, time_limit(long_enough)).value();
  CHECK(fresh.answer == "5");
}

TEST_CASE("Projections that commit at different positions are read at one") {
  const world w;
  asked fast{"fast"};
  asked slow{"slow"};
  asked slower{"slower"};
  std::vector<std::jthread> consumers;
  consumers.emplace_back([&] { w.move_in_batches(*fast.shown, 20'000, 7); });
  consumers.emplace_back([&] { w.move_in_batches(*slow.shown, 20'000, 5); });
  consumers.emplace_back([&] { w.move_in_batches(*slower.shown, 20'000, 3); });
  const std::vector<versions> all{{fast.how()}, {slow.how()}, {slower.how()}};
  for (int i = 0; i < 100; ++i) {
    ask_together(*w.store, all, 0, time_limit(long_enough)).value();
    REQUIRE(fast.answer == slow.answer);
    REQUIRE(fast.answer == slower.answer);
  }
}

TEST_CASE("A projection whose rows have not changed is read with one that is further") {
  const world w;
  asked idle{"idle"};
  asked busy{"busy"};
  w.move(*idle.shown, 2);
  idle.shown->is_at(9, {}, {});  // not stored: no event from 3 to 9 has changed its rows
  w.move(*busy.shown, 8);
  w.move(*busy.shown, 9);
  ask_together(*w.store, {{idle.how()}, {busy.how()}}, 0, time_limit(a_moment)).value();
  CHECK(idle.answer == "2");
  CHECK(busy.answer == "9");
}

TEST_CASE("Projections that cannot meet are an error that says who is behind, or that it has stopped") {
  const world w;
  asked ahead{"ahead"};
  asked behind{"behind"};
  w.move(*ahead.shown, 8);
  const std::vector<versions> both{{ahead.how()}, {behind.how()}};
  const auto late = ask_together(*w.store, both, 0, time_limit(a_moment));
  CHECK(late.error().message() == "querying 'behind': it is at position 0, 8 events behind position 8");
  behind.shown->has_stopped();
  CHECK(ask_together(*w.store, both, 0, time_limit(long_enough)).error().code() == errc::stopped);
}

TEST_CASE("A batch ends at a meeting, and no more when that is over") {
  progress shown{"p"};
  int arrivals = 0;
  auto wanted = std::make_shared<const meeting>(meeting{5, [&] { ++arrivals; }});
  REQUIRE(shown.meet(wanted));
  CHECK(shown.cut(0, 9) == 5);
  CHECK(shown.cut(0, 4) == 4);
  CHECK(shown.cut(5, 9) == 9);
  shown.is_at(4, {}, {});
  CHECK(arrivals == 0);
  shown.is_at(5, {}, {});
  CHECK(arrivals == 1);
  shown.is_at(6, {}, {});
  CHECK(arrivals == 1);
  CHECK_FALSE(shown.meet(wanted));
  const auto forgotten = [&] { return shown.meet(std::make_shared<const meeting>(meeting{8, [&] { ++arrivals; }})); };
  REQUIRE(forgotten());
  CHECK(shown.cut(6, 9) == 9);
  shown.is_at(9, {}, {});
  CHECK(arrivals == 1);
}

TEST_CASE("Who waits for a consumer at a position is told when it stops") {
  progress shown{"p"};
  int arrivals = 0;
  const auto wanted = std::make_shared<const meeting>(meeting{5, [&] { ++arrivals; }});
  REQUIRE(shown.meet(wanted));
  shown.has_stopped();
  CHECK(arrivals == 1);
  CHECK_FALSE(shown.meet(wanted));
}
