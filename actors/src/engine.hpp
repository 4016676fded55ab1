// The runtime's inside: owns the actors, wires them to the storage and to each other, starts and stops them in order.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "aggregate_actor.hpp"
#include "alarm_clock.hpp"
#include "committer.hpp"
#include "consumer_actor.hpp"
#include "directory.hpp"
#include "event_bus.hpp"
#include "health_board.hpp"
#include "host.hpp"
#include "housekeeper.hpp"
#include "progress.hpp"
#include "reading.hpp"
#include "snapshot_writer.hpp"
#include "tyto/runtime.hpp"
#include "watchdog.hpp"

namespace tyto::detail {

class engine {
 public:
  engine(storage stores, runtime_options options);
  ~engine();
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  void add(const aggregate_definition& definition);
  void add(reaction_definition definition);
  void add(projection_definition definition);
  void add(process_manager_definition definition);
  void subscribe(reaction_definition definition);

  result<void> start();
  result<void> stop();

  /// Runs a caller's command; `done` is called once. A caller that `waits` for it decides an idle aggregate's command
  /// on its own thread, so that no other needs to wake up.
  void submit(outgoing_command command, command_options options, command_reply done, bool waits);

  result<void> ask(version_calls calls, std::uint64_t at_least, std::chrono::milliseconds timeout) const;
  result<void> ask_together(const std::vector<version_calls>& calls, std::uint64_t at_least,
                            std::chrono::milliseconds timeout) const;
  result<live_query> watch(version_calls calls, std::function<void()> tell) const;
  result<void> cancel_rebuild(std::string_view projection);
  result<void> caught_up(std::chrono::milliseconds timeout) const;
  result<void> settle(std::chrono::milliseconds timeout) const;
  [[nodiscard]] result<std::vector<dead_letter>> dead_letters(std::string_view of) const;
  result<std::size_t> release(std::string_view of, const release_parked& request);
  void check_clock() const;
  [[nodiscard]] runtime_status status() const;
  [[nodiscard]] health_report health() const;

 private:
  /// Everything that exists while the runtime runs.
  struct running {
    running(const storage& stores, const runtime_options& options, std::uint64_t head, engine& owner);

    std::unique_ptr<host> actors;
    health_board health;
    event_bus bus;
    address<committer_message> commits;
    snapshot_queue snapshots;
    aggregate_surroundings around_aggregates;
    consumer_surroundings around_consumers;
    alarm_surroundings around_alarms;
    directory aggregates;
    address<housekeeper_message> housekeeping;
    address<watchdog_message> watching;
    std::vector<address<alarm_message>> alarms;
  };

  struct consumer {
    std::string name;  // all of its partitions have it
    address<consumer_message> actor;
    std::shared_ptr<progress> shown;
  };

  /// A projection that is built beside the one that it replaces.
  struct replacement {
    std::string name;
    std::string old_name;
  };

  [[nodiscard]] result<void> check_options() const;
  [[nodiscard]] result<void> check_domain() const;
  void must_not_be_started() const;
  [[nodiscard]] std::shared_ptr<running> current() const;
  [[nodiscard]] std::optional<error> refuse(const outgoing_command& command, const std::string& persistence_id,
                                            const command_options& options) const;
  void dispatch(outgoing_command command, command_options options, command_reply done, bool waits = false);
  void spawn_consumer(std::unique_ptr<consumer_handler> handler, const partition& part = {},
                      progress::standing standing = progress::standing::answering);
  void spawn_subscription(reaction_definition definition);
  bool take_in(const command_options& options);
  void answered();
  [[nodiscard]] std::vector<std::shared_ptr<progress>> consumers() const;
  [[nodiscard]] std::shared_ptr<progress> find_projection(std::string_view name) const;
  [[nodiscard]] result<versions> versions_of(version_calls calls) const;
  [[nodiscard]] result<std::vector<replacement>> plan_rebuilds();
  void begin_rebuilds(const std::vector<replacement>& replacements);
  void rebuild(const std::stop_token& cancelled, progress& fresh, const std::vector<std::shared_ptr<progress>>& older);
  void retire(progress& shown);

  const storage stores_;
  runtime_options options_;

  std::unordered_set<const aggregate_definition*> aggregates_;
  std::vector<reaction_definition> reactions_;
  std::vector<projection_definition> projections_;
  std::vector<deadlines_definition> deadlines_;
  std::vector<reaction_definition> subscriptions_;
  std::atomic<bool> started_ = false;

  std::shared_ptr<running> running_;  // shared with those who look at it while another thread stops the runtime
  mutable std::mutex consumers_mutex_;
  std::vector<consumer> consumers_;
  std::size_t subscription_count_ = 0;

  std::mutex stop_mutex_;                                      // held while the runtime starts or stops
  std::map<std::string, std::jthread, std::less<>> rebuilds_;  // guarded by stop_mutex_; by the new projection's name
  std::atomic<bool> accepting_ = false;
  std::atomic<std::size_t> in_flight_ = 0;
  mutable std::mutex answered_mutex_;
  mutable std::condition_variable answered_;  // in_flight_ has become 0, or less than the limit
  std::atomic<std::size_t> waiting_for_room_ = 0;
};

}  // namespace tyto::detail
