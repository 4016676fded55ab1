// An actor as hosts with threads run it: its machine, and the messages that wait for it.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "actor/lent_thread.hpp"
#include "actor/mailbox.hpp"

namespace tyto::detail {

class cell;
class host;

/// How many messages a cell handles before others get their turn.
inline constexpr std::size_t messages_a_turn = 100;

/// Where cells get their turns; outlives those that have not ended.
class lane {
 public:
  virtual ~lane() = default;
  /// Hands `ready` on to a thread that runs it until it rests.
  virtual void schedule(std::shared_ptr<cell> ready) = 0;
  /// Whether several cells are best handed on together, by schedule_all().
  [[nodiscard]] virtual bool takes_many() const { return false; }
  /// The same as schedule() for several.
  virtual void schedule_all(std::vector<std::shared_ptr<cell>> ready) {
    for (auto& each : ready) schedule(std::move(each));
  }
  /// Called once for each of its cells, when that has ended.
  virtual void cell_has_ended() = 0;
};

/// Rests while there are no messages. Whoever brings the first one has the cell in hand, and schedules it; so one
/// thread at a time runs it. Ends when it is closed, or when nobody holds it any more.
class cell final : public mailbox, public std::enable_shared_from_this<cell> {
 public:
  /// Makes a cell, bound to its machine. `of` is what runs_here() asks for.
  static std::shared_ptr<cell> make(lane& runs_in, const host& of, std::unique_ptr<actor> machine);

  cell(lane& runs_in, const host& of, std::unique_ptr<actor> machine);
  cell(const cell&) = delete;
  cell& operator=(const cell&) = delete;
  ~cell() override;

  void post(mail_ptr what) override;
  void post_all(mail_list what) override;
  void close() override;

  /// Handles up to `most` messages, for whoever has it in hand. Returns whether it rests or has ended; else it is still
  /// in the caller's hands.
  bool run(std::size_t most) noexcept;

  /// Handles up to `most` messages on a thread that somebody has lent, who has it in hand; the lane gets the rest.
  void run_on_lent_thread(std::size_t most);

  /// Hands each of `ready` to its lane, for whoever has them in hand.
  static void schedule_all(std::vector<std::shared_ptr<cell>> ready);

  /// Returns whether the calling thread runs a cell of `that`.
  static bool runs_here(const host& that) { return running_here == &that; }

 private:
  [[nodiscard]] bool push(mail* last, mail* first);
  void schedule();
  [[nodiscard]] bool take_in_hand();
  [[nodiscard]] bool lay_to_rest();
  void collect();
  void end();

  static thread_local const host* running_here;

  lane& lane_;
  const host& host_;
  std::unique_ptr<actor> machine_;
  const lent_to takes_threads_lent_to_;
  std::atomic<mail*> arrived_;  // the last one first, or a mark: see cell.cpp
  mail_ptr next_;               // the first of those that were collected
  std::atomic<bool> is_closed_ = false;
};

}  // namespace tyto::detail
