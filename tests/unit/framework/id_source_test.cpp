#include "tyto/id_source.hpp"

#include <set>
#include <thread>
#include <vector>

#include "support/catch.hpp"

using namespace tyto;

namespace {

// Has `threads` threads ask for `each` ids.
std::vector<std::string> ids_on_threads(const id_source& source, std::size_t threads, std::size_t each) {
  std::vector<std::vector<std::string>> by_thread(threads);
  {
    std::vector<std::jthread> asking;
    for (auto& mine : by_thread) {
      asking.emplace_back([&source, &mine, each] {
        for (std::size_t i = 0; i < each; ++i) mine.push_back(source.next());
      });
    }
  }
  std::vector<std::string> all;
  for (const auto& mine : by_thread) all.insert(all.end(), mine.begin(), mine.end());
  return all;
}

std::size_t count_different(const std::vector<std::string>& ids) {
  return std::set<std::string>{ids.begin(), ids.end()}.size();
}

}  // namespace

TEST_CASE("No two ids of a random source are the same, whatever threads ask") {
  CHECK(count_different(ids_on_threads(*random_ids(), 4, 5'000)) == 20'000);
}

TEST_CASE("The ids of one random source are none of another's") {
  std::vector<std::string> ids;
  for (int source = 0; source < 200; ++source) {
    const auto made = random_ids();
    for (int i = 0; i < 5; ++i) ids.push_back(made->next());
  }
  CHECK(count_different(ids) == 1'000);
}

TEST_CASE("Random ids are short, and of characters that need no quoting anywhere") {
  const auto source = random_ids();
  for (int i = 0; i < 5'000; ++i) {
    const auto id = source->next();
    REQUIRE(id.size() > 10);
    REQUIRE(id.size() <= 15);  // no memory of their own in a std::string
    REQUIRE(id.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_") ==
            std::string::npos);
  }
}

TEST_CASE("Counted ids are the prefix and 1, 2, 3 and so on, for every source anew") {
  for (int run = 0; run < 2; ++run) {
    const auto source = counted_ids("test-");
    CHECK(source->next() == "test-1");
    CHECK(source->next() == "test-2");
    for (int i = 3; i <= 10; ++i) (void)source->next();
    CHECK(source->next() == "test-11");
  }
}

TEST_CASE("Counted ids leave no number out and repeat none, whatever threads ask") {
  const auto ids = ids_on_threads(*counted_ids(""), 4, 5'000);
  std::set<int> numbers;
  for (const auto& id : ids) numbers.insert(std::stoi(id));
  CHECK(numbers.size() == 20'000);
  CHECK(*numbers.begin() == 1);
  CHECK(*numbers.rbegin() == 20'000);
}
