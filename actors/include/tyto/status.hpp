// How a runtime and its consumers are doing, as status() and health() show it.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tyto/clock.hpp"
#include "tyto/result.hpp"

namespace tyto {

enum class consumer_state : std::uint8_t {
  starting,  // looking up its checkpoint; next: running
  running,   // taking events as they come; next: paused, failing, stopped
  paused,    // takes nothing until it is resumed, see runtime::pause(); next: running, stopped
  failing,   // the event after its position failed; it will be tried again; next: running, paused, halted, stopped
  halted,    // the event after its position failed too often, and its policy is to stop; next: running, stopped
  stopped,
};

/// Returns the state's name, for example "running".
std::string_view name(consumer_state state);

/// How one consumer is doing, or one of its partitions.
struct consumer_status {
  std::string name;      // a partition's is "billing[2/4]"
  std::string consumer;  // the name that pause(), dead_letters() and the others take, "billing"
  consumer_state state = consumer_state::starting;
  std::uint64_t position = 0;  // it is done with the events up to here
  std::uint64_t lag = 0;       // events behind the head of the journal
  /// While it is behind: how old the last event is that it is done with. Else 0.
  std::chrono::microseconds lag_time{0};
  double events_per_second = 0;  // of the journal that it passes, over the last five to ten seconds
  std::uint64_t failures = 0;    // how often a handler, a command or a commit failed
  std::uint64_t parked = 0;      // its dead letters
  std::string last_error;        // of those, the last, printable(); empty if none
  /// How often a command of its own was refused: rejected, or its aggregate was not at the expected version. A batch
  /// that is tried again counts again.
  std::uint64_t refused = 0;
  std::string last_refusal;  // of those, the last: to whom, and the reason, printable(); empty if none
};

/// A consumer that the storage knows and that was not registered with the runtime: its name was misspelt or changed, or
/// it is no longer wanted.
struct unregistered_consumer {
  std::string name;
  std::uint64_t position = 0;  // it was done with the events up to here
  std::uint64_t parked = 0;    // its dead letters
};

/// What aggregates have done since start(), for callers and for consumers.
struct command_counts {
  std::uint64_t commands = 0;        // that have reached their aggregates
  std::uint64_t rejections = 0;      // of these, how many the domain has rejected
  std::uint64_t conflicts = 0;       // how many found another version than they expected
  std::uint64_t repetitions = 0;     // how many had an id that was known, and got the first one's outcome
  std::uint64_t recoveries = 0;      // how often an aggregate was brought back from storage, or tried to be
  std::uint64_t snapshots_used = 0;  // of these, how often a snapshot shortened it
};

/// How many things there were of which size: [0] of 0 or 1, [i] of 2^i and more, but less than 2^(i+1), the last one
/// also of more.
struct size_counts {
  std::array<std::uint64_t, 24> of{};
  std::uint64_t sum = 0;  // of all sizes

  void add(std::uint64_t size) {
    const auto power = static_cast<std::size_t>(std::bit_width(size | 1)) - 1;
    ++of[power < of.size() ? power : of.size() - 1];
    sum += size;
  }
  friend bool operator==(const size_counts&, const size_counts&) = default;
};

struct runtime_status {
  std::uint64_t head = 0;     // the position of the last durable event
  std::uint64_t commits = 0;  // transactions with events since start()
  command_counts aggregates;
  size_counts commit_events;  // of these, the events
  size_counts commit_times;   // and how long each took until it was durable, in microseconds
  std::size_t live_aggregates = 0;
  std::size_t commands_in_flight = 0;  // from callers, not from reactions
  std::vector<consumer_status> consumers;
  std::vector<unregistered_consumer> unregistered;  // as they were at start()
};

/// Something that does not work at the moment and is tried again, or waits for someone.
struct health_problem {
  std::string subject;  // "journal", "files of the journal", "readers of the read models", "snapshots", "consumer
                        // 'billing'", "dead letters of 'billing'", "stall of 'billing'", "deadline 'payment' of
                        // checkout|7", "deadlines of 'checkout'" (that are held), or an aggregate's persistence id
  error why;            // the last failure
  timestamp since;
  std::uint64_t times = 1;
};

/// What does not work at the moment. What works again is no longer listed.
struct health_report {
  std::vector<health_problem> problems;
  std::uint64_t unlisted = 0;  // subjects besides the 1,000 that are listed; at most 100,000 are counted

  [[nodiscard]] bool is_healthy() const { return problems.empty() && unlisted == 0; }
};

}  // namespace tyto
