// One consumer. Events come in by mailbox from the event bus, or from the journal when it is behind; commands that
// follow from them go to aggregates; when they are answered, the checkpoint moves on.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
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
#include "consumer/sent_batch.hpp"
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

/// An event, or a part of one, that is handled alone, or that has just failed.
struct event_in_hand {
  delivery_id id;
  event_key key;
  std::string persistence_id;
  std::string type;
  bool is_first = false;  // in its batch, so that nothing else is given up with it
};

/// How often an event, or a part of one, has failed that is not passed yet.
struct failed_delivery {
  std::uint32_t attempts = 0;
  std::uint64_t last_attempt = 0;  // the number of the consumer's attempt in which it failed
  error why;                       // the last time
};

/// A command of the batch in hand.
struct command_in_hand {
  std::optional<delivery_id> cause;               // what it follows from; none for an entry in the consumer's record
  std::shared_ptr<const metadata> followed_from;  // that event, if the handler hears of refusals
  bool expects_version = false;
  refused_command if_refused;
};

/// A dead letter that is being released.
struct letter_in_hand {
  delivery_id id;
  std::string key;
  std::vector<recorded_event> events = {};  // what it stands for, once it has been read
  bool is_gone = false;                     // there is nothing to handle: it was removed, or is not wanted any more
  bool has_failed = false;
};

/// Dead letters that are being released, some at a time.
struct release_in_hand {
  release_parked request;
  delivery_id seen_to = {};  // those up to here have had their turn
  std::vector<letter_in_hand> batch = {};
  bool is_dealt_with = false;  // the batch is handled or given up, and only has to go on record
  bool gives_way = false;      // other events come before the next batch
  std::set<std::string, std::less<>> failed_keys = {};
  std::size_t released = 0;
  std::optional<error> failed = {};
  bool is_over = false;  // the storage has failed
};

/// Takes a batch of events, hands each to its handler, sends the commands that follow together, commits when all are
/// answered, asks for more. When anything fails, the batch is abandoned and tried again from the last commit, event by
/// event until the one that failed is through: nothing is skipped, and commands that had already run are not run again,
/// since their ids are derived from consumer, position, part and index. An event that fails too often is dealt with as
/// the consumer's failure_policy says: parked and skipped ones go on record in the journal before the checkpoint passes
/// them. Of an event that an upcaster has split, each part is given up, waits and is released for itself.
class consumer_actor final : public actor_of<consumer_message> {
 public:
  consumer_actor(const consumer_surroundings& around, partition part, std::unique_ptr<consumer_handler> handler,
                 std::shared_ptr<progress> shown);

 protected:
  void on(consumer_message&& message) override;
  [[nodiscard]] lent_to takes_threads_lent_to() const override {
    return handler_->definition().never_blocks ? lent_to::quick_handlers : lent_to::nobody;
  }

 private:
  enum class phase : std::uint8_t {
    starting,     // looks up its checkpoint; next: waiting, backing_off
    waiting,      // has asked for events; next: committing, releasing, paused
    paused,       // takes nothing until it is resumed; next: waiting
    committing,   // has handled a batch, waits for answers to its commands; next: waiting, backing_off
    releasing,    // handles some dead letters again; next: waiting
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
  void add(const recorded_event& event, commands follow);
  void add(commands follow, const std::string& cause, const metadata& event,
           const std::shared_ptr<const metadata>& told_of_refusals);
  void add(outgoing_command command, command_options options, const std::optional<delivery_id>& cause,
           std::shared_ptr<const metadata> told_of_refusals);
  void record(consumer_record::command what, const delivery_id& about);
  void send();
  [[nodiscard]] bool is_mine(const recorded_event& event) const;
  bool pass_over(const recorded_event& event);
  void take(const commands_answered& all);
  void refused(const command_in_hand& command, rejection why);
  void note_failure(const std::optional<delivery_id>& cause, const error& why);
  [[nodiscard]] error sending_failed(const error& why) const;
  void commit();
  void save_soon();
  void save_now();
  void fail(const error& why);
  void abandon();
  void count_failure(const delivery_id& event, const error& why);
  [[nodiscard]] bool has_failed_too_often(const delivery_id& event) const;
  void give_up();
  void halt(const error& why);
  void show_parked();
  [[nodiscard]] std::string letters_subject() const;

  // In consumer_releasing.cpp.
  void take(release_parked request);
  [[nodiscard]] bool can_release() const;
  [[nodiscard]] error cannot_release_now() const;
  void refuse_releases(const error& why);
  void finish_letters_of_last_run();
  [[nodiscard]] std::vector<letter_in_hand> next_letters(std::size_t most) const;
  void release_next();
  void handle_again();
  void read_letters();
  std::optional<failed_event> handle_letters(const std::function<void(const letter_in_hand&)>& end_after,
                                             std::vector<std::pair<const recorded_event*, commands>>& follow);
  void fail_letter(const metadata& event, const error& why);
  void fail_letters(letter_in_hand& first, const error& why);
  void letters_answered();
  void record_releases();
  void released();
  void end_release(const error& why);
  void end_batch();
  [[nodiscard]] std::string releasing_what() const;

  void take(report_when_past request);
  void report();

  void take(pause_consumer request);
  void resume();
  void take(reset_consumer request);
  void reset();
  [[nodiscard]] bool is_busy() const;
  void try_again(retry asked);
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
  std::uint64_t retries_ = 0;           // how many have been set
  std::uint64_t attempt_ = 0;           // how many batches were in hand, those that failed too
  std::optional<error> failed_command_;
  std::chrono::milliseconds backoff_{0};
  std::optional<stop_actor> stop_request_;
  bool has_started_ = false;  // it has found out where it is
  bool is_paused_ = false;
  std::vector<pause_consumer> pause_requests_;     // until it has nothing in hand
  std::vector<reset_consumer> reset_requests_;     // likewise
  std::vector<report_when_past> report_requests_;  // those that are not answered yet
  bool save_is_coming_ = false;

  std::vector<command_to_send> to_send_;  // what the batch in hand has led to
  std::vector<command_in_hand> sent_;     // the same, until it is answered

  std::optional<event_in_hand> in_hand_;
  std::vector<event_in_hand> alone_;  // the event that is handled alone, or its parts
  std::map<delivery_id, failed_delivery> failed_;

  parked_events parked_;
  std::vector<std::pair<delivery_id, event_key>> to_park_;  // with the batch in hand, and their keys
  std::uint64_t parking_position_ = 0;  // up to here some may be on record as parked, of batches that failed
  std::optional<delivery_id> to_skip_;  // likewise, once that is on record
  std::vector<delivery_id> skipped_;    // on record as such, and not passed yet

  std::deque<release_parked> release_requests_;
  std::optional<release_in_hand> releasing_;
};

}  // namespace tyto::detail
