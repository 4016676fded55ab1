// The consumer's side of releasing dead letters: one after the other is handled again or given up, and put on record,
// when the consumer has nothing else in hand.
#include <algorithm>
#include <utility>

#include "consumer/consumer_actor.hpp"

namespace tyto::detail {
namespace {

bool is_wanted(const release_parked& request, std::uint64_t position, const std::string& key) {
  return request.position.value_or(position) == position && request.key.value_or(key) == key;
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

// The last one first.
std::vector<std::uint64_t> consumer_actor::letters_for(const release_parked& request) const {
  std::vector<std::uint64_t> letters;
  for (const auto& [position, key] : parked_.by_position()) {
    if (is_wanted(request, position, key)) letters.push_back(position);
  }
  std::reverse(letters.begin(), letters.end());
  return letters;
}

// A dead letter that lies ahead, after a crash or when rows are made anew, comes by once more: if it had been released
// before, it would be handled twice. One that is on record and not yet known here must be blocked until it is.
bool consumer_actor::can_release() const {
  if (release_requests_.empty() || position_ < parking_position_) return false;
  const auto letters = letters_for(release_requests_.front());
  return letters.empty() || letters.front() <= position_;
}

// The program may have ended when a dead letter's effect was there and its release not yet on record.
void consumer_actor::finish_letter_of_last_run() {
  const auto letter = handler_->committed_letter();
  if (!parked_.contains(letter)) return;
  release_requests_.push_front({release_parked::way::replay, letter, std::nullopt, [this](const auto& outcome) {
                                  if (!outcome) around_.log(outcome.error().message());
                                }});
}

void consumer_actor::begin_releasing() {
  releasing_.emplace().request = std::move(release_requests_.front());
  release_requests_.pop_front();
  auto& left = releasing_->left;
  left = letters_for(releasing_->request);
  // One that only has to go on record does so before another one is handled: the handler remembers no more than one.
  if (const auto letter = handler_->committed_letter(); parked_.contains(letter)) {
    std::erase(left, letter);
    left.push_back(letter);
  }
}

// Begins with the next request, or goes on with the one in hand, until there is an answer to wait for.
void consumer_actor::release_next() {
  phase_ = phase::releasing;
  if (!releasing_) begin_releasing();
  while (!releasing_->left.empty() && !stop_request_) {
    const auto position = releasing_->left.back();
    releasing_->left.pop_back();
    // What waits behind an event that has failed once more goes on waiting.
    if (releasing_->failed_keys.contains(parked_.by_position().at(position))) continue;
    release(position);
    if (unanswered_ > 0) return;
  }
  finish_releasing();
}

void consumer_actor::release(std::uint64_t position) {
  releasing_->position = position;
  releasing_->is_dealt_with = false;
  if (position == handler_->committed_letter()) return record_release(false);
  if (releasing_->request.how == release_parked::way::replay) return handle_again(position);
  // A checkpoint that has been put off may not have passed the letter yet: it would come again.
  if (auto saved = handler_->save(position_); !saved) return release_failed(saved.error());
  record_release(true);
}

void consumer_actor::handle_again(std::uint64_t position) {
  std::vector<recorded_event> events;  // none if it was removed
  auto read = around_.journal.read_all({position, wanted_, 1}, [&](const event_view& event) {
    if (event.meta.position == position) events.push_back({event.meta, std::string{event.payload}, nullptr, nullptr});
    return visit::next;
  });
  if (!read) return release_failed(read.error());
  for (const auto& event : events) {
    auto sent = handler_->handle(event);
    if (!sent) return release_failed(sent.error());
    send(event, *std::move(sent));
  }
  if (const auto failed = handler_->finish()) return release_failed(failed->why);
  if (unanswered_ == 0) released();
}

// The effect first, and on the disk. Should the program end before the release is on record, the rows name the letter
// that they hold; of a reaction it comes again, and its commands change nothing the second time.
void consumer_actor::record_release(bool discarded) {
  if (auto synced = handler_->sync(); !synced) return release_failed(synced.error());
  releasing_->is_dealt_with = true;
  record(consumer_record::release{{releasing_->position, discarded}}, releasing_->position);
}

// The commands of a dead letter are answered, or its release is on record.
void consumer_actor::released() {
  if (failed_command_) return release_failed(error{*failed_command_});
  const auto position = releasing_->position;
  if (!releasing_->is_dealt_with) {
    auto committed = handler_->commit_letter(position, position_);
    return committed ? record_release(false) : release_failed(committed.error());
  }
  if (is_wanted(releasing_->request, position, parked_.by_position().at(position))) ++releasing_->released;
  parked_.remove(position);
  ++attempt_;
}

void consumer_actor::release_failed(const error& why) {
  const auto position = releasing_->position;
  handler_->abandon();
  failed_command_.reset();
  unanswered_ = 0;
  ++attempt_;
  releasing_->failed_keys.insert(parked_.by_position().at(position));
  // Its effect is there, so the handler must remember it and can do no other one.
  if (position == handler_->committed_letter()) releasing_->left.clear();
  if (!releasing_->failed) {
    releasing_->failed =
        error{why.code(), "releasing the dead letter at position " + std::to_string(position) + " of '" + name_ + "'"}
            .because(why);
  }
}

void consumer_actor::finish_releasing() {
  const auto done = *std::exchange(releasing_, std::nullopt);
  show_parked();
  done.request.reply(done.failed ? result<std::size_t>{*done.failed} : done.released);
  if (stop_request_) return finish_stopping();
  ask_for_more();
}

}  // namespace tyto::detail
