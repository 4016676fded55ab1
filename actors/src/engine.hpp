// The runtime's inside: makes actors of the domain, wires them to the storage and to each other, starts and stops them
// in order. What callers ask for goes from here to whoever does it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actor/host.hpp"
#include "aggregate/aggregate_actor.hpp"
#include "aggregate/directory.hpp"
#include "aggregate/directory_sender.hpp"
#include "aggregate/housekeeper.hpp"
#include "aggregate/snapshot_writer.hpp"
#include "consumer/consumer_actor.hpp"
#include "consumer/roster.hpp"
#include "consumer/subscriber.hpp"
#include "consumer/watchdog.hpp"
#include "control/control_server.hpp"
#include "control/controlled.hpp"
#include "deadline/alarm_clock.hpp"
#include "domain.hpp"
#include "gate.hpp"
#include "health_board.hpp"
#include "journal/committer.hpp"
#include "journal/event_bus.hpp"
#include "journal/storage_watch.hpp"
#include "reading/reading.hpp"
#include "reading/rebuilds.hpp"
#include "storage_claim.hpp"
#include "tyto/detail/owner_process.hpp"
#include "tyto/question.hpp"
#include "tyto/runtime_options.hpp"
#include "tyto/status.hpp"
#include "tyto/storage.hpp"
#include "tyto/subscription.hpp"

namespace tyto::detail {

class engine final : public controlled {
 public:
  engine(storage stores, runtime_options options);
  ~engine() override;
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  /// Returns what start() will make actors of, to add to it. Throws std::logic_error after start().
  [[nodiscard]] domain& registered();
  subscription subscribe(reaction_definition definition);

  result<void> start();
  result<void> stop();
  /// Whether this process made it, and not the parent of a forked child: there are no threads to stop there.
  [[nodiscard]] bool is_of_this_process() const { return owner_.is_this(); }
  /// Returns whether the calling thread is in one of the handlers that stop() waits for.
  [[nodiscard]] bool runs_here() const;

  /// Runs a caller's command; `done` is called once. A caller that `waits` for it lends its
  /// thread to the shard and the committer, so that no other needs to wake up.
  void submit(outgoing_command command, command_options options, command_reply::function done, bool waits);

  result<void> ask(version_calls calls, query_options options) const;
  result<void> ask_together(const std::vector<version_calls>& calls, query_options options) const;
  result<live_query> watch(version_calls calls, std::function<void()> tell) const;
  result<void> cancel_rebuild(std::string_view projection);
  result<void> caught_up(std::chrono::milliseconds timeout) const;
  result<void> settle(std::chrono::milliseconds timeout) const;
  void check_clock() const;
  [[nodiscard]] const storage& stores() const { return stores_; }

  [[nodiscard]] bool is_running() const override { return gate_.is_open(); }
  [[nodiscard]] runtime_status status() const override;
  [[nodiscard]] health_report health() const override;
  [[nodiscard]] result<std::vector<dead_letter>> dead_letters(std::string_view of) const override;
  result<std::size_t> replay_dead_letters(std::string_view of, std::optional<std::string> key) override;
  result<std::size_t> discard_dead_letter(std::string_view of, std::uint64_t position) override;
  result<void> pause(std::string_view consumer, std::chrono::milliseconds timeout) override;
  result<void> resume(std::string_view consumer) override;
  result<void> reset(std::string_view consumer) override;
  result<void> change_stream(std::string_view persistence_id, retention what) override;

 private:
  /// Everything that exists while the runtime runs.
  struct running {
    running(const storage& stores, const runtime_options& options, std::uint64_t head, const domain& registered,
            const roster& consumers);

    std::unique_ptr<host> actors;
    health_board health;
    event_bus bus;
    address<committer_message> commits;
    snapshot_queue snapshots;
    aggregate_surroundings around_aggregates;
    directory aggregates;
    directory_sender sender;
    consumer_surroundings around_consumers;
    alarm_surroundings around_alarms;
    address<housekeeper_message> housekeeping;
    address<watchdog_message> watching;
    address<storage_watch_message> storage_watching;
    std::vector<address<alarm_message>> alarms;
  };

  [[nodiscard]] std::shared_ptr<running> current() const;
  [[nodiscard]] bool has_control_socket() const;
  [[nodiscard]] result<void> try_threads_for(const std::vector<projection_definition>& projections) const;
  void spawn_reaction(running& in, const reaction_definition& definition, const std::vector<partition>& shares);
  void spawn_projection(running& in, projection_definition definition);
  void spawn_deadlines(running& in, deadlines_definition definition);
  std::uint64_t spawn_consumer(running& in, std::unique_ptr<consumer_handler> handler, std::shared_ptr<progress> shown,
                               const partition& share = {});
  void spawn_subscription(running& in, subscriber& of);
  [[nodiscard]] result<versions> versions_of(version_calls calls) const;
  [[nodiscard]] result<std::vector<unregistered_consumer>> find_unregistered() const;
  result<std::size_t> release(std::string_view of, const release_parked& request);
  result<void> post_to(std::string_view consumer, const std::string& doing,
                       const std::function<void(const address<consumer_message>&)>& post);

  const owner_process owner_;
  const storage stores_;
  runtime_options options_;
  domain domain_;
  gate gate_;
  const std::shared_ptr<roster> consumers_;
  rebuilds rebuilds_;

  std::mutex stop_mutex_;  // held while the runtime starts or stops; guards control_
  std::unique_ptr<control_server> control_;
  mutable std::mutex mutex_;  // guards what follows
  std::atomic<bool> started_ = false;
  storage_claim claim_;               // while it runs
  std::shared_ptr<running> running_;  // shared with those who look at it while another thread stops the runtime
  std::vector<std::shared_ptr<subscriber>> subscribers_;  // until start()
  std::size_t subscription_count_ = 0;
  std::vector<unregistered_consumer> unregistered_;
};

}  // namespace tyto::detail
