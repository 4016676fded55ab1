// For programs that have CAF actors of their own: events that are committed, and answers of live queries, come to an
// actor as messages. The only public header that needs CAF; <tyto/tyto.hpp> does not include it. What comes out of the
// runtime here goes into the mailbox of an actor in the user's own actor_system.
#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/fwd.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <typeinfo>
#include <utility>
#include <vector>

#include "tyto/event.hpp"
#include "tyto/metadata.hpp"
#include "tyto/result.hpp"
#include "tyto/runtime.hpp"

namespace tyto {

struct mailbox_options;

namespace detail {

class event_in_mailbox;
class answer_in_mailbox;

/// One of the types that an actor subscribes to, and how an event of it is read.
struct wanted_event {
  const event_type* type;
  result<std::shared_ptr<const void>> (*read)(const recorded_event&);
};

template <event E>
wanted_event wanted() {
  return {&type_of<E>(), [](const recorded_event& recorded) -> result<std::shared_ptr<const void>> {
            auto value = event_cast<E>(recorded);
            if (!value) return std::move(value).error();
            return std::shared_ptr<const void>{*std::move(value)};
          }};
}

/// Has the actor `to` sent the events of `types`.
subscription subscribe_actor(runtime& rt, const caf::actor& to, const std::vector<wanted_event>& types,
                             const mailbox_options& options);

/// Stands for the questions of type Question to P.
template <class P, class Question>
struct asked {};

/// Returns what takes answers and has the actor told; the message shows `question`, and is of the type `asked`.
std::function<void(std::shared_ptr<const void> answer)> answers_to(const caf::actor& actor, const std::type_info& asked,
                                                                   std::shared_ptr<const void> question);

}  // namespace detail

/// An event that was committed, as a message to a CAF actor: `[](const tyto::event_message& m) { … }`.
///
/// It counts as unhandled, see mailbox_options, until it and all its copies are gone: so does one that the actor
/// keeps for later or sends on. May be used by any thread and outlive the runtime. Not for other processes: it cannot
/// be serialized.
class event_message {
 public:
  /// Holds no event: CAF may make one, the runtime never sends it.
  event_message() = default;
  explicit event_message(std::shared_ptr<const detail::event_in_mailbox> body) : body_(std::move(body)) {}

  /// Returns the event if it is an E, else nullptr. It stays as long as this message or a copy of it.
  template <event E>
  [[nodiscard]] const E* get_if() const {
    return static_cast<const E*>(value(type_of<E>()).get());
  }

  /// Returns the same to keep: the event alone, so that the message may go and count as handled.
  template <event E>
  [[nodiscard]] std::shared_ptr<const E> share_if() const {
    return std::static_pointer_cast<const E>(value(type_of<E>()));
  }

  /// Returns what is known about the event. It stays as long as this message or a copy of it.
  [[nodiscard]] const metadata& meta() const;

 private:
  [[nodiscard]] std::shared_ptr<const void> value(const event_type& type) const;

  std::shared_ptr<const detail::event_in_mailbox> body_;
};

/// How much of an actor's mailbox a subscription may fill.
struct mailbox_options {
  /// The most events that are in the actor's hands: sent to it, and not handled yet. At least 1. Bounds memory.
  std::size_t max_unhandled = 1'024;

  /// How long the subscription waits when the actor has that many and gets none done. Then it fails, as a handler that
  /// throws does: status() and health() show it, and it tries again. runtime::stop() may have to wait so long for each
  /// such subscription.
  std::chrono::milliseconds patience = std::chrono::seconds{1};
};

/// Sends the actor `to` an event_message for every event of the types `Es` that is committed from now on, or from
/// start() on: in commit order, each once. From any thread, also from the actor itself, as `self`.
///
/// Like runtime::subscribe() it keeps no checkpoint, and for settle() an event is done with when it is in the actor's
/// mailbox. An actor that takes nothing delays only its own subscription; nothing is lost, and all goes on when it
/// does. The subscription does not keep the actor alive: hold a handle as long as events shall come. When the actor has
/// ended, which may be before the runtime or after it, so has the subscription, and its thread goes; what is returned
/// ends it earlier. The actor must be in this process.
/// Throws std::invalid_argument for an invalid handle or option. Has no effect after stop().
template <event... Es>
subscription subscribe(runtime& rt, const caf::actor& to, mailbox_options options = {}) {
  static_assert(sizeof...(Es) > 0, "tyto: name the events: `tyto::subscribe<order_completed>(rt, actor)`");
  constexpr bool names_differ = detail::event_list<events<Es...>>::names_differ();
  static_assert(names_differ, "tyto: two events of the subscription have the same stored name");
  return detail::subscribe_actor(rt, to, {detail::wanted<Es>()...}, options);
}

/// An answer of a live query, as a message to a CAF actor: `[](const tyto::answer_message& m) { … }`.
///
/// What it holds is decided when it is first looked at, or else when the last copy of it goes: the newest answer. May
/// be used by any thread and outlive the runtime and the live_query. Not for other processes: it cannot be serialized.
class answer_message {
 public:
  /// Holds no answer: CAF may make one, the runtime never sends it.
  answer_message() = default;
  explicit answer_message(std::shared_ptr<const detail::answer_in_mailbox> body) : body_(std::move(body)) {}

  /// Returns P's answer, or nullptr if another projection was asked, or P another type of questions. It stays as long
  /// as this message or a copy of it. Looking again gives the same answer.
  template <class P, class Question = detail::question_of<P>>
  [[nodiscard]] const detail::answer_of<P, Question>* get_if() const {
    return static_cast<const detail::answer_of<P, Question>*>(answer(typeid(detail::asked<P, Question>)));
  }

  /// Returns the question that was asked, or nullptr as above.
  template <class P, class Question = detail::question_of<P>>
  [[nodiscard]] const Question* question_if() const {
    return static_cast<const Question*>(question(typeid(detail::asked<P, Question>)));
  }

 private:
  [[nodiscard]] const void* answer(const std::type_info& asked) const;
  [[nodiscard]] const void* question(const std::type_info& asked) const;

  std::shared_ptr<const detail::answer_in_mailbox> body_;
};

/// Asks the projection P as runtime::watch() does and sends the actor `to` an answer_message for the first answer and
/// for each that differs from the one before: `auto watched = tyto::watch<revenue>(rt, {"alice"}, actor).value();`.
///
/// At most one message that has not been looked at is in the actor's mailbox: it gives the newest answer when it is, so
/// a slow actor misses what came and went meanwhile, never the last answer. Ends with the live_query, which the actor
/// may own and destroy in any handler, or when the runtime stops, after a last look; a message that is in the mailbox
/// then still comes. Does not keep the actor alive, and sends nothing when it has ended; asking goes on until the
/// live_query is destroyed. Actor, its actor_system, runtime and live_query may end in any order. Fails with
/// errc::invalid_argument before start(); throws std::invalid_argument for an invalid handle.
template <class P, class Question = detail::question_of<P>>
[[nodiscard]] result<live_query> watch(runtime& rt, Question question, const caf::actor& to) {
  using answer = detail::answer_of<P, Question>;
  auto put = detail::answers_to(to, typeid(detail::asked<P, Question>), std::make_shared<const Question>(question));
  return rt.watch<P, Question>(std::move(question), [put = std::move(put)](const answer& newest) {
    put(std::make_shared<const answer>(newest));
  });
}

}  // namespace tyto

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tyto::event_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tyto::answer_message)
