#include "actor/cell.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "actor/lent_thread.hpp"
#include "actor/posting_together.hpp"

namespace tyto::detail {
namespace {

// Marks in place of a list of messages: nobody has the cell in hand; it takes nothing more.
mail resting;
mail ended;

// Puts a list of messages into the opposite order. Returns the one that was the last.
mail* turned_round(mail* list) {
  mail* turned = nullptr;
  while (list != nullptr) {
    auto* const next = std::exchange(list->next, turned);
    turned = std::exchange(list, next);
  }
  return turned;
}

// Deletes a list of messages one after the other: each owning the next would take a stack as deep as the list is long.
void drop(mail* first) {
  while (first != nullptr) delete std::exchange(first, first->next);
}

}  // namespace

thread_local lent_thread* lent_thread::innermost = nullptr;

lent_thread::lent_thread(lent_to whom) : whom_(whom), around_(std::exchange(innermost, this)) {}

lent_thread::~lent_thread() {
  // The shard, the committer and the shard again: what follows from the answer is not waited for.
  constexpr std::size_t most_for_a_command = 3;
  for (std::size_t i = 0; i < due_.size(); ++i) {
    const auto next = std::move(due_[i]);
    const bool is_enough = whom_ == lent_to::way_of_a_command && i >= most_for_a_command;
    next->run_on_lent_thread(is_enough ? 0 : 1);
  }
  innermost = around_;
}

lent_thread* lent_thread::outermost_of(lent_to whom) {
  lent_thread* found = nullptr;
  for (auto* each = innermost; each != nullptr; each = each->around_) {
    if (each->whom_ == whom) found = each;
  }
  return found;
}

thread_local posting_together* posting_together::outermost = nullptr;

posting_together::posting_together() {
  if (outermost == nullptr) outermost = this;
}

posting_together::~posting_together() {
  if (outermost != this) return;
  outermost = nullptr;
  cell::schedule_all(std::move(ready_));
}

thread_local const host* cell::running_here = nullptr;

std::shared_ptr<cell> cell::make(lane& runs_in, const host& of, std::unique_ptr<actor> machine) {
  auto made = std::make_shared<cell>(runs_in, of, std::move(machine));
  made->machine_->bind(made);
  return made;
}

cell::cell(lane& runs_in, const host& of, std::unique_ptr<actor> machine)
    : lane_(runs_in),
      host_(of),
      machine_(std::move(machine)),
      takes_threads_lent_to_(machine_->takes_threads_lent_to()),
      arrived_(&resting) {}

// Nobody has it in hand, so there are no messages.
cell::~cell() {
  if (machine_) end();
}

void cell::post(mail_ptr what) {
  auto* const only = what.release();
  if (push(only, only)) schedule();
}

void cell::post_all(mail_list what) {
  if (what.empty()) return;
  auto* const first = what.release();
  if (push(turned_round(first), first)) schedule();
}

void cell::run_on_lent_thread(std::size_t most) {
  if (most == 0 || !run(most)) lane_.schedule(shared_from_this());
}

void cell::schedule() {
  if (auto* const lent = lent_thread::outermost_of(takes_threads_lent_to_)) {
    lent->due_.push_back(shared_from_this());
  } else if (auto* const together = posting_together::outermost) {
    together->ready_.push_back(shared_from_this());
  } else {
    lane_.schedule(shared_from_this());
  }
}

void cell::schedule_all(std::vector<std::shared_ptr<cell>> ready) {
  const auto many =
      std::stable_partition(ready.begin(), ready.end(), [](const auto& each) { return !each->lane_.takes_many(); });
  for (auto each = ready.begin(); each != many; ++each) (*each)->lane_.schedule(*each);
  // There is one such lane in a runtime.
  for (auto first = many; first != ready.end();) {
    auto& where = (*first)->lane_;
    const auto others =
        std::stable_partition(first, ready.end(), [&where](const auto& each) { return &each->lane_ == &where; });
    where.schedule_all({std::make_move_iterator(first), std::make_move_iterator(others)});
    first = others;
  }
}

void cell::close() {
  is_closed_ = true;
  if (take_in_hand()) lane_.schedule(shared_from_this());
}

// Takes a list of messages, the last one first. Returns whether the caller has the cell in hand now.
bool cell::push(mail* last, mail* first) {
  auto* before = arrived_.load();
  do {
    if (before == &ended) {
      first->next = nullptr;
      drop(last);
      return false;
    }
    first->next = before == &resting ? nullptr : before;
  } while (!arrived_.compare_exchange_weak(before, last));
  return before == &resting;
}

bool cell::take_in_hand() {
  mail* expected = &resting;
  return arrived_.compare_exchange_strong(expected, nullptr);
}

// Returns false if it stays in hand, for there is something to do.
bool cell::lay_to_rest() {
  mail* expected = nullptr;
  if (!arrived_.compare_exchange_strong(expected, &resting)) return false;
  // Who closed it meanwhile may have found it in hand.
  return !is_closed_ || !take_in_hand();
}

bool cell::run(std::size_t most) noexcept {
  // Machines catch what users' code throws. If one throws all the same, the runtime has a defect: callers would wait
  // for ever, so the program ends here instead. The journal can take it.
  const auto* const before = std::exchange(running_here, &host_);
  bool is_done = false;
  while (!is_done) {
    if (is_closed_) {
      end();
      is_done = true;
    } else if (next_ == nullptr && (collect(), next_ == nullptr)) {
      machine_->turn_is_over();
      is_done = lay_to_rest();
    } else if (most-- == 0) {
      machine_->turn_is_over();
      break;
    } else {
      const mail_ptr what = std::exchange(next_, mail_ptr{next_->next});
      machine_->receive(*what);
    }
  }
  running_here = before;
  return is_done;
}

void cell::collect() { next_.reset(turned_round(arrived_.exchange(nullptr))); }

void cell::end() {
  auto* const left = arrived_.exchange(&ended);
  if (left != &resting) drop(left);
  drop(next_.release());
  machine_.reset();
  lane_.cell_has_ended();
}

}  // namespace tyto::detail
