// What an actor is here: a state machine that takes one message at a time from its mailbox. Machines know mailboxes and
// messages only; who runs them (CAF threads, or a test on one thread) is the host's business, see host.hpp.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "actor/lent_thread.hpp"
#include "tyto/detail/recycled_memory.hpp"

namespace tyto::detail {

/// A message of any type, on its way.
struct mail {
  mail() = default;
  mail(const mail&) = delete;
  mail& operator=(const mail&) = delete;
  virtual ~mail() = default;

  mail* next = nullptr;  // for whoever keeps it meanwhile
};
using mail_ptr = std::unique_ptr<mail>;

template <class Message>
struct mail_of final : mail {
  template <class Part>
  explicit mail_of(Part&& part) : body(std::forward<Part>(part)) {}

  static void* operator new(std::size_t) {
    static_assert(alignof(mail_of) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    return recycled_memory<sizeof(mail_of)>::take();
  }
  static void operator delete(void* memory) { recycled_memory<sizeof(mail_of)>::give_back(memory); }

  Message body;
};

template <class Message>
mail_ptr make_mail(Message message) {
  return std::make_unique<mail_of<Message>>(std::move(message));
}

/// Messages in order.
class mail_list {
 public:
  mail_list() = default;
  mail_list(mail_list&& other) noexcept
      : first_(std::exchange(other.first_, nullptr)), last_(std::exchange(other.last_, nullptr)) {}
  mail_list& operator=(mail_list&&) = delete;
  ~mail_list() {
    while (!empty()) take_first();
  }

  [[nodiscard]] bool empty() const { return first_ == nullptr; }
  void add(mail_ptr what) {
    auto* const added = what.release();
    added->next = nullptr;
    (empty() ? first_ : last_->next) = added;
    last_ = added;
  }
  mail_ptr take_first() { return mail_ptr{std::exchange(first_, first_->next)}; }
  /// Returns the first one; the caller owns all.
  [[nodiscard]] mail* release() { return std::exchange(first_, nullptr); }

 private:
  mail* first_ = nullptr;
  mail* last_ = nullptr;
};

/// Where an actor gets its messages. Safe to use from any thread.
class mailbox {
 public:
  virtual ~mailbox() = default;
  /// Puts `what` behind what is already there; drops it if the actor has ended.
  virtual void post(mail_ptr what) = 0;
  /// The same for all of `what`, in order.
  virtual void post_all(mail_list what) {
    while (!what.empty()) post(what.take_first());
  }
  /// Ends the actor once it is done with the message in hand; what is still in the mailbox is dropped.
  virtual void close() = 0;
};

/// A mailbox that takes messages of one type. Copies are the same mailbox; holding one keeps the actor alive.
template <class Message>
class address {
 public:
  address() = default;
  explicit address(std::shared_ptr<mailbox> box) : box_(std::move(box)) {}

  /// Posts a message that is made of `part`: where it lies then, it is handled.
  template <class Part = Message>
  void post(Part&& part) const {
    box_->post(std::make_unique<mail_of<Message>>(std::forward<Part>(part)));
  }
  void close() const { box_->close(); }
  [[nodiscard]] const std::shared_ptr<mailbox>& box() const { return box_; }

 private:
  std::shared_ptr<mailbox> box_;
};

/// A state machine behind a mailbox. The host calls it from one thread at a time.
class actor {
 public:
  virtual ~actor() = default;
  virtual void receive(mail& what) = 0;
  /// Called by the host when the actor has handled what was there, or some of it, and others get their turn.
  virtual void turn_is_over() {}
  /// Returns which lent threads it may take a turn on.
  [[nodiscard]] virtual lent_to takes_threads_lent_to() const { return lent_to::nobody; }

  /// Called by the host before the first message.
  void bind(std::weak_ptr<mailbox> own) { own_ = std::move(own); }

 protected:
  [[nodiscard]] std::shared_ptr<mailbox> own_mailbox() const { return own_.lock(); }

 private:
  std::weak_ptr<mailbox> own_;
};

/// A state machine whose messages have the type `Message`, usually a std::variant.
template <class Message>
class actor_of : public actor {
 public:
  using message_type = Message;
  void receive(mail& what) final { on(std::move(static_cast<mail_of<Message>&>(what).body)); }

 protected:
  virtual void on(Message&& message) = 0;
  [[nodiscard]] address<Message> self() const { return address<Message>{own_mailbox()}; }
};

template <class... Handlers>
struct overloaded : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
overloaded(Handlers...) -> overloaded<Handlers...>;

}  // namespace tyto::detail
