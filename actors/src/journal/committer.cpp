#include "journal/committer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

namespace tyto::detail {
namespace {

// How long a checkpoint waits for events to be stored with before it gets a transaction of its own. What it costs is
// that after a crash the deliveries of this time are repeated.
constexpr std::chrono::milliseconds checkpoint_delay{50};

// Hands out what was stored, then tells the aggregates: who has an answer can count on the bus to have the event.
void announce(event_bus& bus, const std::vector<store_write>& batch, const result<append_outcomes>& stored) {
  if (stored) {
    auto done = std::make_shared<segment>();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if ((*stored)[i] && !batch[i].write->events.empty()) done->writes.push_back(batch[i].write);
    }
    if (!done->writes.empty()) {
      done->first_position = done->writes.front()->events.front().meta.position;
      done->last_position = done->writes.back()->events.back().meta.position;
      bus.publish(std::move(done));
    }
  }
  for (std::size_t i = 0; i < batch.size();) {
    // One message for all writes of a busy aggregate that stand together.
    write_answered answer{stored ? (*stored)[i] : result<void>{stored.error()}, 1};
    const auto& from = batch[i].from;
    const auto is_next = [&](std::size_t next) {
      return next < batch.size() && batch[next].from.box() == from.box() && stored && (*stored)[i] && (*stored)[next];
    };
    while (is_next(i + answer.writes)) ++answer.writes;
    i += answer.writes;
    if (batch.size() > 1 || !batch.front().caller_waits) {
      from.post(std::move(answer));
    } else if (const auto turn = from.post_for_turn(std::move(answer))) {
      turn();  // a lone caller waits: no other thread needs to wake up first
    }
  }
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

void committer::on(committer_message message) {
  std::visit(overloaded{[this](store_write& request) { take(std::move(request)); },
                        [this](checkpoint& moved) { take(std::move(moved)); },
                        [this](flush) {
                          flush_is_coming_ = checkpoint_flush_is_coming_ = false;
                          commit();
                        },
                        [this](stop_actor& stop) {
                          commit();
                          stop.done();
                        }},
             message);
}

void committer::take(store_write request) {
  batch_events_ += request.write->events.size();
  batch_.push_back(std::move(request));
  if (batch_events_ >= max_commit_events_) {
    commit();
  } else if (!flush_is_coming_) {
    flush_is_coming_ = true;
    self().post(flush{});
  }
}

void committer::take(checkpoint moved) {
  auto& position = checkpoints_[std::move(moved.name)];
  position = std::max(position, moved.position);
  if (flush_is_coming_ || checkpoint_flush_is_coming_) return;
  checkpoint_flush_is_coming_ = true;
  post_after(host_, checkpoint_delay, self(), committer_message{flush{}});
}

void committer::commit() {
  if (batch_.empty() && checkpoints_.empty()) return;
  append_batch append;
  append.writes.reserve(batch_.size());
  for (const auto& request : batch_) append.writes.push_back(request.write);
  for (const auto& [name, position] : checkpoints_) append.checkpoints.push_back({name, position});
  checkpoints_.clear();
  batch_events_ = 0;
  auto checkpoints = append.checkpoints;
  journal_.append(std::move(append), [this, own = self(), batch = std::exchange(batch_, {}),
                                      checkpoints = std::move(checkpoints)](const result<append_outcomes>& stored) {
    show(stored);
    announce(bus_, batch, stored);
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
