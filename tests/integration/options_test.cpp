// Options are given by name, one at a time, without a warning. That this file compiles is the test.
#include <chrono>

#include "support/catch.hpp"
#include "support/counter.hpp"
#include "support/long_enough.hpp"
#include "tyto/tyto.hpp"

#pragma GCC diagnostic error "-Wextra"
#pragma GCC diagnostic error "-Wmissing-field-initializers"

namespace {

using namespace std::chrono_literals;

template <class Options>
bool accepts(const Options&) {
  return true;
}

}  // namespace

TEST_CASE("Times that are longer than any clock can count are as good as for ever") {
  tyto::runtime_options options;
  options.passivate_after = options.stall_after = options.min_backoff = options.max_backoff =
      std::chrono::milliseconds::max();
  tyto::runtime rt{tyto::open_memory(), options};
  rt.aggregate<tyto::test::counter>().start().value();
  CHECK(rt.execute<tyto::test::counter>("1", tyto::test::count{}));
  rt.settle(tyto::test::long_enough).value();
  CHECK(rt.status().live_aggregates == 1);
  CHECK(rt.health().problems.empty());
  rt.stop().value();
}

TEST_CASE("Each option can be given alone, by its name") {
  using tyto::runtime_options;
  CHECK(accepts<runtime_options>({.time = tyto::system_clock()}));
  CHECK(accepts<runtime_options>({.ids = tyto::counted_ids("k")}));
  CHECK(accepts<runtime_options>({.log = [](std::string_view) {}}));
  CHECK(accepts<runtime_options>({.max_commands_in_flight = 1}));
  CHECK(accepts<runtime_options>({.max_commands_per_aggregate = 1}));
  CHECK(accepts<runtime_options>({.command_id_window = 1}));
  CHECK(accepts<runtime_options>({.max_live_aggregates = 1}));
  CHECK(accepts<runtime_options>({.passivate_after = 1s}));
  CHECK(accepts<runtime_options>({.worker_threads = 2}));
  CHECK(accepts<runtime_options>({.max_commit_events = 1}));
  CHECK(accepts<runtime_options>({.max_recent_events = 1}));
  CHECK(accepts<runtime_options>({.max_consumer_batch = 1}));
  CHECK(accepts<runtime_options>({.stall_after = 1s}));
  CHECK(accepts<runtime_options>({.min_backoff = 1ms}));
  CHECK(accepts<runtime_options>({.max_backoff = 1ms}));

  using tyto::command_options;
  CHECK(accepts<command_options>({.command_id = "k"}));
  CHECK(accepts<command_options>({.expected = tyto::expected_version::no_stream()}));
  CHECK(accepts<command_options>({.correlation_id = "k"}));
  CHECK(accepts<command_options>({.causation_id = "k"}));
  CHECK(accepts<command_options>({.record_rejection = true}));
  CHECK(accepts<command_options>({.tags = {"vip"}}));
  CHECK(accepts<command_options>({.timeout = 1s}));
  CHECK(accepts<command_options>({.overflow = tyto::when_full::wait}));

  using tyto::send_options;
  CHECK(accepts<send_options>({.expected = tyto::expected_version::no_stream()}));
  CHECK(accepts<send_options>({.tags = {"vip"}}));
  CHECK(accepts<send_options>({.record_rejection = true}));

  CHECK(accepts<tyto::query_options>({.at_least = 1}));
  CHECK(accepts<tyto::query_options>({.timeout = 1s}));
  CHECK(accepts<tyto::subscription_options>({.busy_wait = 1us}));
  CHECK(accepts<tyto::subscription_options>({.never_blocks = true}));

  using tyto::lmdb_options;
  CHECK(accepts<lmdb_options>({.path = "x"}));
  CHECK(accepts<lmdb_options>({.read_only = true}));
  CHECK(accepts<lmdb_options>({.mode = tyto::durability::synced}));
  CHECK(accepts<lmdb_options>({.map_bytes = 1}));
  CHECK(accepts<lmdb_options>({.fold_events = 1}));

  using tyto::export_options;
  CHECK(accepts<export_options>({.from = 1}));
  CHECK(accepts<export_options>({.to = 1}));
  CHECK(accepts<export_options>({.filter = [](const tyto::metadata&) { return true; }}));

  CHECK(accepts<tyto::failure_policy>({.retries = 1}));
  CHECK(accepts<tyto::failure_policy>({.then = tyto::on_failure::skip}));
  CHECK(accepts<tyto::snapshot_policy>({.schema_version = 2}));
  CHECK(accepts<tyto::snapshot_policy>({.every_events = 1}));
  CHECK(accepts<tyto::snapshot_policy>({.keep = 1}));
  CHECK(accepts<tyto::event_filter>({.types = {"order.created"}}));
  CHECK(accepts<tyto::event_filter>({.categories = {"order"}}));
  CHECK(accepts<tyto::journal_range>({.from = 1}));
  CHECK(accepts<tyto::row_range>({.from = "a"}));
  CHECK(accepts<tyto::row_range>({.end = "a"}));
  CHECK(accepts<tyto::row_range>({.is_reversed = true}));
  CHECK(accepts<tyto::row_range>({.limit = 1}));
}
