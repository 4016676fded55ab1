// An aggregate in its shard, with a committer and a journal that do what the test says, on the test's own thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregate/aggregate_shard.hpp"
#include "journal/committer.hpp"
#include "journal/event_bus.hpp"
#include "support/catch.hpp"
#include "support/manual_host.hpp"
#include "support/scripted_store.hpp"
#include "tyto/memory_store.hpp"

namespace tyto::test {

inline command_options with_id(std::string id) {
  command_options options;
  options.command_id = std::move(id);
  return options;
}

/// The aggregate A named "1", which may have four commands in hand and remembers four.
template <class A>
struct aggregate_world {
  static constexpr std::size_t limit = 4;

  manual_clock time;
  manual_host host{time};
  storage stores = open_memory();
  scripted_store journal{stores.journal};
  std::vector<std::string> log;
  std::function<void(std::string_view)> write_log = [this](std::string_view line) { log.emplace_back(line); };

  detail::health_board health{time};
  detail::event_bus bus{0, 1'000, 1'000};
  detail::snapshot_queue snapshots{stores.snapshots, host, health, write_log};
  detail::aggregate_surroundings around{
      {journal, stores.snapshots.get(), limit, write_log},
      time,
      host,
      detail::spawn<detail::committer>(
          host, detail::placement::dedicated, journal, bus, host, health, [](std::string_view) {}, std::size_t{1'000}),
      snapshots,
      health,
      limit,
      std::chrono::milliseconds{10},
      std::chrono::milliseconds{1'000}};
  std::string persistence_id = make_persistence_id(A::category, "1");
  std::atomic<std::size_t> live = 0;
  detail::aggregate_counts counts;
  const aggregate_definition* definition = &definition_of<A>();
  detail::address<detail::shard_message> shard = start();

  detail::address<detail::shard_message> start() { return start_as<A>(); }
  /// Starts anew, with the aggregate as another version of the program knows it.
  template <class Other>
  detail::address<detail::shard_message> start_as() {
    definition = &definition_of<Other>();
    live = 0;
    return detail::spawn<detail::aggregate_shard>(host, detail::placement::shared, around, host, std::size_t{1}, live,
                                                  counts);
  }

  /// The answer appears here once it is given.
  using answer = std::shared_ptr<std::optional<command_result>>;
  answer post(outgoing_command command, command_options options = {}) {
    auto given = std::make_shared<std::optional<command_result>>();
    shard.post(detail::run_command{
        definition, detail::aggregate_key{persistence_id}, std::move(command.command), std::move(options),
        [given](const command_result& outcome) { given->emplace(outcome); }, std::move(command.retain)});
    return given;
  }
  template <class Command>
  answer post(Command command, command_options options = {}) {
    return post(send<A>("1", std::move(command)), std::move(options));
  }
  template <class Command>
  command_result execute(Command command, command_options options = {}) {
    auto given = post(std::move(command), std::move(options));
    host.run();
    REQUIRE(given->has_value());
    return **given;
  }

  [[nodiscard]] std::uint64_t version() const { return journal.info(persistence_id).value().version; }
};

}  // namespace tyto::test
