#include "journal/committer.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <variant>

#include "actor/lent_thread.hpp"
#include "actor/posting_together.hpp"
#include "actor/threads.hpp"

namespace tyto::detail {
namespace {

// How long a checkpoint waits for events to be stored with before it gets a transaction of its own. What it costs is
// that after a crash the deliveries of this time are repeated.
constexpr std::chrono::milliseconds checkpoint_delay{50};

using requests = std::vector<store_writes>;

// Calls `use` with each write and what became of it.
template <class Use>
void for_each_write(const requests& all, const result<append_outcomes>& stored, const Use& use) {
  const result<void> failed = stored ? result<void>{} : result<void>{stored.error()};
  std::size_t at = 0;
  for (const auto& request : all) {
    for (const auto& write : request.writes) use(request, write, stored ? (*stored)[at++] : failed);
  }
}

void publish(event_bus& bus, const requests& all, const append_outcomes& stored,
             std::chrono::steady_clock::duration took) {
  auto done = std::make_shared<segment>();
  done->took = std::chrono::duration_cast<std::chrono::microseconds>(took);
  for_each_write(all, stored, [&done](const store_writes&, const auto& write, const result<void>& outcome) {
    if (outcome && !write->events.empty()) done->writes.push_back(write);
  });
  if (done->writes.empty()) return;
  done->first_position = done->writes.front()->events.front().meta.position;
  done->last_position = done->writes.back()->events.back().meta.position;
  bus.publish(std::move(done));
}

// Then the answer is handled here: no other thread needs to wake up before the caller, who waits.
bool is_of_lone_caller(const requests& all) {
  return all.size() == 1 && all.front().writes.size() == 1 && all.front().caller_waits;
}

// One answer for each shard, with what became of all of its writes. Where nobody reads events, the shard that has taken
// the memory of a write is the last to hold it, and gives it back: on the thread of the committer that would be work
// for all shards.
void answer(requests all, const result<append_outcomes>& stored) {
  std::vector<std::pair<address<shard_message>, writes_answered>> answers;  // for some tens of shards at most
  for_each_write(all, stored, [&answers](const store_writes& request, const auto&, const result<void>& outcome) {
    auto found =
        std::ranges::find_if(answers, [&request](const auto& each) { return each.first.box() == request.from.box(); });
    if (found == answers.end()) found = answers.insert(found, {request.from, {}});
    auto& runs = found->second.runs;
    if (!runs.empty() && runs.back().outcome && outcome) {
      ++runs.back().writes;
    } else {
      runs.push_back({outcome, 1});
    }
  });
  all.clear();
  for (auto& [from, outcomes] : answers) from.post(std::move(outcomes));
}

}  // namespace

committer::committer(event_store& journal, event_bus& bus, host& runs_on, health_board& health,
                     std::function<void(std::string_view)> log, std::size_t max_commit_events)
    : journal_(journal),
      bus_(bus),
      host_(runs_on),
      health_(health),
      log_(std::move(log)),
      max_commit_events_(max_commit_events) {}

void committer::on(committer_message&& message) {
  std::visit(overloaded{[this](store_writes& request) { take(std::move(request)); },
                        [this](checkpoint& moved) { take(std::move(moved)); },
                        [this](store_checkpoints) {
                          checkpoints_have_a_time_ = false;
                          commit();
                        },
                        [this](stop_actor& stop) {
                          commit();
                          stop.done();
                        }},
             message);
}

void committer::take(store_writes request) {
  batch_writes_ += request.writes.size();
  for (const auto& write : request.writes) batch_events_ += write->events.size();
  batch_.push_back(std::move(request));
  if (batch_events_ >= max_commit_events_) commit();
}

void committer::turn_is_over() {
  if (!batch_.empty()) commit();
}

void committer::take(checkpoint moved) {
  auto& position = checkpoints_[std::move(moved.name)];
  position = std::max(position, moved.position);
  if (std::exchange(checkpoints_have_a_time_, true)) return;
  post_after(host_, checkpoint_delay, self(), committer_message{store_checkpoints{}});
}

void committer::commit() {
  if (batch_.empty() && checkpoints_.empty()) return;
  append_batch append;
  append.writes.reserve(batch_writes_);
  for (const auto& request : batch_) {
    append.writes.insert(append.writes.end(), request.writes.begin(), request.writes.end());
  }
  for (const auto& [name, position] : checkpoints_) append.checkpoints.push_back({name, position});
  checkpoints_.clear();
  batch_writes_ = batch_events_ = 0;
  auto checkpoints = append.checkpoints;
  journal_.append(std::move(append),
                  [this, own = self(), began = steady_now(), batch = std::exchange(batch_, {}),
                   checkpoints = std::move(checkpoints)](const result<append_outcomes>& stored) mutable {
                    show(stored);
                    const lent_thread until_all_is_told{lent_to::quick_handlers};
                    std::optional<lent_thread> for_lone_caller;
                    if (is_of_lone_caller(batch)) for_lone_caller.emplace(lent_to::way_of_a_command);
                    const posting_together all;
                    // Who has an answer can count on the bus to have the event.
                    if (stored) publish(bus_, batch, *stored, steady_now() - began);
                    answer(std::move(batch), stored);
                    if (stored) return;
                    for (const auto& each : checkpoints) own.post(each);
                  });
}

void committer::show(const result<append_outcomes>& stored) {
  constexpr std::string_view subject = "journal";
  const bool was_failing = is_failing_.exchange(!stored);
  if (!stored) {
    health_.report(subject, stored.error());
    if (!was_failing) log_("nothing was stored: " + stored.error().message());
  } else if (was_failing) {
    health_.clear(subject);
  }
}

}  // namespace tyto::detail
