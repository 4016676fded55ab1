#include "tyto/detail/recycled_memory.hpp"

#include <cstdint>
#include <latch>
#include <set>
#include <thread>
#include <vector>

#include "support/catch.hpp"

using namespace tyto::detail;

namespace {

// A size of its own for each test, so that none gets what another has given back.
template <std::size_t Bytes>
std::vector<void*> take(std::size_t count) {
  std::vector<void*> taken;
  for (std::size_t i = 0; i < count; ++i) taken.push_back(recycled_memory<Bytes>::take());
  return taken;
}

template <std::size_t Bytes>
void give_back(const std::vector<void*>& taken) {
  for (auto* const each : taken) recycled_memory<Bytes>::give_back(each);
}

std::set<void*> set_of(const std::vector<void*>& blocks) { return {blocks.begin(), blocks.end()}; }

constexpr bool is_recycled = !TYTO_DETAIL_SANITIZES_ADDRESSES;

}  // namespace

TEST_CASE("What a thread has given back it gets again, and nothing twice") {
  constexpr std::size_t bytes = 1'001;
  const auto count = GENERATE(1U, 63U, 64U, 65U, 128U);
  const auto first = take<bytes>(count);
  CHECK(set_of(first).size() == count);
  give_back<bytes>(first);
  const auto again = take<bytes>(count);
  CHECK(set_of(again).size() == count);
  if (is_recycled) CHECK(set_of(again) == set_of(first));
  give_back<bytes>(again);
}

TEST_CASE("What another thread has given back is used again, in full magazines") {
  constexpr std::size_t bytes = 1'002;
  const auto count = 10 * magazine::capacity;
  const auto first = take<bytes>(count);
  std::jthread{[&first] { give_back<bytes>(first); }}.join();
  const auto again = take<bytes>(count);
  CHECK(set_of(again).size() == count);
  if (is_recycled) CHECK(set_of(again) == set_of(first));
  give_back<bytes>(again);
}

TEST_CASE("Blocks that pass between threads are nobody else's meanwhile") {
  constexpr std::size_t bytes = 1'003;
  constexpr std::size_t threads = 4;
  constexpr int rounds = 200;
  std::latch all_are_there{threads};
  std::vector<std::jthread> running;
  std::vector<std::uint64_t> wrong(threads);
  for (std::size_t t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      all_are_there.arrive_and_wait();
      for (int round = 0; round < rounds; ++round) {
        const auto mine = take<bytes>(magazine::capacity * (t + 1));
        for (auto* const each : mine) *static_cast<std::size_t*>(each) = t;
        for (auto* const each : mine) wrong[t] += *static_cast<std::size_t*>(each) != t;
        give_back<bytes>(mine);
      }
    });
  }
  running.clear();
  CHECK(wrong == std::vector<std::uint64_t>(threads));
}

TEST_CASE("A depot keeps so many magazines and no more") {
  magazine_depot depot;
  std::size_t kept = 0;
  while (depot.keep({nullptr, magazine::capacity})) ++kept;
  CHECK(kept == 64);
  for (std::size_t i = 0; i < kept; ++i) REQUIRE(depot.take().blocks == magazine::capacity);
  CHECK(depot.take().blocks == 0);
}

TEST_CASE("An object that was made recycled is destroyed once") {
  struct counted {
    explicit counted(int& n) : destroyed(n) {}
    ~counted() { ++destroyed; }
    int& destroyed;
  };
  int destroyed = 0;
  auto made = make_recycled<counted>(destroyed);
  const std::shared_ptr<const counted> other = made;
  made.reset();
  CHECK(destroyed == 0);
  CHECK(other.use_count() == 1);
}
