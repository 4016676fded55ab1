#include "reading/rebuilds.hpp"

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/stoppable_consumer.hpp"
#include "tyto/memory_store.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

using role = progress::role;
using names = std::vector<std::string>;

// A runtime's projections: the test says how far they are, and which are started is told by rebuilds.
struct world {
  std::shared_ptr<read_model_store> store = open_memory().read_models;
  roster consumers;
  std::mutex mutex;
  names log;
  std::atomic<std::uint64_t> head = 0;
  std::map<std::string, std::shared_ptr<progress>> shown;
  std::map<std::string, std::shared_ptr<stoppable_consumer>> boxes;
  std::vector<projection_definition> registered;
  rebuilds building{consumers, [this](std::string_view line) {
                      const std::lock_guard lock{mutex};
                      log.emplace_back(line);
                    }};

  // Registers a projection that is done with the events up to `position`.
  world& with(const std::string& name, const std::string& replaces, std::uint64_t position) {
    auto& added = registered.emplace_back();
    added.name = name;
    added.replaces = replaces;
    if (position > 0) store->commit(name, {}, {position}).value();
    return *this;
  }

  // Returns which projections are to be started.
  names plan() {
    building.plan(*store, registered).value();
    names started;
    for (const auto& each : registered) started.push_back(each.name);
    return started;
  }
  [[nodiscard]] names planned() const {
    names all;
    for (const auto& each : registered) {
      if (building.is_planned(each.name)) all.push_back(each.name);
    }
    return all;
  }

  // Does what the runtime does when it starts.
  void start(std::uint64_t journal_head) {
    head = journal_head;
    for (const auto& name : plan()) {
      boxes[name] = std::make_shared<stoppable_consumer>();
      shown[name] = std::make_shared<progress>(name, building.is_planned(name) ? role::building : role::answering);
      move(name, store->snapshot(name).value()->position());
      consumers.add(name, address<consumer_message>{boxes[name]}, shown[name]);
    }
    building.begin([this] { return head.load(); });
  }
  void move(const std::string& name, std::uint64_t position) { shown.at(name)->is_at(position, {}, {}); }
  [[nodiscard]] bool answers(const std::string& name) const { return shown.at(name)->answers(); }
  [[nodiscard]] bool is_retired(const std::string& name) const { return shown.at(name)->is_retired(); }
  names logged() {
    const std::lock_guard lock{mutex};
    return log;
  }
};

}  // namespace

TEST_CASE("A projection that replaces none is started, and nothing is built") {
  world w;
  w.with("names", "", 0).with("totals", "", 7);
  CHECK(w.plan() == names{"names", "totals"});
  CHECK(w.planned().empty());
}

TEST_CASE("A version that is behind the one that it replaces is built beside it") {
  world w;
  w.with("v1", "", 10).with("v2", "v1", 4);
  CHECK(w.plan() == names{"v1", "v2"});
  CHECK(w.planned() == names{"v2"});
}

TEST_CASE("A version that is as far as the one that it replaces has taken over, and that one is not started") {
  world w;
  w.with("v1", "", 10).with("v2", "v1", 10);
  CHECK(w.plan() == names{"v2"});
  CHECK(w.planned().empty());
}

TEST_CASE("Versions without any events before them have nothing to build, so the newest one is started") {
  world w;
  w.with("v1", "", 0).with("v2", "v1", 0).with("v3", "v2", 0);
  CHECK(w.plan() == names{"v3"});
  CHECK(w.planned().empty());
}

TEST_CASE("Of several versions those that may still answer are started") {
  world all;
  all.with("v1", "", 10).with("v2", "v1", 4).with("v3", "v2", 7);
  CHECK(all.plan() == names{"v1", "v2", "v3"});
  CHECK(all.planned() == names{"v2", "v3"});

  world two;
  two.with("v1", "", 10).with("v2", "v1", 12).with("v3", "v2", 7);
  CHECK(two.plan() == names{"v2", "v3"});
  CHECK(two.planned() == names{"v3"});

  world last;
  last.with("v1", "", 10).with("v2", "v1", 4).with("v3", "v2", 10);
  CHECK(last.plan() == names{"v3"});
  CHECK(last.planned().empty());
}

TEST_CASE("How far a projection is says nothing about the versions of another one") {
  world w;
  w.with("a1", "", 10).with("a2", "a1", 4).with("b1", "", 3).with("b2", "b1", 3);
  CHECK(w.plan() == names{"a1", "a2", "b2"});
  CHECK(w.planned() == names{"a2"});
}

TEST_CASE("The versions of a projection may be registered with others between them") {
  world w;
  w.with("a1", "", 10).with("b1", "", 20).with("a2", "a1", 10).with("b2", "b1", 5).with("a3", "a2", 2);
  CHECK(w.plan() == names{"b1", "a2", "b2", "a3"});
  CHECK(w.planned() == names{"b2", "a3"});
}

TEST_CASE("A version that has caught up with the head of the journal answers instead, and the old one stops") {
  world w;
  w.with("v1", "", 10).with("v2", "v1", 4);
  w.start(12);
  CHECK(w.answers("v1"));
  CHECK_FALSE(w.answers("v2"));
  w.move("v1", 12);
  w.move("v2", 11);
  CHECK_FALSE(w.answers("v2"));
  w.move("v2", 12);
  w.boxes["v1"]->wait_until_told();
  CHECK(w.answers("v2"));
  w.building.stop();
  CHECK(w.is_retired("v1"));
  CHECK(w.boxes["v1"]->is_closed());
  CHECK(w.boxes["v2"]->times_told() == 0);
  CHECK(w.logged() == names{"'v2' has caught up and answers in place of 'v1'"});
}

TEST_CASE("A version that is behind does not take over, however long it is behind") {
  world w;
  SECTION("behind the head of the journal") {
    w.with("v1", "", 10).with("v2", "v1", 4);
    w.start(12);
    w.move("v2", 11);
  }
  SECTION("behind the one that answers") {
    w.with("v1", "", 20).with("v2", "v1", 4);
    w.start(10);
    w.move("v2", 19);
  }
  CHECK_FALSE(w.boxes["v1"]->is_told_within(std::chrono::milliseconds{200}));
  CHECK_FALSE(w.answers("v2"));
}

TEST_CASE("A version does not take over while the one that answers is further, though the journal was shorter") {
  world w;
  w.with("v1", "", 20).with("v2", "v1", 4);
  w.start(10);
  w.move("v2", 10);
  w.move("v2", 19);
  CHECK_FALSE(w.answers("v2"));
  w.move("v2", 20);
  w.boxes["v1"]->wait_until_told();
  CHECK(w.answers("v2"));
}

TEST_CASE("The newest version takes over from all before it, also from one that is being built") {
  world w;
  w.with("v1", "", 10).with("other", "", 1).with("v2", "v1", 4).with("other2", "other", 0).with("v3", "v2", 7);
  w.start(10);
  w.move("v3", 10);
  w.boxes["v1"]->wait_until_told();
  w.boxes["v2"]->wait_until_told();
  w.building.stop();
  CHECK(w.answers("v3"));
  CHECK(w.is_retired("v1"));
  CHECK(w.is_retired("v2"));
  CHECK(w.answers("other"));
  CHECK(w.boxes["other"]->times_told() == 0);
  CHECK(w.boxes["other2"]->times_told() == 0);
}

TEST_CASE("A version whose rebuild is cancelled stops, and does not take over") {
  world w;
  w.with("v1", "", 10).with("v2", "v1", 4);
  w.start(10);
  w.building.cancel("v2").value();
  CHECK(w.is_retired("v2"));
  CHECK(w.boxes["v2"]->is_closed());
  w.move("v2", 10);
  CHECK(w.answers("v1"));
  CHECK_FALSE(w.answers("v2"));
  CHECK(w.boxes["v1"]->times_told() == 0);

  const auto again = w.building.cancel("v2");
  REQUIRE_FALSE(again);
  CHECK(again.error().code() == errc::invalid_argument);
  CHECK(again.error().message() == "cancelling the rebuild of 'v2': it is not being built");
}

TEST_CASE("What is not being built cannot be cancelled") {
  world w;
  w.with("v1", "", 10).with("v2", "v1", 4);
  w.start(10);
  CHECK(w.building.cancel("v1").error().code() == errc::invalid_argument);
  CHECK(w.building.cancel("v3").error().code() == errc::invalid_argument);
  w.move("v2", 10);
  w.boxes["v1"]->wait_until_told();
  CHECK(w.building.cancel("v2").error().code() == errc::invalid_argument);
  CHECK(w.answers("v2"));
  CHECK(w.boxes["v2"]->times_told() == 0);
}

TEST_CASE("Nothing takes over once the waiting has ended") {
  world w;
  w.with("v1", "", 10).with("v2", "v1", 4);
  w.start(10);
  w.building.stop();
  w.move("v2", 10);
  CHECK_FALSE(w.answers("v2"));
  CHECK(w.boxes["v1"]->times_told() == 0);
}
