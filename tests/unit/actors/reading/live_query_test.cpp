#include "reading/live_query.hpp"

#include <algorithm>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>

#include "support/catch.hpp"
#include "support/long_enough.hpp"
#include "tyto/memory_store.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

using role = progress::role;
using texts = std::vector<std::string>;

// What was said on another thread, in order.
class heard {
 public:
  void add(std::string text) {
    const std::lock_guard lock{mutex_};
    all_.push_back(std::move(text));
    changed_.notify_all();
  }
  /// Waits until so many were said.
  [[nodiscard]] texts first(std::size_t count) const {
    std::unique_lock lock{mutex_};
    CHECK(changed_.wait_for(lock, long_enough, [&] { return all_.size() >= count; }));
    return all_;
  }
  /// Waits until `text` was said.
  void wait_for(const std::string& text) const {
    std::unique_lock lock{mutex_};
    CHECK(changed_.wait_for(lock, long_enough, [&] { return std::ranges::count(all_, text) > 0; }));
  }
  [[nodiscard]] texts all() const {
    const std::lock_guard lock{mutex_};
    return all_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  texts all_;
};

// A live query of one row, to versions of a projection that the test moves. The answers come as with runtime::watch().
struct world {
  std::shared_ptr<read_model_store> store = open_memory().read_models;
  std::shared_ptr<progress> old = std::make_shared<progress>("1");
  std::shared_ptr<progress> fresh = std::make_shared<progress>("2", role::building);
  heard answers;
  heard log;
  std::atomic<int> failing = 0;                             // how many looks are still to fail
  std::function<void(const std::string&)> calls_back = {};  // what the program does with an answer

  std::promise<void> gone;  // when the watcher's thread has ended
  std::future<void> has_gone = gone.get_future();
  std::unique_ptr<watcher> asks;

  ~world() {
    asks.reset();
    if (has_gone.valid()) has_gone.wait();
  }

  void watch() {
    struct state {
      std::optional<std::string> answer;
      bool is_new = false;
    };
    auto known = std::make_shared<state>();
    const query_call look = [this, known](const row_reader& rows) {
      if (failing > 0) {
        --failing;
        throw std::runtime_error("the query threw");
      }
      auto found = rows.get("row").value().value_or("nothing");
      known->is_new = known->answer != found;
      known->answer = std::move(found);
    };
    const auto tell = [this, known] {
      if (!std::exchange(known->is_new, false)) return;
      answers.add(*known->answer);
      if (calls_back) calls_back(*known->answer);
    };
    const std::shared_ptr<const read_model_store> rows{store.get(),
                                                       [this, kept = store](const auto*) { gone.set_value(); }};
    asks = std::make_unique<watcher>(rows, versions{{fresh, look}, {old, look}}, tell,
                                     [this](std::string_view line) { log.add(std::string{line}); });
  }

  void move(progress& shown, std::uint64_t position, const std::string& row) const {
    store->commit(shown.name(), {{"row", row}}, {position}).value();
    shown.is_at(position, {}, {});
  }
  void wait_until_gone() { REQUIRE(has_gone.wait_for(long_enough) == std::future_status::ready); }
};

}  // namespace

TEST_CASE("The first answer is told at once, and each different one when the projection has moved on") {
  world w;
  w.watch();
  CHECK(w.answers.first(1) == texts{"nothing"});
  w.move(*w.old, 1, "a");
  CHECK(w.answers.first(2) == texts{"nothing", "a"});
  w.move(*w.old, 2, "a");
  w.move(*w.old, 3, "b");
  CHECK(w.answers.first(3) == texts{"nothing", "a", "b"});
  CHECK(w.log.all().empty());
}

TEST_CASE("A projection that moves on while an answer is told is looked at again") {
  world w;
  w.calls_back = [&w](const std::string& answer) {
    if (answer == "nothing") w.move(*w.old, 1, "one");
  };
  w.watch();
  CHECK(w.answers.first(2) == texts{"nothing", "one"});
}

TEST_CASE("A projection that has begun anew is looked at too") {
  world w;
  w.move(*w.old, 7, "a");
  w.watch();
  CHECK(w.answers.first(1) == texts{"a"});
  w.move(*w.old, 0, "b");
  CHECK(w.answers.first(2) == texts{"a", "b"});
}

TEST_CASE("Nothing is told after a live query has ended") {
  world w;
  w.watch();
  (void)w.answers.first(1);
  w.asks.reset();
  w.wait_until_gone();
  w.move(*w.old, 1, "a");
  CHECK(w.answers.all() == texts{"nothing"});
}

TEST_CASE("Who ends a live query waits for a call back that is under way") {
  world w;
  std::promise<void> called;
  std::promise<void> let;
  std::atomic<bool> has_returned = false;
  w.calls_back = [&](const std::string&) {
    called.set_value();
    let.get_future().wait();
    has_returned = true;
  };
  w.watch();
  called.get_future().wait();
  bool had_returned = false;
  std::jthread ending{[&] {
    w.asks.reset();
    had_returned = has_returned;
  }};
  let.set_value();
  ending.join();
  CHECK(had_returned);
}

TEST_CASE("A live query may be ended by its own call back") {
  world w;
  std::promise<void> may_end;
  w.calls_back = [&](const std::string&) {
    may_end.get_future().wait();  // until the object is there
    w.asks.reset();
  };
  w.watch();
  may_end.set_value();
  w.wait_until_gone();
  w.move(*w.old, 1, "a");
  CHECK(w.answers.all() == texts{"nothing"});
}

TEST_CASE("A query that fails is logged once, and tried again when the projection moves on") {
  world w;
  w.failing = 2;
  w.watch();
  CHECK_THAT(w.log.first(1).at(0),
             Catch::Contains("a live query will try again") && Catch::Contains("the query threw"));
  for (std::uint64_t position = 1; w.failing > 0; ++position) w.move(*w.old, position, "a");
  w.move(*w.old, 1'000'000, "b");
  w.answers.wait_for("b");
  CHECK(w.log.all().size() == 1);
}

TEST_CASE("A query that fails again after it has worked is logged again") {
  world w;
  w.failing = 1;
  w.watch();
  (void)w.log.first(1);
  w.move(*w.old, 1, "a");
  CHECK(w.answers.first(1) == texts{"a"});
  w.failing = 1;
  w.move(*w.old, 2, "b");
  CHECK(w.log.first(2).size() == 2);
}

TEST_CASE("A call back that throws is logged, and the next answer is told") {
  world w;
  w.calls_back = [](const std::string& answer) {
    if (answer == "nothing") throw std::runtime_error("the call back threw");
  };
  w.watch();
  CHECK_THAT(w.log.first(1).at(0),
             Catch::Contains("calling back with a live query's answer") && Catch::Contains("the call back threw"));
  w.move(*w.old, 1, "a");
  CHECK(w.answers.first(2) == texts{"nothing", "a"});
}

TEST_CASE("A live query goes on with the version that has taken over from one that stops") {
  world w;
  w.move(*w.old, 1, "old");
  w.move(*w.fresh, 1, "fresh");
  w.watch();
  CHECK(w.answers.first(1) == texts{"old"});
  CHECK(w.fresh->take_over());
  w.old->retire();
  w.old->has_stopped();
  CHECK(w.answers.first(2) == texts{"old", "fresh"});
  w.move(*w.fresh, 2, "fresher");
  CHECK(w.answers.first(3) == texts{"old", "fresh", "fresher"});
}

TEST_CASE("A live query ends by itself when its projection stops, after a last look") {
  world w;
  w.watch();
  (void)w.answers.first(1);
  w.store->commit("1", {{"row", "last"}}, {5}).value();
  w.old->has_stopped();
  w.wait_until_gone();
  CHECK(w.answers.all() == texts{"nothing", "last"});
}

TEST_CASE("A live query of which no version is kept ends without an answer") {
  world w;
  w.old->retire();
  w.watch();
  w.wait_until_gone();
  CHECK(w.answers.all().empty());
}
