#include "consumer/consumer_actor.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "consumer/command_ids.hpp"

namespace tyto::detail {
namespace {

// A batch ends when its handlers have taken this long: rows do not wait longer to be seen, and a projection's snapshot
// is given back.
constexpr std::chrono::milliseconds max_batch_time{100};

// After so many events what the handler has put off is done, so that the time can be looked at: of a projection in
// partitions a batch may take longer, then.
constexpr std::size_t run_every = 256;

// How long the checkpoint of a consumer that passes over events is not saved: so far behind may others see it.
constexpr std::chrono::seconds save_delay{1};

constexpr std::chrono::microseconds max_busy_wait = std::chrono::seconds{1};

// How many events a consumer looks at in one reading of the journal for each one that it wants.
constexpr std::size_t max_read_per_wanted = 16;

// Whether an event, or what is stored, can be the reason, and trying again and again will not help. Else it is the
// storage's, or a queue is full: then everything waits.
bool is_to_blame(const error& why) {
  switch (why.code()) {
    case errc::handler_failed:
    case errc::invalid_argument:
    case errc::undecodable:
    case errc::unknown_event_type:
    case errc::missing_upcaster:
    case errc::closed:
    case errc::truncated:
    case errc::damaged:
      return true;
    default:
      return false;
  }
}

// Whether the journal failed to bring an event up to date.
bool is_upcasting_failure(const error& why) {
  return why.code() == errc::missing_upcaster || why.code() == errc::undecodable || why.code() == errc::handler_failed;
}

// One that never blocks has no thread that could look out: what it would keep busy is the one that brings events.
std::chrono::microseconds busy_wait_of(const consumer_definition& consumer) {
  return consumer.never_blocks ? std::chrono::microseconds{0} : std::min(consumer.busy_wait, max_busy_wait);
}

// Up to a quarter less, so that consumers which failed for one reason do not all try again at one moment.
std::chrono::milliseconds jittered(std::chrono::milliseconds pause, const std::string& name, std::uint64_t attempt) {
  return pause - pause * static_cast<int>((std::hash<std::string>{}(name) ^ attempt) % 16) / 64;
}

}  // namespace

consumer_actor::consumer_actor(const consumer_surroundings& around, partition part,
                               std::unique_ptr<consumer_handler> handler, std::shared_ptr<progress> shown)
    : around_(around),
      part_(std::move(part)),
      name_(handler->definition().name),
      subject_("consumer '" + part_.label(name_) + "'"),
      handler_(std::move(handler)),
      wanted_(handler_->wants()),
      busy_wait_(busy_wait_of(handler_->definition())),
      shown_(std::move(shown)) {}

void consumer_actor::on(consumer_message&& message) {
  if (phase_ == phase::stopped) return;
  std::visit(
      overloaded{[this](begin) { start(); }, [this](const delivery& delivered) { take(delivered); },
                 [this](read_behind) { read_journal(); }, [this](const commands_answered& all) { take(all); },
                 [this](retry asked) { try_again(asked); },
                 [this](release_parked& request) { take(std::move(request)); },
                 [this](release_more) {
                   if (phase_ == phase::waiting && can_release()) release_next();
                 },
                 [this](pause_consumer& request) { take(std::move(request)); }, [this](resume_consumer) { resume(); },
                 [this](reset_consumer& request) { take(std::move(request)); }, [this](save_checkpoint) { save_now(); },
                 [this](report_when_past& request) { take(std::move(request)); },
                 [this](stop_actor& request) { stop(std::move(request)); }},
      message);
}

void consumer_actor::start() {
  auto position = handler_->load();
  if (!position) return is_to_blame(position.error()) ? halt(position.error()) : fail(position.error());
  if (const auto head = around_.bus.head(); *position > head) {
    return halt(error{errc::damaged, "starting '" + name_ + "'",
                      "its checkpoint is " + std::to_string(*position) + ", but the journal ends at " +
                          std::to_string(head) +
                          ": the journal has lost its end, or is another one; restore it, or begin anew by "
                          "runtime::reset() (a projection) or under another name"});
  }
  if (auto loaded = parked_.load(around_.journal, name_, [this](auto key) { return part_.has(key); }); !loaded)
    return is_to_blame(loaded.error()) ? halt(loaded.error()) : fail(loaded.error());
  if (backoff_.count() > 0) around_.health.clear(subject_);
  backoff_ = std::chrono::milliseconds{0};
  position_ = *position;
  has_started_ = true;
  phase_ = phase::waiting;
  shown_->is_at(position_, event_time_, around_.runs_on.now());
  show_parked();
  finish_letters_of_last_run();
  report();
  save_soon();
  ask_for_more();
}

void consumer_actor::ask_for_more() {
  if (!reset_requests_.empty()) return reset();
  if (is_paused_) {
    phase_ = phase::paused;
    shown_->has_paused();
    save_now();
    for (const auto& each : std::exchange(pause_requests_, {})) each.done();
    refuse_releases(cannot_release_now());
    report();
    return;
  }
  phase_ = phase::waiting;
  const bool has_letters = can_release();
  const bool gives_way = releasing_ && std::exchange(releasing_->gives_way, false);
  if (has_letters && !gives_way) return release_next();
  if (busy_wait_.count() > 0 && !has_letters) around_.bus.look_out_for(position_, busy_wait_);
  around_.bus.request_after(position_, self());
  if (has_letters) self().post(release_more{});  // behind the answer to the request, if there are events
}

void consumer_actor::take(const delivery& delivered) {
  // While dead letters are released, or after that or a reset, an answer may come that nobody waits for any more.
  if (phase_ != phase::waiting || delivered.segments.back()->last_position <= position_) return;
  if (delivered.segments.front()->first_position > position_ + 1) return;
  std::vector<const recorded_event*> wanted;
  for (const auto& each : delivered.segments) {
    for (const auto& write : each->writes) {
      for (const auto& event : write->events) {
        if (event.meta.position > position_ && is_mine(event)) wanted.push_back(&event);
      }
    }
  }
  event_time_ = delivered.segments.back()->writes.back()->events.back().meta.time;
  handle(wanted, delivered.segments.back()->last_position);
}

void consumer_actor::read_journal() {
  if (phase_ != phase::waiting) return;
  std::vector<recorded_event> events;
  auto seen = position_;
  const auto limit = batch_limit();
  const journal_range next{position_ + 1, wanted_, limit * max_read_per_wanted};
  auto read = around_.journal.read_all(next, [&](const event_view& event) {
    seen = event.meta.position;
    event_time_ = event.meta.time;
    events.push_back({event.meta, std::string{event.payload}, nullptr, nullptr});
    if (!is_mine(events.back())) events.pop_back();
    return events.size() >= limit && event.meta.is_last_part() ? visit::stop : visit::next;
  });
  // What was read before a damaged record is good.
  if (!read && seen == position_) {
    if (is_upcasting_failure(read.error())) return take_unreadable(read.error());
    in_hand_.reset();  // no event's fault
    return fail(read.error());
  }
  const auto end = read ? *read : seen;
  if (end > seen) note_time_at(end);
  std::vector<const recorded_event*> wanted;
  wanted.reserve(events.size());
  for (const auto& event : events) wanted.push_back(&event);
  handle(wanted, end);
}

// An event that cannot be brought up to date is dealt with like one that the handler fails at. Its key cannot be told,
// so it goes by its stream.
void consumer_actor::take_unreadable(const error& why) {
  const auto event = find_unreadable();
  if (!event) {
    in_hand_.reset();
    return fail(why);
  }
  const auto& meta = event->meta;
  event_time_ = meta.time;
  if (!part_.is_whole() && !part_.takes(meta.persistence_id, meta.position)) return handle({}, meta.position);
  phase_ = phase::committing;
  batch_end_ = meta.position;
  trouble_position_ = std::max(trouble_position_, meta.position);
  in_hand_ = {delivery_of(meta), {meta.persistence_id, false}, meta.persistence_id, meta.type, true};
  if (!pass_over(*event)) {
    count_failure(in_hand_->id, why);
    return fail(why);
  }
  send();
}

std::optional<recorded_event> consumer_actor::find_unreadable() const {
  std::vector<metadata> next;
  const journal_range stored{position_ + 1, wanted_, around_.max_batch * max_read_per_wanted, true};
  auto read = around_.journal.read_all(stored, [&next](const event_view& event) {
    next.push_back(event.meta);
    return visit::next;
  });
  if (!read) return std::nullopt;
  const auto ignore = [](const event_view&) { return visit::next; };
  const auto found = std::ranges::find_if(next, [&](const metadata& each) {
    return !around_.journal.read_all({each.position, wanted_, 1}, ignore);
  });
  if (found == next.end()) return std::nullopt;
  return recorded_event{*found, {}, nullptr, nullptr};
}

// Of events that were passed over nothing is known, but how far behind it is in time should be.
void consumer_actor::note_time_at(std::uint64_t position) {
  (void)around_.journal.read_all({.from = position, .max_events = 1}, [this](const event_view& event) {
    event_time_ = event.meta.time;
    return visit::stop;
  });
}

// While dead letters are released, fewer events come in between: a release comes to its end even if events of its keys,
// which have to wait behind it, never cease.
std::size_t consumer_actor::batch_limit() const {
  if (position_ < trouble_position_) return 1;
  return releasing_ ? std::max<std::size_t>(around_.max_batch / 2, 1) : around_.max_batch;
}

void consumer_actor::handle(const std::vector<const recorded_event*>& batch, std::uint64_t end) {
  phase_ = phase::committing;
  batch_end_ = end = shown_->cut(position_, end);
  in_hand_.reset();
  alone_.clear();
  const auto started = around_.runs_on.now();
  const auto limit = batch_limit();
  const auto note = [&](const recorded_event& event) {
    in_hand_ = {delivery_of(event.meta), key_of(handler_->definition(), event), event.meta.persistence_id,
                event.meta.type, event.meta.position == batch.front()->meta.position};
  };
  const auto fail_at = [&](const recorded_event& event, const error& why) {
    note(event);
    trouble_position_ = std::max(trouble_position_, event.meta.position);
    count_failure(in_hand_->id, why);
    fail(why);
  };
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto& event = *batch[i];
    if (event.meta.position > end) break;
    if (limit == 1) {
      note(event);
      alone_.push_back(*in_hand_);
    }
    if (!pass_over(event)) {
      if (has_failed_too_often(delivery_of(event.meta))) {  // already while others were handled along with it
        note(event);
        abandon();
        return give_up();
      }
      auto follow = handler_->handle(event);
      if (!follow) return fail_at(event, follow.error());
      add(event, *std::move(follow));
    }
    if ((i + 1) % run_every == 0) {
      if (const auto failed = handler_->run()) return fail_at(*failed->event, failed->why);
    }
    const bool is_enough = i + 1 >= limit || around_.runs_on.now() - started > max_batch_time;
    // The parts of one event stay together, for the checkpoint is a position.
    if (is_enough && i + 1 < batch.size() && batch[i + 1]->meta.position != event.meta.position) {
      batch_end_ = event.meta.position;
      break;
    }
  }
  if (const auto failed = handler_->finish()) return fail_at(*failed->event, failed->why);
  send();
}

void consumer_actor::add(const recorded_event& event, commands follow) {
  if (follow.empty()) return;
  std::shared_ptr<const metadata> told_of_refusals;
  if (handler_->hears_refusals()) told_of_refusals = std::make_shared<const metadata>(event.meta);
  add(std::move(follow), event.meta.idempotency_key(name_), event.meta, told_of_refusals);
}

// `told_of_refusals` is what the handler is told of a command that is refused; if it is nullptr, that is only counted.
void consumer_actor::add(commands follow, const std::string& cause, const metadata& event,
                         const std::shared_ptr<const metadata>& told_of_refusals) {
  const auto causation = event.idempotency_key(name_);
  for (std::size_t i = 0; i < follow.size(); ++i) {
    auto& with = follow[i].options;
    command_options options;
    options.command_id = consumer_command_id(cause, i);
    options.causation_id = causation;
    options.correlation_id = event.correlation_id.empty() ? causation : event.correlation_id;
    options.expected = with.expected;
    options.tags = std::move(with.tags);
    // What follows from a refusal takes effect once only if a repetition is refused like the first one.
    options.record_rejection = with.record_rejection || told_of_refusals != nullptr;
    add(std::move(follow[i]), std::move(options), delivery_of(event), told_of_refusals);
  }
}

void consumer_actor::add(outgoing_command command, command_options options, const std::optional<delivery_id>& cause,
                         std::shared_ptr<const metadata> told_of_refusals) {
  sent_.push_back({cause,
                   std::move(told_of_refusals),
                   !options.expected.is_any(),
                   {make_persistence_id(command.target->category, command.entity_id), options.command_id, {}}});
  to_send_.push_back({std::move(command), std::move(options)});
}

// Puts `what` on record. No command id: the record itself knows what it holds, and an event that was released may be
// parked again, by a projection that is rebuilt.
void consumer_actor::record(consumer_record::command what, const delivery_id& about) {
  metadata event;
  event.position = about.position;
  event.part = about.part.value_or(0);
  command_options options;
  options.causation_id = event.idempotency_key(name_);
  add({&definition_of<consumer_record>(), name_, std::make_shared<const consumer_record::command>(std::move(what))},
      std::move(options), std::nullopt, nullptr);
}

bool consumer_actor::is_mine(const recorded_event& event) const {
  return wanted_.takes(event.meta.type, event.meta.persistence_id) &&
         (part_.is_whole() || part_.takes(key_of(handler_->definition(), event).text, event.meta.position));
}

// Returns whether the event is not to be handled: it was given up, or must wait behind another one.
bool consumer_actor::pass_over(const recorded_event& event) {
  const auto& m = event.meta;
  const auto is_this_one = [&m](const delivery_id& each) { return is_about(each, m); };
  if (std::ranges::any_of(skipped_, is_this_one)) return true;
  if (parked_.letters().empty()) return false;
  if (parked_.hold(m)) return true;
  auto key = key_of(handler_->definition(), event);
  if (!parked_.block(key.text, m)) return false;
  const auto id = delivery_of(m);
  record(consumer_record::park{{m.position, key.text, m.persistence_id, m.type, {}, 0, id.part, key.is_known}}, id);
  to_park_.emplace_back(id, std::move(key));
  return true;
}

// Sends what the batch in hand has led to, or ends the batch.
void consumer_actor::send() {
  if (to_send_.empty()) return phase_ == phase::committing ? commit() : letters_answered();
  const auto batch = std::make_shared<sent_batch>(to_send_.size(), self());
  around_.sender.send_together(std::exchange(to_send_, {}), batch);
}

void consumer_actor::take(const commands_answered& all) {
  const auto sent = std::exchange(sent_, {});
  for (const auto& [number, why] : all.batch->take_failures()) {
    const auto& command = sent[number];
    const auto* failed = why.failed();
    if (failed == nullptr) {
      refused(command, *why.rejected());
    } else if (command.expects_version && failed->code() == errc::conflict) {
      refused(command, {failed->detail(), std::string{version_refusal}, {}});
    } else {
      note_failure(command.cause, *failed);
    }
  }
  send();  // what follows from the refusals
}

void consumer_actor::refused(const command_in_hand& command, rejection why) {
  auto refusal = command.if_refused;
  refusal.why = std::move(why);
  shown_->has_refused(refusal);
  if (!command.followed_from) return;
  auto follow = handler_->refused(refusal, *command.followed_from);
  if (!follow) return note_failure(command.cause, follow.error());
  add(*std::move(follow), cause_of_rejection(refusal.command_id), *command.followed_from, nullptr);
}

// Of dead letters the others are released all the same, of an event's parts it is this one that fails.
void consumer_actor::note_failure(const std::optional<delivery_id>& cause, const error& why) {
  metadata event;
  if (cause) {
    event.position = cause->position;
    event.part = cause->part.value_or(0);
  }
  if (phase_ == phase::releasing && cause) return fail_letter(event, why);
  if (cause) count_failure(*cause, sending_failed(why));
  if (failed_command_) return;
  failed_command_ = why;
  for (const auto& each : alone_) {
    if (is_about(each.id, event)) in_hand_ = each;
  }
}

error consumer_actor::sending_failed(const error& why) const {
  return error{why.code(), "sending the commands of '" + name_ + "'"}.because(why);
}

void consumer_actor::commit() {
  if (failed_command_) {
    trouble_position_ = std::max(trouble_position_, batch_end_);
    return fail(sending_failed(*failed_command_));
  }
  if (batch_end_ > position_) {
    if (auto committed = handler_->commit(batch_end_); !committed) return fail(committed.error());
  }
  position_ = batch_end_;
  in_hand_.reset();
  failed_.erase(failed_.begin(), failed_.lower_bound({position_ + 1, std::nullopt}));
  for (const auto& [letter, key] : to_park_) parked_.add(letter, key.text, key.is_known);
  std::erase_if(skipped_, [this](const delivery_id& each) { return each.position <= position_; });
  if (!to_park_.empty()) show_parked();
  to_park_.clear();
  if (to_skip_) skipped_.push_back(*std::exchange(to_skip_, std::nullopt));
  if (backoff_.count() > 0) around_.health.clear(subject_);
  backoff_ = std::chrono::milliseconds{0};
  ++attempt_;
  shown_->is_at(position_, event_time_, around_.runs_on.now());
  report();
  if (stop_request_) return finish_stopping();
  save_soon();
  ask_for_more();
}

void consumer_actor::save_soon() {
  if (save_is_coming_ || !handler_->has_unsaved(position_)) return;
  save_is_coming_ = true;
  post_after(around_.runs_on, save_delay, self(), consumer_message{save_checkpoint{}});
}

void consumer_actor::save_now() {
  save_is_coming_ = false;
  if (is_busy() || phase_ == phase::starting) return;  // the commit to come will look again
  if (auto saved = handler_->save(position_); !saved) {
    around_.log(subject_ + " could not save its checkpoint: " + saved.error().message());
  }
}

void consumer_actor::fail(const error& why) {
  shown_->has_failed(why);
  abandon();
  if (stop_request_) return finish_stopping();
  if (in_hand_ && in_hand_->is_first && has_failed_too_often(in_hand_->id)) return give_up();
  if (backoff_.count() == 0) around_.log(subject_ + " will try again: " + why.message());
  around_.health.report(subject_, why);
  backoff_ = std::clamp(backoff_ * 2, around_.min_backoff, around_.max_backoff);
  phase_ = phase_ == phase::starting ? phase::starting : phase::backing_off;
  post_after(around_.runs_on, jittered(backoff_, name_, attempt_), self(), consumer_message{retry{++retries_}});
}

// What was handled since the last commit is as if it had not been.
void consumer_actor::abandon() {
  handler_->abandon();
  failed_command_.reset();
  if (!to_park_.empty()) parking_position_ = std::max(parking_position_, to_park_.back().first.position);
  to_park_.clear();
  to_skip_.reset();
  to_send_.clear();
  sent_.clear();
  ++attempt_;
}

// Once in each attempt, however many of its commands fail.
void consumer_actor::count_failure(const delivery_id& event, const error& why) {
  if (!is_to_blame(why) || handler_->definition().failures.then == on_failure::retry) return;
  const auto [found, is_first] = failed_.try_emplace(event, failed_delivery{1, attempt_, why});
  auto& failed = found->second;
  if (!is_first && failed.last_attempt != attempt_) failed = {failed.attempts + 1, attempt_, why};
}

bool consumer_actor::has_failed_too_often(const delivery_id& event) const {
  const auto found = failed_.find(event);
  return found != failed_.end() && found->second.attempts > handler_->definition().failures.max_retries();
}

// Puts on record that the event in hand is given up, and then goes over it once more: other parts of the same event are
// handled. Or halts.
void consumer_actor::give_up() {
  const auto event = *std::exchange(in_hand_, std::nullopt);
  const auto [attempts, last_attempt, why] = failed_.at(event.id);
  const auto then = handler_->definition().failures.then;
  if (then == on_failure::stop) return halt(why);
  const bool skips = then == on_failure::skip;
  around_.log(subject_ + (skips ? " skips " : " parks ") + "the event at position " +
              std::to_string(event.id.position) +
              (event.id.part ? ", part " + std::to_string(*event.id.part) + "," : "") + " after " +
              std::to_string(attempts) + (attempts == 1 ? " attempt: " : " attempts: ") + why.message());
  phase_ = phase::committing;
  batch_end_ = position_;
  const auto& [position, part] = event.id;
  if (skips) {
    record(consumer_record::skip{{position, event.persistence_id, event.type, why.message(), attempts, part}},
           event.id);
    to_skip_ = event.id;
  } else {
    record(consumer_record::park{{position, event.key.text, event.persistence_id, event.type, why.message(), attempts,
                                  part, event.key.is_known}},
           event.id);
    to_park_.emplace_back(event.id, event.key);
  }
  send();
}

void consumer_actor::halt(const error& why) {
  phase_ = phase::halted;
  around_.log(subject_ + " halts: " + why.message());
  around_.health.report(subject_, error{why.code(), subject_ + " has halted"}.because(why));
  shown_->has_halted(why);
  refuse_releases(cannot_release_now());
  for (const auto& each : std::exchange(pause_requests_, {})) each.done();
  report();
  if (!reset_requests_.empty()) reset();
}

std::string consumer_actor::letters_subject() const { return "dead letters of '" + part_.label(name_) + "'"; }

void consumer_actor::show_parked() {
  const auto count = parked_.letters().size();
  shown_->has_parked(count);
  const auto subject = letters_subject();
  if (count == 0) return around_.health.clear(subject);
  around_.health.report_condition(subject, {errc::handler_failed, subject, std::to_string(count) + " events wait"});
}

bool consumer_actor::is_busy() const { return phase_ == phase::committing || phase_ == phase::releasing; }

void consumer_actor::take(report_when_past request) {
  report_requests_.push_back(std::move(request));
  report();
}

// Answers those who need not wait any longer.
void consumer_actor::report() {
  if (phase_ == phase::starting) return;
  const bool goes_on = phase_ != phase::halted && phase_ != phase::paused;
  std::erase_if(report_requests_, [&](const report_when_past& each) {
    if (goes_on && position_ < each.position) return false;
    consumer_report made{goes_on, {}, parked_.have_unknown_keys()};
    for (const auto& key : each.keys) {
      if (parked_.has(key)) made.blocked.push_back(key);
    }
    each.reply(std::move(made));
    return true;
  });
}

void consumer_actor::take(pause_consumer request) {
  is_paused_ = true;
  pause_requests_.push_back(std::move(request));
  // A starting one pauses when it has started; one that has halted takes nothing anyway.
  if (phase_ == phase::halted) {
    for (const auto& each : std::exchange(pause_requests_, {})) each.done();
  } else if (!is_busy() && phase_ != phase::starting) {
    ask_for_more();
  }
}

void consumer_actor::resume() {
  is_paused_ = false;
  if (phase_ == phase::halted) {
    failed_.clear();
    backoff_ = std::chrono::milliseconds{0};
    around_.health.clear(subject_);
    if (!has_started_) {
      phase_ = phase::starting;
      return start();
    }
  } else if (phase_ != phase::paused) {
    return;
  }
  shown_->is_at(position_, event_time_, around_.runs_on.now());
  finish_letters_of_last_run();  // if a pause has kept it from that
  ask_for_more();
}

void consumer_actor::take(reset_consumer request) {
  reset_requests_.push_back(std::move(request));
  if (!is_busy()) reset();
}

void consumer_actor::reset() {
  const auto requests = std::exchange(reset_requests_, {});
  const auto done = handler_->reset();
  if (done) {
    around_.health.clear(subject_);
    backoff_ = std::chrono::milliseconds{0};
    failed_.clear();
    trouble_position_ = 0;
    in_hand_.reset();
    skipped_.clear();
    ++attempt_;
    phase_ = phase::starting;
    start();
  } else if (phase_ != phase::halted && phase_ != phase::starting) {
    ask_for_more();
  }
  // Who asks for rows at a position from here on waits until they are there again.
  for (const auto& each : requests) each.reply(done);
}

// Also when it was paused, resumed or reset while it waited to try again: then there is nothing to do.
void consumer_actor::try_again(retry asked) {
  if (asked.number != retries_) return;
  if (phase_ == phase::starting) start();
  if (phase_ == phase::backing_off) ask_for_more();
}

void consumer_actor::stop(stop_actor request) {
  stop_request_ = std::move(request);
  if (phase_ != phase::committing && phase_ != phase::releasing) finish_stopping();
}

void consumer_actor::finish_stopping() {
  const auto refusal = [this](const char* doing) {
    return error{errc::stopped, std::string{doing} + " '" + name_ + "'", "the consumer is being stopped"};
  };
  refuse_releases(refusal("releasing dead letters of"));
  for (const auto& each : std::exchange(reset_requests_, {})) each.reply(refusal("resetting"));
  for (const auto& each : std::exchange(pause_requests_, {})) each.done();
  if (phase_ != phase::starting && has_started_) {
    if (auto closed = handler_->save(position_); !closed) {
      around_.log(subject_ + " could not save its checkpoint: " + closed.error().message());
    }
  }
  phase_ = phase::stopped;
  around_.health.clear(subject_);  // the runtime may go on without it
  around_.health.clear(letters_subject());
  shown_->has_stopped();
  stop_request_->done();
}

}  // namespace tyto::detail
