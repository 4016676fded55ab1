#include "fiber.hpp"

#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/catch.hpp"

using tyto::testing::fiber;

TEST_CASE("A function on a fiber is left in the middle and goes on there") {
  fiber stack;
  std::vector<std::string> steps;
  CHECK(stack.has_ended());
  stack.run([&] {
    steps.emplace_back("first");
    stack.suspend();
    steps.emplace_back("second");
    stack.suspend();
    steps.emplace_back("third");
  });
  CHECK(steps == std::vector<std::string>{"first"});
  stack.resume();
  CHECK(steps == std::vector<std::string>{"first", "second"});
  CHECK_FALSE(stack.has_ended());
  stack.resume();
  CHECK(steps.back() == "third");
  CHECK(stack.has_ended());
}

TEST_CASE("A stack takes one function after the other") {
  fiber stack;
  int runs = 0;
  for (int i = 0; i < 3; ++i) {
    stack.run([&] { ++runs; });
    CHECK(stack.has_ended());
  }
  CHECK(runs == 3);
}

TEST_CASE("An exception is handled on its fiber, whatever the others handle meanwhile") {
  std::vector<std::string> handled;
  const auto handle = [&handled](fiber& on, const std::string& what) {
    on.run([&on, &handled, what] {
      try {
        throw std::runtime_error{what};
      } catch (const std::runtime_error&) {
        on.suspend();
        try {
          std::rethrow_exception(std::current_exception());
        } catch (const std::runtime_error& again) {
          handled.emplace_back(again.what());
        }
      }
    });
  };
  fiber one;
  fiber other;
  handle(one, "of the first");
  CHECK(std::current_exception() == nullptr);
  handle(other, "of the second");
  one.resume();
  other.resume();
  CHECK(handled == std::vector<std::string>{"of the first", "of the second"});
}

TEST_CASE("A function may use a stack of the size that a thread has") {
  fiber stack;
  std::size_t deepest = 0;
  const auto go_down = [&deepest](const auto& self, std::size_t depth) -> void {
    volatile char used[4'096] = {};
    used[depth % sizeof(used)] = 1;
    deepest = depth;
    if (depth < 500) self(self, depth + 1);
    used[0] = used[1];
  };
  stack.run([&] { go_down(go_down, 0); });
  CHECK(deepest == 500);
}
