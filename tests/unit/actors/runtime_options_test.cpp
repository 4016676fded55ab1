#include "tyto/runtime_options.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace tyto;
using std::chrono::milliseconds;

namespace {

using change = std::function<void(runtime_options&)>;

// Returns why options are refused that differ from the usable ones by `made`; "" if they are not.
std::string refusal_of(const change& made) {
  runtime_options options;
  made(options);
  const auto checked = options.check();
  if (checked) return "";
  CHECK(checked.error().code() == errc::invalid_argument);
  CHECK(checked.error().doing() == "starting the runtime");
  return checked.error().detail();
}

}  // namespace

TEST_CASE("The options are usable as they are") { CHECK(runtime_options{}.check()); }

TEST_CASE("A limit of 0 is refused by its name") {
  const std::vector<std::pair<std::string, std::size_t runtime_options::*>> limits{
      {"max_commands_in_flight", &runtime_options::max_commands_in_flight},
      {"max_commands_per_aggregate", &runtime_options::max_commands_per_aggregate},
      {"max_live_aggregates", &runtime_options::max_live_aggregates},
      {"max_commit_events", &runtime_options::max_commit_events},
      {"max_recent_events", &runtime_options::max_recent_events},
      {"max_consumer_batch", &runtime_options::max_consumer_batch}};
  for (const auto& [name, limit] : limits) {
    CHECK(refusal_of([limit = limit](auto& o) { o.*limit = 0; }) == "the option " + name + " is 0");
    CHECK(refusal_of([limit = limit](auto& o) { o.*limit = 1; }).empty());
  }
}

TEST_CASE("A runtime without a clock or a source of ids is refused") {
  CHECK(refusal_of([](auto& o) { o.time = nullptr; }) == "the option time is null");
  CHECK(refusal_of([](auto& o) { o.ids = nullptr; }) == "the option ids is null");
}

TEST_CASE("A batch of consumers has an upper limit") {
  CHECK(refusal_of([](auto& o) { o.max_consumer_batch = 1'000'000; }).empty());
  CHECK(refusal_of([](auto& o) { o.max_consumer_batch = 1'000'001; }) == "max_consumer_batch is more than 1000000");
}

TEST_CASE("More threads than a machine can have are refused") {
  CHECK(refusal_of([](auto& o) { o.worker_threads = 1'024; }).empty());
  CHECK(refusal_of([](auto& o) { o.worker_threads = 1'025; }) == "worker_threads is more than 1024");
  CHECK(refusal_of([](auto& o) { o.worker_threads = SIZE_MAX; }) == "worker_threads is more than 1024");
}

TEST_CASE("A pause after a failure that is none, or that would shrink, is refused") {
  const std::string why = "min_backoff must be more than 0 and no more than max_backoff";
  CHECK(refusal_of([](auto& o) { o.min_backoff = milliseconds{0}; }) == why);
  CHECK(refusal_of([](auto& o) { o.min_backoff = milliseconds{-1}; }) == why);
  CHECK(refusal_of([](auto& o) { o.min_backoff = o.max_backoff + milliseconds{1}; }) == why);
  CHECK(refusal_of([](auto& o) { o.min_backoff = o.max_backoff; }).empty());
}

TEST_CASE("A negative time is refused, and 0 is for never") {
  const std::string why = "passivate_after or stall_after is less than 0";
  CHECK(refusal_of([](auto& o) { o.passivate_after = milliseconds{-1}; }) == why);
  CHECK(refusal_of([](auto& o) { o.stall_after = milliseconds{-1}; }) == why);
  CHECK(refusal_of([](auto& o) { o.passivate_after = o.stall_after = milliseconds{0}; }).empty());
}

TEST_CASE("Without a window of command ids, with no log and with any number of threads a runtime may run") {
  CHECK(refusal_of([](auto& o) {
          o.command_id_window = 0;
          o.log = nullptr;
          o.worker_threads = 0;
        }).empty());
}

TEST_CASE("A control socket that cannot be a file is refused, and one at the end of a long path is not") {
  const auto refusal_of_path = [](std::string path) {
    return refusal_of([&](auto& o) { o.control_socket = std::move(path); });
  };
  CHECK(refusal_of_path("").empty());
  CHECK(refusal_of_path("control.sock").empty());
  auto long_path = std::string(3'000, 'd');
  long_path.append("/").append(80, 's');
  CHECK(refusal_of_path(long_path).empty());
  CHECK(refusal_of_path("data/" + std::string(81, 's')) ==
        "control_socket 'data/" + std::string(81, 's') + "' ends in a name of more than 80 bytes; take a shorter one");
  for (const auto* none : {"data/", "/", ".", "data/.."}) {
    CHECK_THAT(refusal_of_path(none), Catch::Contains("does not end in the name of a file"));
  }
  CHECK_THAT(refusal_of_path({"a\0b", 3}), Catch::Contains("has a NUL byte"));
}
