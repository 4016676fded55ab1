// One consumer. Events come in by mailbox from the event bus, or from the journal when it is behind; commands that
// follow from them go to aggregates; when they are answered, the checkpoint moves on.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "actor/host.hpp"
#include "command_sender.hpp"
#include "consumer/consumer_handler.hpp"
#include "consumer/parked_events.hpp"
#include "consumer/partition.hpp"
#include "consumer/progress.hpp"
#include "health_board.hpp"
#include "journal/event_bus.hpp"
#include "messages.hpp"

namespace tyto::detail {

/// What all consumers of a runtime share; outlives them.
struct consumer_surroundings {
  const event_store& journal;
  event_bus& bus;
  host& runs_on;
  command_sender& sender;
  std::function<void(std::string_view)> log;
  std::size_t max_batch;
  std::chrono::milliseconds min_backoff;
  std::chrono::milliseconds max_backoff;
  health_board& health;
};

/// An event that is handled alone, or that has just failed.
struct event_in_hand {
  std::uint64_t position = 0;
  std::string key;
  std::string persistence_id;
  std::string type;
  bool is_first = false;  // in its batch, so that nothing else is given up with it
};

/// Dead letters that are being released, one after the other.
struct release_in_hand {
  release_parked request;
  std::vector<std::uint64_t> left;  // positions, the last one first
  std::uint64_t position = 0;       // the one in hand
  bool is_dealt_with = false;       // handled or given up, and only has to go on record
  std::set<std::string, std::less<>> failed_keys;
  std::size_t released = 0;
  std::optional<error> failed;
};

/// Takes a batch of events, hands each to its handler, waits until every command is answered, commits, asks for more.
/// When anything fails, the batch is abandoned and tried again from the last commit, event by event until the one that
/// failed is through: nothing is skipped, and commands that had already run are not run again, since their ids are
/// derived from consumer, position and index. An event that fails too often is dealt with as the consumer's
/// failure_policy says: parked and skipped ones go on record in the journal before the checkpoint passes them.
class consumer_actor final : public actor_of<consumer_message> {
 public:
  consumer_actor(const consumer_surroundings& around, partition part, std::unique_ptr<consumer_handler> handler,
                 std::shared_ptr<progress> shown);

 protected:
  void on(consumer_message message) override;

 private:
  enum class phase : std::uint8_t {
    starting,     // looks up its checkpoint; next: waiting, backing_off
    waiting,      // has asked for events; next: committing, releasing, paused
    paused,       // takes nothing until it is resumed; next: waiting
    committing,   // has handled a batch, waits for answers to its commands; next: waiting, backing_off
    releasing,    // handles dead letters again, one by one; next: waiting
    backing_off,  // something failed; next: starting, waiting
    halted,       // an event failed too often, and the policy is to stop; next: waiting, when it is resumed, stopped
    stopped,
  };

  void start();
  void ask_for_more();
  void take(const delivery& delivered);
  void read_journal();
  void take_unreadable(const error& why);
  [[nodiscard]] std::optional<recorded_event> find_unreadable() const;
  void note_time_at(std::uint64_t position);
  void handle(const std::vector<const recorded_event*>& batch, std::uint64_t end);
  void send(const recorded_event& event, commands sent);
  void send(commands sent, const std::string& cause, const metadata& event,
            const std::shared_ptr<const metadata>& told_of_refusals);
  void dispatch(outgoing_command command, command_options options,
                std::shared_ptr<const metadata> told_of_refusals = nullptr);
  void record(consumer_record::command what, std::uint64_t position);
  [[nodiscard]] bool is_mine(const recorded_event& event) const;
  bool park_behind_another(const recorded_event& event);
  void answered(command_answered answer);
  void refused(const command_answered& answer);
  void commit();
  void save_soon();
  void save_now();
  void fail(const error& why);
  [[nodiscard]] bool has_failed_too_often(const error& why);
  void give_up(const error& why);
  void halt(const error& why);
  void show_parked();
  [[nodiscard]] std::string letters_subject() const;

  // In consumer_releasing.cpp.
  void take(release_parked request);
  [[nodiscard]] std::vector<std::uint64_t> letters_for(const release_parked& request) const;
  [[nodiscard]] bool can_release() const;
  [[nodiscard]] error cannot_release_now() const;
  void finish_letter_of_last_run();
  void begin_releasing();
  void release_next();
  void release(std::uint64_t position);
  void handle_again(std::uint64_t position);
  void record_release(bool discarded);
  void released();
  void release_failed(const error& why);
  void finish_releasing();

  void take(report_when_past request);
  void report();

  void take(pause_consumer request);
  void resume();
  void take(reset_consumer request);
  void reset();
  [[nodiscard]] bool is_busy() const;
  void try_again();
  void stop(stop_actor request);
  void finish_stopping();

  [[nodiscard]] std::size_t batch_limit() const;

  const consumer_surroundings& around_;
  const partition part_;
  const std::string name_;
  const std::string subject_;  // what health() calls it
  const std::unique_ptr<consumer_handler> handler_;
  const event_filter wanted_;
  const std::chrono::microseconds busy_wait_;
  const std::shared_ptr<progress> shown_;

  phase phase_ = phase::starting;
  std::uint64_t position_ = 0;          // done with the events up to here
  timestamp event_time_;                // of the last event that has been seen
  std::uint64_t batch_end_ = 0;         // the batch in hand goes up to here
  std::uint64_t trouble_position_ = 0;  // up to here event by event
  std::uint64_t attempt_ = 0;           // tells answers to this attempt's commands from older ones
  std::size_t unanswered_ = 0;
  std::optional<error> failed_command_;
  std::chrono::milliseconds backoff_{0};
  std::optional<stop_actor> stop_request_;
  bool has_started_ = false;  // it has found out where it is
  bool is_paused_ = false;
  std::vector<pause_consumer> pause_requests_;     // until it has nothing in hand
  std::vector<reset_consumer> reset_requests_;     // likewise
  std::vector<report_when_past> report_requests_;  // those that are not answered yet
  bool save_is_coming_ = false;

  std::optional<event_in_hand> in_hand_;
  std::uint64_t failing_position_ = 0;
  std::uint32_t failed_attempts_ = 0;  // of the event at failing_position_

  parked_events parked_;
  std::vector<std::pair<std::uint64_t, std::string>> to_park_;  // with the batch in hand: positions and keys
  std::uint64_t parking_position_ = 0;  // up to here some may be on record as parked, of batches that failed

  std::deque<release_parked> release_requests_;
  std::optional<release_in_hand> releasing_;
};

}  // namespace tyto::detail
