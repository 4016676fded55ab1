#include "consumer_history.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "contract/store_support.hpp"
#include "support/catch.hpp"
#include "support/long_enough.hpp"

namespace tyto::test {
namespace {

template <class Event>
bool is(const seen_event& event) {
  return event.meta.type == stored_name<Event>;
}

template <class Event>
Event content(const seen_event& event) {
  return from_bytes<Event>(event.payload).value();
}

// Everything in a journal, and what each command led to.
class told_by_journal {
 public:
  explicit told_by_journal(const event_store& journal) : events_(read_all(journal)) {
    std::uint64_t position = 0;
    for (const auto& event : events_) {
      REQUIRE(event.meta.position == ++position);
      if (event.meta.decision_index > 0 || event.meta.command_id.empty()) continue;
      INFO("command " << event.meta.command_id);
      REQUIRE(effects_.emplace(event.meta.command_id, &event).second);
    }
  }

  [[nodiscard]] const std::vector<seen_event>& events() const { return events_; }

  template <class Event>
  [[nodiscard]] std::size_t count() const {
    return static_cast<std::size_t>(std::ranges::count_if(events_, is<Event>));
  }

  // The event that the first command of `consumer` for `cause` led to, or null.
  [[nodiscard]] const seen_event* effect(std::string_view consumer, const seen_event& cause) const {
    const auto found = effects_.find(std::string{consumer} + "/" + std::to_string(cause.meta.position) + "/0");
    return found == effects_.end() ? nullptr : found->second;
  }

 private:
  std::vector<seen_event> events_;
  std::unordered_map<std::string, const seen_event*> effects_;
};

void check_commands(const told_by_journal& told, std::uint64_t next) {
  std::vector<std::uint32_t> events_of_number(next);
  for (const auto& event : told.events()) {
    if (is<counted_in>(event)) ++events_of_number.at(content<counted_in>(event).number);
  }
  for (std::uint64_t number = 0; number < next; ++number) REQUIRE(events_of_number[number] == events_of(number));
}

// One echo of each command, in the order of its stream.
void check_echoes(const told_by_journal& told) {
  std::map<std::string, std::vector<std::uint64_t>> said;
  std::map<std::string, std::vector<std::uint64_t>> heard;
  for (const auto& event : told.events()) {
    const std::string entity{event.meta.entity_id()};
    if (is<echoed>(event)) heard[entity].push_back(content<echoed>(event).number);
    if (!is<counted_in>(event) || event.meta.decision_index > 0) continue;
    said[entity].push_back(content<counted_in>(event).number);
    const auto* effect = told.effect(echoing::name, event);
    REQUIRE(effect != nullptr);
    REQUIRE(is<echoed>(*effect));
  }
  REQUIRE(said == heard);
}

// Poison is parked, and so is what follows it in its group; everything else has its stamp. Returns the stamps.
std::size_t check_picky(const event_store& journal, const told_by_journal& told) {
  std::set<std::string> blocked;
  std::map<std::uint64_t, std::uint32_t> expected;  // attempts
  std::size_t stamped_events = 0;
  for (const auto& event : told.events()) {
    if (!is<counted_in>(event)) continue;
    INFO("position " << event.meta.position);
    const auto in = content<counted_in>(event);
    const auto group = picky::key(in, event.meta);
    const auto* effect = told.effect(picky::name, event);
    if (blocked.contains(group) || picky::is_poison(in)) {
      const bool waits = !blocked.insert(group).second;
      expected.emplace(event.meta.position, waits ? 0 : picky::failures.max_retries() + 1);
      REQUIRE(effect == nullptr);
    } else {
      REQUIRE(effect != nullptr);
      REQUIRE(content<stamped>(*effect).number == in.number);
      ++stamped_events;
    }
  }
  std::map<std::uint64_t, std::uint32_t> found;
  const auto letters = dead_letters(journal, picky::name).value();
  for (const auto& letter : letters) {
    found.emplace(letter.event.position, letter.event.attempts);
  }
  REQUIRE(found == expected);
  const auto parked = read_stream(journal, make_persistence_id(consumer_record::category, picky::name));
  REQUIRE(parked.size() == expected.size());
  return stamped_events;
}

// Every instance has heard its echo or missed it, and what was missed has its stamp. Returns the stamps.
std::size_t check_patience(const told_by_journal& told) {
  using types = std::vector<std::string_view>;
  static const types heard{stored_name<echo_awaited>, stored_name<echo_heard>};
  static const types missed{stored_name<echo_awaited>, stored_name<deadline_reached>, stored_name<echo_missed>};
  std::map<std::uint64_t, types> instances;
  std::size_t awaited = 0;
  for (const auto& event : told.events()) {
    if (is<counted_in>(event) && event.meta.decision_index == 0) {
      awaited += patience::awaits(content<counted_in>(event).number) ? 1 : 0;
    }
    if (event.meta.category() != patience::name) continue;
    instances[std::stoull(std::string{event.meta.entity_id()})].push_back(event.meta.type);
    if (!is<echo_missed>(event)) continue;
    const auto* effect = told.effect("patience/commands", event);
    REQUIRE(effect != nullptr);
    REQUIRE(content<stamped>(*effect).number == content<echo_missed>(event).number);
  }
  REQUIRE(instances.size() == awaited);
  for (const auto& [number, life] : instances) {
    INFO("instance " << number);
    REQUIRE((life == missed || (life == heard && patience::listens(number))));
  }
  return told.count<echo_missed>();
}

// Whatever was a dead letter of the projection once is none any more, and was handled when it was released.
void check_grudging(const event_store& journal) {
  std::map<std::uint64_t, int> parked;
  for (const auto& event : read_stream(journal, make_persistence_id(consumer_record::category, grudging::name))) {
    if (is<event_parked>(event)) {
      const auto [known, is_new] = parked.emplace(content<event_parked>(event).position, 0);
      REQUIRE(is_new);
    } else {
      const auto released = content<event_released>(event);
      REQUIRE_FALSE(released.discarded);
      REQUIRE(++parked.at(released.position) == 1);
    }
  }
  for (const auto& [position, releases] : parked) REQUIRE(releases == 1);
}

std::map<std::string, std::string> rows_of(const storage& left, std::string_view projection) {
  std::map<std::string, std::string> rows;
  const auto snapshot = left.read_models->snapshot(projection).value();
  const auto scanned = snapshot->scan({}, [&](std::string_view key, std::string_view value) {
    rows.emplace(key, value);
    return visit::next;
  });
  REQUIRE(scanned);
  return rows;
}

void check_stream_counts(const storage& left, const told_by_journal& told) {
  std::map<std::string, std::uint64_t> versions;
  for (const auto& event : told.events()) {
    if (event.meta.category() != consumer_record::category) ++versions[event.meta.persistence_id];
  }
  const auto rows = left.read_models->snapshot(stream_counts::name).value();
  std::size_t streams = 0;
  stream_counts::table{*rows}.for_each([&](const std::string& id, const stream_counts::row& row) {
    INFO("stream " << id);
    REQUIRE(row.events == versions[id]);
    REQUIRE(row.last == row.events);
    ++streams;
  });
  REQUIRE(streams == versions.size());
}

bool has_open_instances(const event_store& journal) {
  std::int64_t open = 0;
  (void)journal
      .read_all({},
                [&](const event_view& event) {
                  if (event.meta.type == stored_name<echo_awaited>) ++open;
                  if (event.meta.type == stored_name<echo_heard> || event.meta.type == stored_name<echo_missed>) --open;
                  return visit::next;
                })
      .value();
  return open > 0;
}

void settle(const std::filesystem::path& directory) {
  const auto stores = open_lmdb(crash_storage(directory)).value();
  runtime rt{stores, without_a_word({})};
  add_consumer_domain(rt);
  grudging::forgives = true;
  rt.projection<sums_again>().projection<stream_counts_again>().projection<grudging_again>().start().value();
  const auto limit = std::chrono::steady_clock::now() + long_enough;
  do {
    rt.settle(long_enough).value();
    REQUIRE(std::chrono::steady_clock::now() < limit);
  } while (has_open_instances(*stores.journal));
  rt.settle(long_enough).value();
  (void)rt.replay_dead_letters(grudging::name).value();
  REQUIRE(rt.dead_letters(grudging::name)->empty());
  rt.stop().value();
}

// Whether an event beyond `checkpoint` is the effect of `consumer` on one that is beyond it, too.
bool is_ahead(const event_view& event, std::string_view consumer, std::uint64_t checkpoint) {
  const std::string prefix = std::string{consumer} + "/";
  return event.meta.command_id.starts_with(prefix) &&
         std::stoull(event.meta.command_id.substr(prefix.size())) > checkpoint;
}

}  // namespace

void note_loose_ends(const storage& left, consumer_kills& kills) {
  const auto echoes = left.journal->load_checkpoint(echoing::name).value();
  const auto stamps = left.journal->load_checkpoint(picky::name).value();
  const auto deadlines = left.read_models->snapshot("patience/deadlines").value()->position();
  const auto head = left.journal->head().value();
  REQUIRE(std::max({echoes, stamps, deadlines}) <= head);
  bool echo_ahead = false;
  bool parked_ahead = false;
  bool deadline_ahead = false;
  const auto look = [&](const event_view& event) {
    echo_ahead = echo_ahead || is_ahead(event, echoing::name, echoes);
    if (event.meta.type == stored_name<event_parked> && event.meta.entity_id() == picky::name) {
      parked_ahead = parked_ahead || from_bytes<event_parked>(event.payload).value().position > stamps;
    }
    deadline_ahead =
        deadline_ahead || (event.meta.type == stored_name<deadline_reached> && event.meta.position > deadlines);
    return visit::next;
  };
  REQUIRE(left.journal->read_all({.from = std::min({echoes, stamps, deadlines}) + 1}, look));
  kills.echoes_to_repeat += echo_ahead ? 1 : 0;
  kills.parked_again += parked_ahead ? 1 : 0;
  kills.deadlines_told_again += deadline_ahead ? 1 : 0;
  const auto letters = dead_letters(*left.journal, grudging::name).value();
  const auto rows = left.read_models->snapshot(grudging::name).value();
  const auto& handled = rows->checkpoint().released;
  kills.letters_left += letters.empty() ? 0 : 1;
  kills.letters_to_finish += std::ranges::any_of(letters, [&handled](const dead_letter& letter) {
    return std::ranges::find(handled, letter.event.position, &delivery_id::position) != handled.end();
  });
}

void settle_and_check(const std::filesystem::path& directory, std::uint64_t next) {
  settle(directory);
  const auto left = open_lmdb(crash_storage(directory, true)).value();
  const told_by_journal told{*left.journal};
  check_commands(told, next);
  check_echoes(told);
  REQUIRE(told.count<stamped>() == check_picky(*left.journal, told) + check_patience(told));
  REQUIRE(rows_of(left, sums::name) == rows_of(left, sums_again::name));
  REQUIRE(rows_of(left, stream_counts::name) == rows_of(left, stream_counts_again::name));
  REQUIRE(rows_of(left, grudging::name) == rows_of(left, grudging_again::name));
  check_stream_counts(left, told);
  check_grudging(*left.journal);
}

}  // namespace tyto::test
