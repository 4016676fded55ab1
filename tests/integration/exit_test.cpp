// A program that ends itself by std::exit(), wherever it is called and wherever the runtime lives, ends with its code.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <future>
#include <optional>
#include <string>

#include "ledger.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

constexpr int code = 7;
constexpr unsigned limit_s = 120;

// Runs `what` in a process of its own, which is ended if it takes too long. Returns how it ended.
int status_of_child(const std::function<void()>& what) {
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::alarm(limit_s);
    what();
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

struct leave {};
struct leaving {
  static constexpr std::string_view category = "leaving";
  using command = std::variant<leave>;
  using event = std::variant<credited>;
  struct state {};
  static decision<event> decide(const state&, const leave&) { std::exit(code); }
  static state evolve(state s, const credited&) { return s; }
};

struct leaving_reaction {
  static constexpr std::string_view name = "leaving";
  static void react(const credited&, const metadata&) { std::exit(code); }
};

// Where in the program std::exit() is called.
struct place {
  const char* where;
  void (*prepare)(runtime&);
  void (*go)(runtime&);
};

void pay(runtime& rt) { (void)rt.execute<account>("alice", credit{5}); }
void wait(runtime&) { std::promise<void>{}.get_future().wait(); }

const std::vector<place>& places() {
  static const std::vector<place> all{
      {"main", [](runtime&) {},
       [](runtime& rt) {
         pay(rt);
         std::exit(code);
       }},
      {"decide", [](runtime& rt) { rt.aggregate<leaving>(); },
       [](runtime& rt) { (void)rt.execute<leaving>("a", leave{}); }},
      {"a subscriber",
       [](runtime& rt) {
         static auto kept = rt.subscribe<credited>([](const credited&, const metadata&) { std::exit(code); });
       },
       [](runtime& rt) {
         pay(rt);
         wait(rt);
       }},
      {"a reaction", [](runtime& rt) { rt.reaction<leaving_reaction>(); },
       [](runtime& rt) {
         pay(rt);
         wait(rt);
       }},
      {"the callback of a command", [](runtime&) {},
       [](runtime& rt) {
         rt.submit<account>("alice", credit{5}, {}, [](const command_result&) { std::exit(code); });
         wait(rt);
       }}};
  return all;
}

}  // namespace

TEST_CASE("A program that calls std::exit() ends with its code, and what was acknowledged is there") {
  const bool is_static = GENERATE(true, false);
  for (const auto& [where, prepare, go] : places()) {
    INFO(where << (is_static ? ", the runtime is static" : ", the runtime is main's"));
    const temporary_directory directory;
    const auto status = status_of_child([&, prepare = prepare, go = go] {
      std::optional<runtime> own;
      static std::optional<runtime> shared;
      auto& rt = (is_static ? shared : own).emplace(open_lmdb({.path = directory.path()}).value());
      rt.aggregate<account>();
      prepare(rt);
      rt.start().value();
      go(rt);
    });
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == code);
    CHECK(open_lmdb({.path = directory.path()}));
  }
}

TEST_CASE("A runtime that is stopped by one of its own handlers refuses") {
  runtime rt{open_memory()};
  rt.aggregate<account>();
  std::promise<result<void>> stopped;
  const auto kept = rt.subscribe<credited>([&](const credited&, const metadata&) { stopped.set_value(rt.stop()); });
  rt.start().value();
  (void)rt.execute<account>("alice", credit{5}).value();
  const auto refused = stopped.get_future().get();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::invalid_argument);
  CHECK_THAT(refused.error().message(), Catch::Contains("handler"));
  CHECK(rt.stop());
}
