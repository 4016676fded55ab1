// The consumer's side of releasing dead letters: a batch of them is handled again or given up, and put on record, when
// the consumer has nothing else in hand; then other events have their turn.
#include <algorithm>
#include <utility>

#include "consumer/consumer_actor.hpp"

namespace tyto::detail {
namespace {

// A batch ends when its handlers have taken this long, so that other events do not wait longer.
constexpr std::chrono::milliseconds max_batch_time{100};

// After so many letters what the handler has put off is done, so that the time can be looked at.
constexpr std::size_t run_every = 256;

bool is_wanted(const release_parked& request, const delivery_id& letter, const std::string& key) {
  return request.position.value_or(letter.position) == letter.position && request.key.value_or(key) == key;
}

}  // namespace

void consumer_actor::take(release_parked request) {
  if (phase_ == phase::halted || is_paused_) return request.reply(cannot_release_now());
  release_requests_.push_back(std::move(request));
  if (phase_ == phase::waiting && can_release()) release_next();
}

error consumer_actor::cannot_release_now() const {
  return {
      errc::stopped, "releasing dead letters of '" + name_ + "'",
      phase_ == phase::halted ? "the consumer has halted; resume it first" : "the consumer is paused; resume it first"};
}

// What has been released stays so.
void consumer_actor::refuse_releases(const error& why) {
  if (releasing_) release_requests_.push_front(std::move(std::exchange(releasing_, std::nullopt)->request));
  for (const auto& each : std::exchange(release_requests_, {})) each.reply(why);
}

// A dead letter that lies ahead, after a crash or when rows are made anew, comes by once more: if it had been released
// before, it would be handled twice. One that is on record and not yet known here must be blocked until it is.
bool consumer_actor::can_release() const {
  if ((!releasing_ && release_requests_.empty()) || position_ < parking_position_) return false;
  const auto& request = releasing_ ? releasing_->request : release_requests_.front();
  const auto& letters = parked_.letters();
  const auto last = std::find_if(letters.rbegin(), letters.rend(),
                                 [&](const auto& each) { return is_wanted(request, each.first, each.second); });
  return last == letters.rend() || last->first.position <= position_;
}

// The program may have ended when the effect of dead letters was there and their release not yet on record.
void consumer_actor::finish_letters_of_last_run() {
  const auto committed = handler_->committed_letters();
  if (std::ranges::none_of(committed, [this](const auto& each) { return parked_.contains(each); })) {
    return handler_->letters_are_on_record(around_.bus.head());
  }
  constexpr std::uint64_t no_other = 0;
  release_requests_.push_front({release_parked::way::replay, no_other, std::nullopt, [this](const auto& outcome) {
                                  if (!outcome) around_.log(outcome.error().message());
                                }});
}

// The letters whose turn it is: first of all those that only have to go on record, whatever is asked for.
std::vector<letter_in_hand> consumer_actor::next_letters(std::size_t most) const {
  std::vector<letter_in_hand> letters;
  const auto& parked = parked_.letters();
  for (const auto& each : handler_->committed_letters()) {
    if (const auto found = parked.find(each); found != parked.end()) letters.push_back({found->first, found->second});
  }
  if (!letters.empty()) return letters;
  for (auto each = parked.upper_bound(releasing_->seen_to); each != parked.end() && letters.size() < most; ++each) {
    // What waits behind an event that has failed once more goes on waiting.
    if (!is_wanted(releasing_->request, each->first, each->second)) continue;
    if (!releasing_->failed_keys.contains(each->second)) letters.push_back({each->first, each->second});
  }
  return letters;
}

// Begins with the next request, or goes on with the one in hand: with one batch.
void consumer_actor::release_next() {
  phase_ = phase::releasing;
  if (!releasing_) {
    releasing_.emplace().request = std::move(release_requests_.front());
    release_requests_.pop_front();
  }
  releasing_->batch = next_letters(around_.max_batch);
  releasing_->is_dealt_with = false;
  const auto& batch = releasing_->batch;
  if (batch.empty()) return end_batch();
  const auto committed = handler_->committed_letters();
  if (std::ranges::find(committed, batch.front().id) != committed.end()) return record_releases();
  if (releasing_->request.how == release_parked::way::replay) return handle_again();
  // A checkpoint that has been put off may not have passed the letters yet: they would come again.
  if (auto saved = handler_->save(position_); !saved) return end_release(saved.error());
  record_releases();
}

void consumer_actor::handle_again() {
  read_letters();
  const auto started = around_.runs_on.now();
  auto& batch = releasing_->batch;
  const auto end_after = [&](const letter_in_hand& last) {
    if (around_.runs_on.now() - started <= max_batch_time) return;
    batch.resize(static_cast<std::size_t>(&last - batch.data()) + 1);
  };
  std::vector<std::pair<const recorded_event*, commands>> follow;
  // What has failed may have left something half done: everything else is done once more, without it.
  while (const auto failed = handle_letters(end_after, follow)) {
    handler_->abandon();
    follow.clear();
    auto& letter = *std::ranges::find_if(batch, [&failed](const letter_in_hand& each) {
      return std::ranges::any_of(each.events, [&](const auto& event) { return &event == failed->event; });
    });
    fail_letters(letter, failed->why);
    end_after(letter);
  }
  releasing_->seen_to = batch.back().id;
  for (auto& [event, commands] : follow) add(*event, std::move(commands));
  send();
}

void consumer_actor::read_letters() {
  for (auto& letter : releasing_->batch) {
    if (letter.has_failed) continue;
    auto read = around_.journal.read_all({letter.id.position, wanted_, 1}, [&letter](const event_view& event) {
      if (!is_about(letter.id, event.meta)) return visit::next;
      letter.events.push_back({event.meta, std::string{event.payload}, nullptr, nullptr});
      return visit::next;
    });
    if (!read) {
      fail_letters(letter, read.error());
    } else {
      letter.is_gone = letter.events.empty();
    }
  }
}

// Returns the first event that fails.
std::optional<failed_event> consumer_actor::handle_letters(
    const std::function<void(const letter_in_hand&)>& end_after,
    std::vector<std::pair<const recorded_event*, commands>>& follow) {
  auto& batch = releasing_->batch;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (batch[i].has_failed) continue;
    for (const auto& event : batch[i].events) {
      auto commands = handler_->handle(event);
      if (!commands) return failed_event{&event, std::move(commands).error()};
      follow.emplace_back(&event, *std::move(commands));
    }
    if ((i + 1) % run_every == 0) {
      if (auto failed = handler_->run()) return failed;
    }
    end_after(batch[i]);
  }
  return handler_->finish();
}

void consumer_actor::fail_letter(const metadata& event, const error& why) {
  for (auto& letter : releasing_->batch) {
    if (is_about(letter.id, event)) return fail_letters(letter, why);
  }
}

// It stays what it is, and so do those of its key behind it.
void consumer_actor::fail_letters(letter_in_hand& first, const error& why) {
  for (auto* each = &first; each != releasing_->batch.data() + releasing_->batch.size(); ++each) {
    each->has_failed = each->has_failed || each->key == first.key;
  }
  releasing_->failed_keys.insert(first.key);
  if (releasing_->failed) return;
  releasing_->failed = error{why.code(), "releasing the dead letter at position " + std::to_string(first.id.position) +
                                             " of '" + name_ + "'"}
                           .because(why);
}

// The commands of a batch are answered, or its releases are on record.
void consumer_actor::letters_answered() {
  if (failed_command_) return end_release(*failed_command_);
  if (releasing_->is_dealt_with) return released();
  std::erase_if(releasing_->batch, [](const letter_in_hand& each) { return each.has_failed; });
  if (releasing_->batch.empty()) return end_batch();
  std::vector<delivery_id> letters;
  for (const auto& each : releasing_->batch) {
    if (!each.is_gone) letters.push_back(each.id);
  }
  auto committed = handler_->commit_letters(letters, position_);
  committed ? record_releases() : end_release(committed.error());
}

// The effect first, and on the disk. Should the program end before the releases are on record, the rows name the
// letters that they hold; of a reaction they come again, and its commands change nothing the second time.
void consumer_actor::record_releases() {
  if (auto synced = handler_->sync(); !synced) return end_release(synced.error());
  const auto committed = handler_->committed_letters();
  const bool is_discarded = releasing_->request.how == release_parked::way::discard &&
                            std::ranges::find(committed, releasing_->batch.front().id) == committed.end();
  consumer_record::release all;
  for (const auto& each : releasing_->batch) {
    all.what.push_back({each.id.position, is_discarded || each.is_gone, each.id.part});
  }
  releasing_->is_dealt_with = true;
  record(std::move(all), releasing_->batch.front().id);
  send();
}

void consumer_actor::released() {
  for (const auto& each : releasing_->batch) {
    if (is_wanted(releasing_->request, each.id, each.key) && !each.is_gone) ++releasing_->released;
    parked_.remove(each.id);
  }
  handler_->letters_are_on_record(around_.bus.head());
  end_batch();
}

// The storage has failed. Nothing of the batch is done, or it only has to go on record, which comes first next time.
void consumer_actor::end_release(const error& why) {
  auto failed = error{why.code(), releasing_what()}.because(why);
  handler_->abandon();
  failed_command_.reset();
  releasing_->failed = std::move(failed);
  releasing_->is_over = true;
  end_batch();
}

void consumer_actor::end_batch() {
  ++attempt_;
  releasing_->batch.clear();
  show_parked();
  if (releasing_->is_over || next_letters(1).empty()) {
    const auto done = *std::exchange(releasing_, std::nullopt);
    done.request.reply(done.failed ? result<std::size_t>{*done.failed} : done.released);
  } else {
    releasing_->gives_way = true;
  }
  if (stop_request_) return finish_stopping();
  ask_for_more();
}

std::string consumer_actor::releasing_what() const {
  const auto& batch = releasing_->batch;
  const auto at = [](const letter_in_hand& each) { return std::to_string(each.id.position); };
  if (batch.size() == 1) return "releasing the dead letter at position " + at(batch.front()) + " of '" + name_ + "'";
  return "releasing the dead letters from position " + at(batch.front()) + " to " + at(batch.back()) + " of '" + name_ +
         "'";
}

}  // namespace tyto::detail
