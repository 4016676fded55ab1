// How events and answers get into the mailboxes of users' CAF actors. A subscription is a consumer like any other,
// whose handler waits for room in the actor's mailbox; a live query's callback only leaves a note. What CAF 1.x does
// differently is a few lines here: sending, and the registration of two message types.
#include "tyto/caf.hpp"

#include <algorithm>
#include <atomic>
#include <caf/abstract_actor.hpp>
#include <caf/actor.hpp>
#include <caf/actor_cast.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/actor_system.hpp>
#include <caf/logger.hpp>
#include <caf/send.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>

namespace tyto::detail {
namespace {

// The way to an actor of the user's, which may end at any time, and its actor_system after it. Shared by whoever sends
// and the actor.
class actor_route {
 public:
  actor_route(const caf::actor& actor, std::function<void()> on_end)
      : on_end_(std::move(on_end)), actor_(caf::actor_cast<caf::weak_actor_ptr>(actor)) {}

  [[nodiscard]] bool has_ended() const { return has_ended_; }

  // Calls `use(const caf::actor&)` unless the actor has ended. It must not block: the actor cannot finish ending
  // meanwhile, see cut(), so that its actor_system is there all the time.
  template <class Use>
  void with_actor(Use use) {
    caf::actor held;  // goes after the lock: it may be the last handle, and then the actor ends here
    {
      const std::lock_guard lock{mutex_};
      held = caf::actor_cast<caf::actor>(actor_);
      if (held) use(held);
    }
  }

  // The actor is ending, and waits for this.
  void cut() {
    {
      const std::lock_guard lock{mutex_};
      actor_ = nullptr;
      has_ended_ = true;
    }
    if (on_end_) on_end_();
  }

 private:
  const std::function<void()> on_end_;
  std::mutex mutex_;
  caf::weak_actor_ptr actor_;
  std::atomic<bool> has_ended_ = false;
};

// What the actor keeps of a route as long as there is someone who sends: CAF calls it when the actor ends.
class route_end final : public caf::attachable {
 public:
  explicit route_end(std::shared_ptr<actor_route> of) : of_(std::move(of)) {}

  static token of(const actor_route& route) { return {token::anonymous, &route}; }

  void actor_exited(const caf::error&, caf::execution_unit*) override { of_->cut(); }
  bool matches(const token& what) override { return what.subtype == token::anonymous && what.ptr == of_.get(); }

 private:
  const std::shared_ptr<actor_route> of_;
};

// Sends to an actor, without keeping it alive.
class actor_link {
 public:
  // Calls `on_end` when the actor has ended, from any thread.
  explicit actor_link(const caf::actor& actor, std::function<void()> on_end = {}) {
    if (!actor) throw std::invalid_argument("tyto: the handle of the CAF actor is invalid");
    if (actor.node() != actor.home_system().node()) {
      throw std::invalid_argument("tyto: the CAF actor is in another process; events are for actors in this one");
    }
    name_ = "CAF actor " + std::to_string(actor.id());
    route_ = std::make_shared<actor_route>(actor, std::move(on_end));
    actor->attach(std::make_unique<route_end>(route_));
  }
  actor_link(const actor_link&) = delete;
  actor_link& operator=(const actor_link&) = delete;
  // An actor may live long and have many live queries, so none leaves anything behind.
  ~actor_link() {
    route_->with_actor([this](const caf::actor& actor) { actor->detach(route_end::of(*route_)); });
  }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool has_ended() const { return route_->has_ended(); }

  // Never blocks. For the runtime's threads.
  template <class Message>
  void send(Message message) const {
    route_->with_actor([&message](const caf::actor& actor) { caf::anon_send(actor, std::move(message)); });
    // If the actor has ended here, what it did then may have left this thread with a hold on its actor_system.
    if (has_ended()) caf::logger::set_current_actor_system(nullptr);
  }

 private:
  std::string name_;
  std::shared_ptr<actor_route> route_;
};

// Counts the events in an actor's hands. Outlives the subscription as long as one of them is left.
class mailbox_room {
 public:
  explicit mailbox_room(std::size_t limit) : limit_(limit) {}

  // Waits for room, no longer than `patience`; returns whether there was some, and takes it.
  bool take(std::chrono::milliseconds patience) {
    std::unique_lock lock{mutex_};
    if (!changed_.wait_for(lock, patience, [this] { return taken_ < limit_ || is_closed_; })) return false;
    ++taken_;
    return true;
  }

  void give_back() {
    const std::lock_guard lock{mutex_};
    --taken_;
    changed_.notify_one();
  }

  // From here on there is always room.
  void close() {
    const std::lock_guard lock{mutex_};
    is_closed_ = true;
    changed_.notify_one();
  }

 private:
  const std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t taken_ = 0;
  bool is_closed_ = false;
};

// Room for one event, given back at its end.
class place_in_mailbox {
 public:
  explicit place_in_mailbox(std::shared_ptr<mailbox_room> of) : of_(std::move(of)) {}
  place_in_mailbox(place_in_mailbox&&) = default;
  place_in_mailbox(const place_in_mailbox&) = delete;
  place_in_mailbox& operator=(const place_in_mailbox&) = delete;
  place_in_mailbox& operator=(place_in_mailbox&&) = delete;
  ~place_in_mailbox() {
    if (of_) of_->give_back();
  }

 private:
  std::shared_ptr<mailbox_room> of_;
};

}  // namespace

class event_in_mailbox {
 public:
  event_in_mailbox(place_in_mailbox in, const event_type& type, std::shared_ptr<const void> value, metadata meta)
      : place_(std::move(in)), type_(type), value_(std::move(value)), meta_(std::move(meta)) {}

  [[nodiscard]] std::shared_ptr<const void> value(const event_type& type) const {
    return &type == &type_ ? value_ : nullptr;
  }
  [[nodiscard]] const metadata& meta() const { return meta_; }

 private:
  const place_in_mailbox place_;
  const event_type& type_;
  const std::shared_ptr<const void> value_;
  const metadata meta_;
};

namespace {

// The handler of a subscription; used by its consumer's thread alone.
class event_sender {
 public:
  /// Calls `on_end` when the actor has ended, from any thread.
  event_sender(const caf::actor& to, const mailbox_options& options, std::function<void()> on_end)
      : patience_(std::min<std::chrono::milliseconds>(options.patience, std::chrono::years{1})),  // or sums overflow
        limit_(options.max_unhandled),
        room_(std::make_shared<mailbox_room>(limit_)),
        to_(to, [room = room_, on_end = std::move(on_end)] {
          room->close();
          on_end();
        }) {}

  [[nodiscard]] std::string name_of_receiver() const { return to_.name(); }

  result<commands> send(const wanted_event& wanted, const recorded_event& event) {
    if (to_.has_ended()) return commands{};
    // After a failure events come again that were sent before it.
    const std::pair here{event.meta.position, event.meta.part};
    if (last_sent_ >= here) return commands{};
    auto value = wanted.read(event);
    if (!value) return std::move(value).error();
    if (!room_->take(patience_)) return no_room_for(event.meta);
    place_in_mailbox place{room_};
    to_.send(event_message{
        std::make_shared<const event_in_mailbox>(std::move(place), *wanted.type, *std::move(value), event.meta)});
    last_sent_ = here;
    return commands{};
  }

 private:
  [[nodiscard]] error no_room_for(const metadata& meta) const {
    return {errc::overloaded,
            "sending the event at position " + std::to_string(meta.position) + " (" + meta.persistence_id + ", " +
                meta.type + ") to " + to_.name(),
            "the actor has " + std::to_string(limit_) + " events in hand and got none done in " +
                std::to_string(patience_.count()) + " ms"};
  }

  const std::chrono::milliseconds patience_;
  const std::size_t limit_;
  const std::shared_ptr<mailbox_room> room_;
  const actor_link to_;
  std::optional<std::pair<std::uint64_t, std::uint32_t>> last_sent_;  // position and part
};

// Ends a subscription when its actor has ended, which may be before there is a subscription to end.
class ending {
 public:
  void actor_has_ended() {
    const std::lock_guard lock{mutex_};
    has_ended_ = true;
    of_.end_soon();
  }

  void is_of(const subscription& started) {
    const std::lock_guard lock{mutex_};
    of_ = started;
    if (has_ended_) of_.end_soon();
  }

 private:
  std::mutex mutex_;
  subscription of_;
  bool has_ended_ = false;
};

}  // namespace

subscription subscribe_actor(runtime& rt, const caf::actor& to, const std::vector<wanted_event>& types,
                             const mailbox_options& options) {
  if (options.max_unhandled == 0) throw std::invalid_argument("tyto: mailbox_options::max_unhandled is 0");
  const auto with_the_actor = std::make_shared<ending>();
  auto sender = std::make_shared<event_sender>(to, options, [with_the_actor] { with_the_actor->actor_has_ended(); });
  reaction_definition made{};
  made.name = sender->name_of_receiver();
  for (const auto& each : types) {
    made.handlers.emplace(each.type->name,
                          [sender, each](const recorded_event& event) { return sender->send(each, event); });
  }
  auto started = rt.subscribe(std::move(made));
  with_the_actor->is_of(started);
  return started;
}

namespace {

// Where the newest answer of a live query lies until the actor looks at it.
class answer_slot {
 public:
  answer_slot(const std::type_info& asked, std::shared_ptr<const void> question)
      : asked_(asked), question_(std::move(question)) {}

  [[nodiscard]] const std::type_info& asked() const { return asked_; }
  [[nodiscard]] const void* question() const { return question_.get(); }

  // Returns whether the actor must be told, for no message is out that has not been looked at.
  bool put(std::shared_ptr<const void>& answer) {
    const std::lock_guard lock{mutex_};
    newest_.swap(answer);
    return !is_told_;
  }

  void told() {
    const std::lock_guard lock{mutex_};
    is_told_ = true;
  }

  // Returns the newest answer; the actor must be told of the next one.
  std::shared_ptr<const void> take() {
    const std::lock_guard lock{mutex_};
    is_told_ = false;
    return newest_;
  }

 private:
  const std::type_info& asked_;
  const std::shared_ptr<const void> question_;
  std::mutex mutex_;
  std::shared_ptr<const void> newest_;
  bool is_told_ = false;
};

}  // namespace

class answer_in_mailbox {
 public:
  explicit answer_in_mailbox(std::shared_ptr<answer_slot> from) : from_(std::move(from)) { from_->told(); }
  answer_in_mailbox(const answer_in_mailbox&) = delete;
  answer_in_mailbox& operator=(const answer_in_mailbox&) = delete;
  ~answer_in_mailbox() { (void)answer(); }  // one that nobody has looked at is done with, too

  [[nodiscard]] const answer_slot& from() const { return *from_; }
  [[nodiscard]] const void* answer() const {
    std::call_once(looked_at_, [this] { answer_ = from_->take(); });
    return answer_.get();
  }

 private:
  const std::shared_ptr<answer_slot> from_;
  mutable std::once_flag looked_at_;
  mutable std::shared_ptr<const void> answer_;
};

namespace {

// The callback of a live query.
class answer_sender {
 public:
  answer_sender(const caf::actor& to, const std::type_info& asked, std::shared_ptr<const void> question)
      : slot_(std::make_shared<answer_slot>(asked, std::move(question))), to_(to) {}

  // Never blocks: the actor may wait for it, when it destroys its live_query.
  void send(std::shared_ptr<const void> answer) {
    if (to_.has_ended()) return;
    if (slot_->put(answer)) to_.send(answer_message{std::make_shared<const answer_in_mailbox>(slot_)});
  }

 private:
  const std::shared_ptr<answer_slot> slot_;  // shared with messages
  const actor_link to_;
};

}  // namespace

std::function<void(std::shared_ptr<const void>)> answers_to(const caf::actor& actor, const std::type_info& asked,
                                                            std::shared_ptr<const void> question) {
  return [sender = std::make_shared<answer_sender>(actor, asked, std::move(question))](
             std::shared_ptr<const void> answer) { sender->send(std::move(answer)); };
}

}  // namespace tyto::detail

namespace tyto {

const metadata& event_message::meta() const {
  static const metadata none;
  return body_ ? body_->meta() : none;
}

std::shared_ptr<const void> event_message::value(const event_type& type) const {
  return body_ ? body_->value(type) : nullptr;
}

const void* answer_message::answer(const std::type_info& asked) const {
  return body_ && body_->from().asked() == asked ? body_->answer() : nullptr;
}

const void* answer_message::question(const std::type_info& asked) const {
  return body_ && body_->from().asked() == asked ? body_->from().question() : nullptr;
}

}  // namespace tyto
