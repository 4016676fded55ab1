// A runtime where the operating system lets the process have few threads.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <system_error>

#include "ledger.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include "tyto/control_client.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

// Returns what `body` returns in a forked child that may have no more threads, or so many beside its own. The superuser
// has no limit, nor is it known how many others any other user has: only as the superuser there can be `more`.
int with_few_threads(rlim_t more, const std::function<int()>& body) {
  const auto child = ::fork();
  if (child == 0) {
    ::alarm(60);                                                          // ends a child that hangs
    const auto nobody_else = static_cast<uid_t>(1'000'000 + ::getpid());  // nor another test that runs beside
    if (::getuid() == 0 && (::setgid(nobody_else) != 0 || ::setuid(nobody_else) != 0)) ::_exit(100);
    const rlimit few{more + 1, more + 1};
    if (::setrlimit(RLIMIT_NPROC, &few) != 0) ::_exit(101);
    ::_exit(body());
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

runtime_options two_workers() {
  auto options = quiet();
  options.worker_threads = 2;
  return options;
}

// Two workers and a projection, and four that every runtime has.
constexpr rlim_t needed = 7;

}  // namespace

TEST_CASE("A runtime for which there are not enough threads does not start, says so, and can be started later") {
  const rlim_t missing = GENERATE(1, 2, 3, 4, 5, 6, 7);
  if (::getuid() != 0 && missing < needed) return;
  CHECK(with_few_threads(needed - missing, [] {
          runtime rt{open_memory(), two_workers()};
          rt.aggregate<account>().projection<turnover>();
          const auto started = rt.start();
          if (started) return 1;
          if (started.error().code() != errc::overloaded) return 2;
          if (started.error().message().find("RLIMIT_NPROC") == std::string::npos) return 3;
          if (rt.execute<account>("ann", credit{1})) return 4;
          return rt.start() || !rt.stop() ? 5 : 0;
        }) == 0);
}

TEST_CASE("A runtime for which there are just enough threads runs, and refuses what takes one more") {
  if (::getuid() != 0) return;
  CHECK(with_few_threads(needed, [] {
          runtime rt{open_memory(), two_workers()};
          rt.aggregate<account>().projection<turnover>();
          if (!rt.start()) return 1;
          const auto done = rt.execute<account>("ann", credit{1});
          if (!done) return 2;
          const auto watched = rt.watch<turnover>({"ann"}, [](const turnover::row&) {});
          if (watched || watched.error().code() != errc::overloaded) return 3;
          try {
            rt.subscribe<credited>([](const credited&, const metadata&) {});
            return 4;
          } catch (const std::system_error&) {
          }
          if (rt.query<turnover>({"ann"}, {done->position}).value().credited != 1) return 5;
          if (rt.status().consumers.size() != 1) return 6;
          return rt.stop() ? 0 : 7;
        }) == 0);
}

TEST_CASE("A control socket takes one thread more, and who connects when there is no other is told") {
  if (::getuid() != 0) return;
  const temporary_directory directory;
  std::filesystem::permissions(directory.path(), std::filesystem::perms{0777});  // another user makes the socket there
  const auto started_with = [&](rlim_t threads) {
    return with_few_threads(threads, [&] {
      auto options = two_workers();
      options.control_socket = directory.path() / "control.sock";
      runtime rt{open_memory(), options};
      rt.aggregate<account>().projection<turnover>();
      if (const auto started = rt.start(); !started) return started.error().code() == errc::overloaded ? 1 : 2;
      auto client = control_client::connect(options.control_socket);
      if (!client) return 3;
      const auto asked = client->ask(R"({"do":"check"})");
      if (!asked && asked.error().code() != errc::overloaded) return 4;
      return rt.stop() ? (asked ? 5 : 6) : 7;
    });
  };
  CHECK(started_with(needed) == 1);
  CHECK_FALSE(std::filesystem::exists(directory.path() / "control.sock"));
  CHECK(started_with(needed + 1) == 6);
  CHECK(started_with(needed + 2) == 5);
}
