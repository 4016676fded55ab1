// The contract of the storage ports over every store of ours: a case for each check.
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <tyto/lmdb_store.hpp>
#include <tyto/memory_store.hpp>
#include <tyto/testing/store_contract.hpp>
#include <utility>

#include "contract/kept_memory.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

using namespace tyto;
using namespace tyto::test;
using tyto::testing::capability;
using tyto::testing::store_contract;
using tyto::testing::store_factory;

namespace {

class memory_place final : public testing::store_under_test {
 public:
  storage open() override { return open_memory(); }
};

class lmdb_place final : public testing::store_under_test {
 public:
  explicit lmdb_place(std::uint64_t fold_events)
      : options_{.path = directory_.path() / "store", .fold_events = fold_events} {}

  storage open() override { return open_lmdb(options_).value(); }

 private:
  temporary_directory directory_;
  lmdb_options options_;
};

store_factory lmdb_factory(std::uint64_t fold_events) {
  store_factory factory;
  factory.make = [fold_events] { return std::make_unique<lmdb_place>(fold_events); };
  return factory;
}

// Does one thing after the other on a thread of its own, and all of them before it goes.
class worker {
 public:
  ~worker() {
    post({});
    thread_.join();
  }

  void post(std::function<void()> task) {
    const std::lock_guard lock{mutex_};
    tasks_.push_back(std::move(task));
    posted_.notify_one();
  }

 private:
  void run() {
    for (;;) {
      std::unique_lock lock{mutex_};
      posted_.wait(lock, [this] { return !tasks_.empty(); });
      const auto task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      if (!task) return;
      task();
    }
  }

  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<std::function<void()>> tasks_;
  std::thread thread_{[this] { run(); }};
};

port_faults appending_elsewhere() {
  const auto elsewhere = std::make_shared<worker>();
  return {.append = [elsewhere](event_store& behind, append_batch batch, event_store::append_done done) {
    elsewhere->post([&behind, batch = std::move(batch), done = std::move(done)] { behind.append(batch, done); });
  }};
}

const std::vector<std::pair<std::string, store_factory>>& stores() {
  static const std::vector<std::pair<std::string, store_factory>> all = [] {
    store_factory memory;
    memory.make = [] { return std::make_unique<memory_place>(); };
    memory.can.erase(capability::reopening);
    return std::vector<std::pair<std::string, store_factory>>{
        {"memory", memory},
        {"LMDB", lmdb_factory(lmdb_options{}.fold_events)},
        {"LMDB, folding every third event", lmdb_factory(3)},
        {"memory that is kept", kept_memory_factory([](int) { return port_faults{}; })},
        {"memory that is kept, appending on a thread of its own",
         kept_memory_factory([](int) { return appending_elsewhere(); })}};
  }();
  return all;
}

template <std::size_t Index>
void is_kept_by_every_store() {
  const auto& check = store_contract().at(Index);
  for (const auto& [name, store] : stores()) {
    if (!check.applies_to(store)) continue;
    DYNAMIC_SECTION(name) { CHECK(check.run(store) == std::vector<std::string>{}); }
  }
}

template <std::size_t Index>
void register_check() {
  if (Index >= store_contract().size()) return;
  REGISTER_TEST_CASE(is_kept_by_every_store<Index>, store_contract()[Index].name);
}

constexpr std::size_t most_checks = 100;

// One case for each check, so that CTest runs them one by one.
const bool are_registered = []<std::size_t... Index>(std::index_sequence<Index...>) {
  (register_check<Index>(), ...);
  return store_contract().size() <= most_checks;
}
(std::make_index_sequence<most_checks>{});

}  // namespace

TEST_CASE("Every check of the contract is a case here") { CHECK(are_registered); }
