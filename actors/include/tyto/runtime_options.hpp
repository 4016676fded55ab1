// What a runtime is given besides its storage and its domain: limits, clock, log.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

#include "tyto/clock.hpp"
#include "tyto/id_source.hpp"
#include "tyto/result.hpp"

namespace tyto {

struct runtime_options {
  /// Stamps events. Affects behaviour.
  std::shared_ptr<const clock> time = system_clock();

  /// Makes the correlation id of commands that come with none. Affects behaviour.
  std::shared_ptr<const id_source> ids = random_ids();

  /// Called with a line of text, printable(), when a person should know something, from any thread. The default writes
  /// to stderr. Must not block for long.
  std::function<void(std::string_view line)> log = {};

  /// Commands that callers may have in flight at once. What happens to one more is the caller's choice, see
  /// command_options::when_full. Bounds memory: what waits anywhere on its way to the disk is one of these, or one of
  /// the commands that a reaction has sent for the events it has in hand.
  std::size_t max_commands_in_flight = 65'536;

  /// Commands that one aggregate may have in hand; one more is answered with errc::overloaded. Bounds memory.
  std::size_t max_commands_per_aggregate = 16'384;

  /// How many command ids an aggregate remembers, the latest ones: so long is a repeated command recognised. At least
  /// max_commands_per_aggregate are. Should exceed what one reaction may send to one aggregate for
  /// max_recent_events, so that a repetition after a crash changes nothing. Affects behaviour, and memory.
  std::size_t command_id_window = 65'536;

  /// About how many aggregates stay in memory; beyond it the least recently used ones leave. Bounds memory.
  std::size_t max_live_aggregates = 100'000;

  /// How long an aggregate stays in memory without a command; the next one brings it back by replay. 0: for ever.
  std::chrono::milliseconds passivate_after = std::chrono::minutes{10};

  /// Threads that aggregates share, at most 1,024; 0 for one per core. Affects performance.
  std::size_t worker_threads = 0;

  /// The most events that one transaction takes. Affects performance: the latency of a commit under full load.
  std::size_t max_commit_events = 4'096;

  /// The most events that are kept in memory for consumers which have yet to ask for them; one that falls further
  /// behind reads from the journal. Bounds memory.
  std::size_t max_recent_events = 4'096;

  /// The most events that a consumer takes at once: what it reads into memory and what a projection commits together.
  /// At most 1,000,000.
  std::size_t max_consumer_batch = 1'024;

  /// A consumer that is behind and has not moved for so long is listed by health(), for its handler may hang. 0: never.
  std::chrono::milliseconds stall_after = std::chrono::seconds{30};

  /// How long a failing consumer waits before it tries again: from the first to the second figure, doubling.
  std::chrono::milliseconds min_backoff{10};
  std::chrono::milliseconds max_backoff{5'000};

  /// The file of a Unix-domain socket, as a rule `control.sock` in the storage's directory, on which other processes of
  /// the same user, or of the superuser, see how the runtime is doing and act on consumers: with `control_client`, or
  /// as in docs/control-socket.md. start() makes it, and stop() removes it. The path may be of any length, its last
  /// name of 80 bytes. Empty: none. In a simulated world there is none either.
  std::filesystem::path control_socket = {};

  /// Fails with errc::invalid_argument, naming an option that cannot be used. start() asks it.
  [[nodiscard]] result<void> check() const;
};

}  // namespace tyto
