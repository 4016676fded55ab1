#include "consumer/subscriber.hpp"

#include <atomic>
#include <memory>
#include <thread>

#include "support/catch.hpp"
#include "support/counter.hpp"
#include "support/stoppable_consumer.hpp"
#include "tyto/subscription.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

using stops = stoppable_consumer::stops;

recorded_event event_of(std::int64_t by) {
  recorded_event event;
  event.meta.type = stored_name<counted>;
  event.payload = to_bytes(counted{by});
  return event;
}

// A subscription whose consumer is the test: it calls the handler, and stops when it is told to.
struct world {
  std::vector<std::int64_t> seen;
  std::function<void()> meanwhile = [] {};  // while the handler is called
  std::shared_ptr<subscriber> of =
      std::make_shared<subscriber>(define_subscription<counted>("mine", [this](const counted& e, const metadata&) {
        seen.push_back(e.by);
        meanwhile();
      }));
  subscription handle{of};
  std::shared_ptr<roster> consumers = std::make_shared<roster>();
  std::shared_ptr<stoppable_consumer> consumer;
  reaction_definition called;

  // What the runtime does when it starts.
  void start(stops when = stops::at_once) {
    called = of->definition();
    has_started(when);
  }
  void has_started(stops when = stops::at_once) {
    consumer = std::make_shared<stoppable_consumer>(when);
    of->has_started(consumers, consumers->add("subscription", address<consumer_message>{consumer},
                                              std::make_shared<progress>("subscription")));
  }
  void deliver(std::int64_t by) {
    const auto event = event_of(by);
    CHECK(called.handlers.at(std::string{stored_name<counted>})(event).value().empty());
  }
};

using seen = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("A subscription's handler gets the events until it is ended, and its consumer stops then") {
  world w;
  w.start();
  CHECK(w.called.name == "mine");
  w.deliver(1);
  w.deliver(2);
  CHECK(w.consumer->times_told() == 0);
  w.handle.end();
  CHECK(w.consumer->times_told() == 1);
  CHECK(w.consumer->is_closed());
  CHECK(w.consumers->all().empty());
  w.deliver(3);
  CHECK(w.seen == seen{1, 2});
}

TEST_CASE("A subscription that ends before the start has no handler to start with") {
  world w;
  w.handle.end();
  CHECK(w.of->definition().handlers.empty());
}

TEST_CASE("A handler goes when its subscription ends before the start") {
  auto captured = std::make_shared<int>();
  const std::weak_ptr<int> watched = captured;
  subscription handle{std::make_shared<subscriber>(
      define_subscription<counted>("", [kept = std::move(captured)](const counted&, const metadata&) {}))};
  CHECK_FALSE(watched.expired());
  handle.end();
  CHECK(watched.expired());
}

TEST_CASE("A subscription that ends while the runtime starts has its consumer stopped, and gets no event") {
  world w;
  w.called = w.of->definition();
  w.handle.end();
  w.has_started();
  CHECK(w.consumer->times_told() == 1);
  CHECK(w.consumers->all().empty());
  w.deliver(1);
  CHECK(w.seen.empty());
}

TEST_CASE("A handler that ends its own subscription is not waited for, and the rest of its batch passes it by") {
  world w;
  w.start(stops::when_let);  // it cannot stop before the handler returns
  w.meanwhile = [&] { w.handle.end(); };
  w.deliver(1);
  w.deliver(2);
  w.deliver(3);
  CHECK(w.seen == seen{1});
  CHECK(w.consumer->times_told() == 1);
  w.consumer->stop();
}

TEST_CASE("A subscription that is ended twice, or by a copy, is ended once") {
  world w;
  w.start();
  auto copy = w.handle;
  w.handle.end();
  copy.end();
  w.handle.end_soon();
  CHECK(w.consumer->times_told() == 1);
}

TEST_CASE("Everybody who ends a subscription waits until its consumer has stopped") {
  world w;
  w.start(stops::when_let);
  w.deliver(1);  // by another thread than those that end it
  std::atomic<bool> was_let = false;
  std::atomic<int> waited = 0;
  {
    std::vector<std::jthread> ending;
    for (int i = 0; i < 2; ++i) {
      ending.emplace_back([&w, &was_let, &waited] {
        subscription{w.of}.end();
        waited += was_let ? 1 : 0;
      });
    }
    w.consumer->wait_until_told();
    was_let = true;
    w.consumer->stop();
  }
  CHECK(waited == 2);
  CHECK(w.consumer->times_told() == 1);
}

TEST_CASE("Who must not block ends a subscription without waiting for its consumer") {
  world w;
  w.start(stops::when_let);
  w.handle.end_soon();
  CHECK(w.consumer->times_told() == 1);
  CHECK_FALSE(w.consumer->is_closed());
  w.consumer->stop();
  CHECK(w.consumer->is_closed());
}

TEST_CASE("A subscription may be ended after the runtime has gone, and a handle may stand for none") {
  world w;
  w.start();
  w.consumers.reset();
  w.handle.end();
  CHECK(w.consumer->times_told() == 0);
  subscription none;
  none.end();
  none.end_soon();
}

TEST_CASE("A consumer's definition keeps its subscription alive, whatever becomes of the handle") {
  world w;
  w.start();
  w.handle = {};
  const std::weak_ptr<subscriber> watched = std::exchange(w.of, nullptr);
  w.deliver(1);
  CHECK(w.seen == seen{1});
  CHECK_FALSE(watched.expired());
  w.called = {};
  CHECK(watched.expired());
}
