#include "past_decisions.hpp"

#include <algorithm>
#include <string>

namespace tyto::testing {
namespace {

// So many events are in memory at once; meanwhile, a store holds no read transaction.
constexpr std::uint64_t events_ahead = 4'096;

bool is_upcasting_failure(const error& why) {
  return why.code() == errc::missing_upcaster || why.code() == errc::undecodable || why.code() == errc::handler_failed;
}

bool continues_decision(const metadata& last, const metadata& next) {
  if (next.persistence_id != last.persistence_id) return false;
  if (next.part > 0) return next.sequence_number == last.sequence_number;
  return next.decision_index > last.decision_index && next.position - last.position == 1;
}

}  // namespace

void position_set::add(std::uint64_t first, std::uint64_t last) {
  if (!ranges_.empty() && ranges_.back().second + 1 >= first) {
    ranges_.back().second = std::max(ranges_.back().second, last);
  } else {
    ranges_.emplace_back(first, last);
  }
}

bool position_set::has(std::uint64_t position) const {
  const auto after = std::ranges::upper_bound(ranges_, position, {}, [](const auto& each) { return each.first; });
  return after != ranges_.begin() && std::prev(after)->second >= position;
}

result<std::vector<recorded_event>> past_decisions::next() {
  std::vector<recorded_event> decision;
  for (;;) {
    if (ahead_.empty() && !is_at_end_) {
      if (auto read = read_on(); !read) return std::move(read).error();
      continue;
    }
    if (ahead_.empty() || (!decision.empty() && !continues_decision(decision.back().meta, ahead_.front().meta))) {
      return decision;
    }
    decision.push_back(std::move(ahead_.front()));
    ahead_.pop_front();
  }
}

result<void> past_decisions::read_on() {
  if (next_ > until_) {
    is_at_end_ = true;
    return {};
  }
  const journal_range range{.from = next_, .max_events = std::min(events_ahead, until_ - next_ + 1)};
  auto seen = next_ - 1;
  auto read = journal_.read_all(range, [&](const event_view& event) {
    if (event.meta.position > until_) return visit::stop;
    seen = event.meta.position;
    note_missing(seen);
    ahead_.push_back({event.meta, std::string{event.payload}, nullptr, nullptr});
    return visit::next;
  });
  if (!read) {
    if (!is_upcasting_failure(read.error())) return std::move(read).error();
    next_ = seen + 1;
    return pass_over_unreadable(read.error());
  }
  is_at_end_ = *read < next_;
  next_ = std::max(*read, next_) + 1;
  return {};
}

void past_decisions::note_missing(std::uint64_t found) {
  if (found > expected_) missing_.add(expected_, found - 1);
  expected_ = found + 1;
}

result<void> past_decisions::pass_over_unreadable(const error& why) {
  std::optional<metadata> unreadable;
  auto read = journal_.read_all({.from = next_, .as_stored = true}, [&](const event_view& event) {
    unreadable = event.meta;
    return visit::stop;
  });
  if (!read) return std::move(read).error();
  if (!unreadable) return why;
  const auto position = unreadable->position;
  note_missing(position);
  missing_.add(position, position);
  unreadable_.add(position, position);
  notes_.add(rehearsal_note::kind::undecodable, unreadable->type, position, why.message());
  next_ = position + 1;
  return {};
}

}  // namespace tyto::testing
