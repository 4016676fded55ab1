#include "journal_reader.hpp"

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>
#include <utility>

#include "trace_tree.hpp"
#include "tyto/json_lines.hpp"

namespace tyto::detail {
namespace {

// How far one read goes: so long it keeps pages from being used again.
constexpr std::uint64_t events_at_once = 8'192;
constexpr std::size_t most_bytes = std::size_t{4} << 20;  // of an answer, but for its last event

using steady = std::chrono::steady_clock;

// Puts `fields`, which begin with a comma, at the end of an object.
std::string with(std::string object, const std::string& fields) {
  object.insert(object.size() - 1, fields);
  return object;
}

// Keeps what comes until it is enough. The parts of an event stay together.
class collection {
 public:
  explicit collection(std::size_t limit) : limit_(limit) {}

  [[nodiscard]] bool has_room_for(const event_view& event) const {
    return event.meta.part != 0 || (events_.size() < limit_ && bytes_ < most_bytes);
  }
  void add(std::string event) {
    bytes_ += event.size();
    events_.push_back(std::move(event));
  }
  std::vector<std::string> take() { return std::exchange(events_, {}); }

 private:
  const std::size_t limit_;
  std::size_t bytes_ = 0;
  std::vector<std::string> events_;
};

// An event, or its parts.
struct events_at {
  std::uint64_t position = 0;
  std::vector<std::string> events;

  [[nodiscard]] std::size_t bytes() const {
    std::size_t sum = 0;
    for (const auto& each : events) sum += each.size();
    return sum;
  }
};

}  // namespace

bool wanted_events::takes(const event_view& event) const {
  return (stream.empty() || event.meta.persistence_id == stream) && which.takes(event);
}

event_filter wanted_events::filter() const {
  auto made = which.only;
  if (!stream.empty() && made.categories.empty()) made.categories.emplace_back(category_of(stream));
  return made;
}

bool wanted_events::is_all() const {
  return stream.empty() && which.only.types.empty() && which.only.categories.empty() && which.where.empty() &&
         !which.since && !which.until && !which.correlation;
}

std::string json_of(const event_view& event) {
  if (auto line = to_json_line(event)) return *std::move(line);
  constexpr std::string_view nil = "\xc0";
  return with(to_json_line({event.meta, nil}).value(), R"(,"unreadable":true)");
}

std::string json_with_cause(const event_view& event) {
  const auto named = survey::parse_cause(event.meta.causation_id);
  if (!named) return with(json_of(event), R"(,"caused_by":null,"consumer":null)");
  const auto consumer = nlohmann::json(named->consumer).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return with(json_of(event), ",\"caused_by\":" + std::to_string(named->position) + ",\"consumer\":" + consumer);
}

result<found_events> events_from(const event_store& journal, std::uint64_t from, const wanted_events& wanted,
                                 std::string (*show)(const event_view&)) {
  const auto limit = steady::now() + wanted.patience;
  from = std::max<std::uint64_t>(from, 1);
  collection kept{wanted.limit};
  while (true) {
    std::optional<std::uint64_t> left_off;
    auto passed = journal.read_all({.from = from, .only = wanted.filter(), .max_events = events_at_once},
                                   [&](const event_view& event) {
                                     if (!wanted.takes(event)) return visit::next;
                                     if (!kept.has_room_for(event)) {
                                       left_off = event.meta.position;
                                       return visit::stop;
                                     }
                                     kept.add(show(event));
                                     return visit::next;
                                   });
    if (!passed) return std::move(passed).error();
    if (left_off) return found_events{kept.take(), left_off};
    if (*passed < from) return found_events{kept.take(), std::nullopt};
    from = *passed + 1;
    if (steady::now() > limit) return found_events{kept.take(), from};
  }
}

// Goes back part by part, each of which is read forwards. What is too much is left out at the front.
result<found_events> events_before(const event_store& journal, std::uint64_t before, const wanted_events& wanted) {
  const auto limit = steady::now() + wanted.patience;
  auto head = journal.head();
  if (!head) return std::move(head).error();
  before = std::min(before, *head + 1);
  std::deque<events_at> found;
  std::size_t bytes = 0;
  bool is_full = false;
  while (before > 1 && !is_full && steady::now() < limit) {
    const auto span = wanted.is_all() ? std::min<std::uint64_t>(events_at_once, wanted.limit) : events_at_once;
    const auto from = before > span ? before - span : 1;
    std::deque<events_at> part;
    const auto take = [&](const event_view& event) {
      if (event.meta.position >= before) return visit::stop;
      if (!wanted.takes(event)) return visit::next;
      if (part.empty() || part.back().position != event.meta.position) part.push_back({event.meta.position, {}});
      bytes += part.back().events.emplace_back(json_of(event)).size();
      while (found.size() + part.size() > 1 && (found.size() + part.size() > wanted.limit || bytes > most_bytes)) {
        if (part.empty()) break;
        bytes -= part.front().bytes();
        part.pop_front();
        is_full = true;
      }
      return visit::next;
    };
    auto passed = journal.read_all({.from = from, .only = wanted.filter(), .max_events = before - from}, take);
    if (!passed) return std::move(passed).error();
    std::ranges::move(part.rbegin(), part.rend(), std::front_inserter(found));
    is_full = is_full || found.size() == wanted.limit;
    before = is_full && !found.empty() ? found.front().position : from;
  }
  found_events made;
  for (auto& each : found) std::ranges::move(each.events, std::back_inserter(made.events));
  if (before > 1) made.goes_on = before;
  return made;
}

result<found_stream> events_of_stream(const event_store& journal, const std::string& stream,
                                      std::optional<std::uint64_t> from, std::size_t limit) {
  if (auto usable = check_persistence_id(stream); !usable) return std::move(usable).error();
  auto known = journal.info(stream);
  if (!known) return std::move(known).error();
  const auto last = known->version >= limit ? known->version - limit + 1 : 1;
  found_stream made;
  collection kept{limit};
  auto read = journal.read_stream(stream, from.value_or(std::max(known->first, last)), [&](const event_view& event) {
    if (!kept.has_room_for(event)) {
      made.found.goes_on = event.meta.sequence_number;
      return visit::stop;
    }
    kept.add(json_of(event));
    return visit::next;
  });
  if (!read) return std::move(read).error();
  made.known = *std::move(read);
  made.found.events = kept.take();
  return made;
}

}  // namespace tyto::detail
