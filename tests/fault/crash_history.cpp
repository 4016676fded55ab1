#include "crash_history.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "contract/store_support.hpp"
#include "support/catch.hpp"
#include "support/long_enough.hpp"

namespace tyto::test {
namespace {

bool agree(const acknowledgement& one, const acknowledgement& other) {
  return one.position == other.position && one.sequence_number == other.sequence_number && one.events == other.events;
}

// Each event follows the one before it, in the journal and in its decision.
void check_order(const std::vector<seen_event>& events) {
  std::set<std::string> command_ids;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto& m = events[i].meta;
    REQUIRE(m.position == i + 1);
    REQUIRE(m.decision_index < m.decision_count);
    if (m.decision_index == 0) {
      REQUIRE(command_ids.insert(m.command_id).second);
    } else {
      const auto& before = events[i - 1].meta;
      REQUIRE(m.command_id == before.command_id);
      REQUIRE(m.persistence_id == before.persistence_id);
      REQUIRE(m.decision_index == before.decision_index + 1);
      REQUIRE(m.decision_count == before.decision_count);
    }
    const bool ends = i + 1 == events.size() || events[i + 1].meta.decision_index == 0;
    REQUIRE(ends == (m.decision_index + 1 == m.decision_count));
  }
}

void check_streams(const event_store& journal, const std::vector<seen_event>& events) {
  std::map<std::string, positions> streams;
  for (const auto& [m, payload] : events) {
    auto& stream = streams[m.persistence_id];
    stream.push_back(m.position);
    REQUIRE(m.sequence_number == stream.size());
  }
  for (const auto& [id, places] : streams) {
    REQUIRE(journal.info(id).value().version == places.size());
    REQUIRE(positions_of(read_stream(journal, id)) == places);
  }
}

// The commands of the writers' callers, by number; each must have led to just its events.
std::map<std::uint64_t, acknowledgement> commands_in(const std::vector<seen_event>& events) {
  std::map<std::uint64_t, acknowledgement> stored;
  for (const auto& [m, payload] : events) {
    if (m.category() != tally::category || m.decision_index + 1 < m.decision_count) continue;
    const auto number = number_of(m.command_id);
    REQUIRE(m.entity_id() == entity_of(number));
    REQUIRE(m.decision_count == events_of(number));
    stored[number] = {number, m.position, m.sequence_number, m.decision_count, 0};
  }
  return stored;
}

}  // namespace

std::vector<std::uint64_t> crash_history::to_send_again(std::mt19937& random) const {
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t number = 0; number < next_; ++number) {
    const bool open = !acknowledged_.contains(number);
    if (open || random() % 16 == 0) numbers.push_back(number);
    if (open && random() % 2 == 0) numbers.push_back(number);
  }
  return numbers;
}

void crash_history::acknowledged(const acknowledgement& told) {
  INFO("command " << told.number);
  ++heard_since_check_;
  next_ = std::max(next_, told.number + 1);
  const auto [first, is_first] = acknowledged_.try_emplace(told.number, told);
  REQUIRE(agree(told, first->second));
  REQUIRE(told.events == events_of(told.number));
  const auto stored = stored_.find(told.number);
  if (stored != stored_.end()) REQUIRE(agree(told, stored->second));
  // Of the answers to one command, only the one of the writer that stored it is no repetition.
  if (stored != stored_.end()) REQUIRE(told.repeated == 1);
  const bool was_hidden = beside_reader_ && told.position > head_;
  if (is_first && stored == stored_.end() && !was_hidden) REQUIRE(told.repeated == 0);
}

crash_history::found crash_history::check(const storage& left, bool beside_reader) {
  const auto events = read_all(*left.journal);
  REQUIRE(left.journal->head().value() == events.size());
  check_order(events);
  check_streams(*left.journal, events);
  REQUIRE(left.journal->load_checkpoint(echoing::name).value() <= events.size());
  REQUIRE(left.read_models->snapshot(sums::name).value()->position() <= events.size());

  stored_ = commands_in(events);
  for (const auto& [number, told] : acknowledged_) {
    INFO("command " << number);
    const auto stored = stored_.find(number);
    REQUIRE(stored != stored_.end());
    REQUIRE(agree(told, stored->second));
  }
  heard_since_check_ = 0;
  head_ = events.size();
  beside_reader_ = beside_reader;
  if (!stored_.empty()) next_ = std::max(next_, stored_.rbegin()->first + 1);
  return {stored_.size() - acknowledged_.size(), next_ - stored_.size()};
}

void crash_history::check_complete(const storage& left) const {
  REQUIRE(acknowledged_.size() == next_);
  REQUIRE(stored_.size() == next_);
  std::map<std::string, sums::row> expected;
  for (const auto& [number, told] : stored_) {
    expected[entity_of(number)].counted_in += told.events;
    expected[entity_of(number)].echoed += 1;
  }
  const auto head = left.journal->head().value();
  std::uint64_t events = 0;
  runtime rt{left};
  add_crash_domain(rt);
  rt.start().value();
  rt.settle(long_enough).value();
  for (const auto& [entity, row] : expected) {
    INFO("entity " << entity);
    const auto rows = rt.query<sums>({entity}).value();
    REQUIRE(rows.counted_in == row.counted_in);
    REQUIRE(rows.echoed == row.echoed);
    events += row.counted_in + row.echoed;
  }
  REQUIRE(rt.status().head == head);  // nothing was left to do
  REQUIRE(events == head);
}

}  // namespace tyto::test
