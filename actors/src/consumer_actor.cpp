#include "consumer_actor.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace tyto::detail {
namespace {

// A batch ends when its handlers have taken this long: rows do not wait longer to be seen, and a projection's snapshot
// is given back.
constexpr std::chrono::milliseconds max_batch_time{100};

// How many events a consumer looks at in one reading of the journal for each one that it wants.
constexpr std::size_t max_read_per_wanted = 16;

}  // namespace

consumer_actor::consumer_actor(const consumer_surroundings& around, std::string name,
                               std::unique_ptr<consumer_handler> handler, std::shared_ptr<progress> shown)
    : around_(around),
      name_(std::move(name)),
      subject_("consumer '" + name_ + "'"),
      handler_(std::move(handler)),
      shown_(std::move(shown)) {}

void consumer_actor::on(consumer_message message) {
  if (phase_ == phase::stopped) return;
  std::visit(overloaded{[this](begin) { start(); }, [this](const delivery& delivered) { take(delivered); },
                        [this](read_behind) { read_journal(); },
                        [this](command_answered& answer) { answered(std::move(answer)); },
                        [this](retry) { try_again(); }, [this](stop_actor& request) { stop(std::move(request)); }},
             message);
}

void consumer_actor::start() {
  auto position = handler_->load();
  if (!position) return fail(position.error());
  if (const auto head = around_.bus.head(); *position > head) {
    return fail(error{errc::foreign, "starting '" + name_ + "'",
                      "its checkpoint is " + std::to_string(*position) + ", but the journal ends at " +
                          std::to_string(head) + ": it belongs to another journal"});
  }
  position_ = *position;
  phase_ = phase::waiting;
  shown_->is_at(position_);
  ask_for_more();
}

void consumer_actor::ask_for_more() {
  phase_ = phase::waiting;
  around_.bus.request_after(position_, self());
}

void consumer_actor::take(const delivery& delivered) {
  std::vector<const recorded_event*> wanted;
  for (const auto& each : delivered.segments) {
    for (const auto& write : each->writes) {
      for (const auto& event : write->events) {
        if (event.meta.position > position_ && handler_->wants(event.meta.type)) wanted.push_back(&event);
      }
    }
  }
  handle(wanted, delivered.segments.back()->last_position);
}

void consumer_actor::read_journal() {
  std::vector<recorded_event> events;
  auto end = position_;
  const auto limit = batch_limit();
  auto read = around_.journal.read_all(position_ + 1, [&](const event_view& event) {
    end = event.meta.position;
    if (handler_->wants(event.meta.type)) {
      events.push_back({event.meta, std::string{event.payload}, nullptr, nullptr});
    }
    return events.size() < limit && end - position_ < limit * max_read_per_wanted ? visit::next : visit::stop;
  });
  // Events that were removed are none to wait for. What was read before a damaged record is good.
  if (read) end = *read;
  if (!read && events.empty() && end == position_) return fail(read.error());
  std::vector<const recorded_event*> wanted;
  wanted.reserve(events.size());
  for (const auto& event : events) wanted.push_back(&event);
  handle(wanted, end);
}

std::size_t consumer_actor::batch_limit() const { return position_ < trouble_position_ ? 1 : around_.max_batch; }

void consumer_actor::handle(const std::vector<const recorded_event*>& batch, std::uint64_t end) {
  phase_ = phase::committing;
  batch_end_ = end = shown_->cut(position_, end);
  const auto started = around_.time.now();
  const auto limit = batch_limit();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto& event = *batch[i];
    if (event.meta.position > end) break;
    auto sent = handler_->handle(event);
    if (!sent) {
      trouble_position_ = event.meta.position;
      return fail(sent.error());
    }
    send(event, *std::move(sent));
    const bool enough = i + 1 >= limit || around_.time.now() - started > max_batch_time;
    if (enough && i + 1 < batch.size()) {
      batch_end_ = event.meta.position;
      break;
    }
  }
  if (unanswered_ == 0) commit();
}

void consumer_actor::send(const recorded_event& event, commands sent) {
  const auto cause = name_ + "/" + std::to_string(event.meta.position);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    command_options options;
    options.command_id = cause + "/" + std::to_string(i);
    options.causation_id = cause;
    options.correlation_id = event.meta.correlation_id;
    ++unanswered_;
    around_.dispatch(std::move(sent[i]), std::move(options),
                     [to = self(), attempt = attempt_](const command_result& outcome) {
                       command_answered answer{attempt, std::nullopt};
                       if (!outcome && outcome.error().failed()) answer.failed = *outcome.error().failed();
                       to.post(std::move(answer));
                     });
  }
}

void consumer_actor::answered(command_answered answer) {
  if (answer.attempt != attempt_ || phase_ != phase::committing) return;
  --unanswered_;
  if (answer.failed) failed_command_ = std::move(answer.failed);
  if (unanswered_ == 0) commit();
}

void consumer_actor::commit() {
  if (failed_command_) {
    trouble_position_ = batch_end_;
    return fail(error{failed_command_->code(), "sending the commands of '" + name_ + "'"}.because(*failed_command_));
  }
  if (auto committed = handler_->commit(batch_end_); !committed) return fail(committed.error());
  position_ = batch_end_;
  if (backoff_.count() > 0) around_.health.clear(subject_);
  backoff_ = std::chrono::milliseconds{0};
  ++attempt_;
  shown_->is_at(position_);
  if (stop_request_) return finish_stopping();
  ask_for_more();
}

void consumer_actor::fail(const error& why) {
  shown_->has_failed(why);
  handler_->abandon();
  failed_command_.reset();
  unanswered_ = 0;
  ++attempt_;
  if (stop_request_) return finish_stopping();
  if (backoff_.count() == 0) around_.log(subject_ + " will try again: " + why.message());
  around_.health.report(subject_, why);
  backoff_ = std::clamp(backoff_ * 2, around_.min_backoff, around_.max_backoff);
  phase_ = phase_ == phase::starting ? phase::starting : phase::backing_off;
  post_after(around_.runs_on, backoff_, self(), consumer_message{retry{}});
}

void consumer_actor::try_again() { phase_ == phase::starting ? start() : ask_for_more(); }

void consumer_actor::stop(stop_actor request) {
  stop_request_ = std::move(request);
  if (phase_ != phase::committing) finish_stopping();
}

void consumer_actor::finish_stopping() {
  if (phase_ != phase::starting) {
    if (auto closed = handler_->close(position_); !closed) {
      around_.log(subject_ + " could not save its checkpoint: " + closed.error().message());
    }
  }
  phase_ = phase::stopped;
  shown_->has_stopped();
  stop_request_->done();
}

}  // namespace tyto::detail
