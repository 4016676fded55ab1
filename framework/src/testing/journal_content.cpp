#include "testing/journal_content.hpp"

#include <chrono>
#include <utility>

namespace tyto::testing {

recorded_event event_of(std::string type, std::string payload) {
  recorded_event event;
  event.meta.type = std::move(type);
  event.meta.time = timestamp{std::chrono::microseconds{1'700'000'000'000'001}};
  event.payload = std::move(payload);
  return event;
}

std::shared_ptr<stream_write> write_of(std::string persistence_id, std::size_t events, expected_version expected) {
  auto write = std::make_shared<stream_write>(stream_write{std::move(persistence_id), expected, {}});
  for (std::size_t i = 0; i < events; ++i) write->events.push_back(event_of("test.happened"));
  return write;
}

std::shared_ptr<stream_write> change_of(std::string id, retention::action what, std::uint64_t first, std::string base,
                                        std::size_t events, expected_version expected) {
  auto write = write_of(std::move(id), events, expected);
  write->retain = retention{what, first, std::move(base)};
  return write;
}

event_visitor collect(std::vector<seen_event>& into) {
  return [&into](const event_view& event) {
    into.push_back({event.meta, std::string{event.payload}});
    return visit::next;
  };
}

std::vector<seen_event> read_stream(const event_store& store, std::string_view id, std::uint64_t from) {
  std::vector<seen_event> seen;
  (void)store.read_stream(id, from, collect(seen)).value();
  return seen;
}

std::vector<seen_event> read_all(const event_store& store, std::uint64_t from) {
  std::vector<seen_event> seen;
  (void)store.read_all({.from = from}, collect(seen)).value();
  return seen;
}

positions positions_of(const std::vector<seen_event>& events) {
  positions found;
  for (const auto& event : events) found.push_back(event.meta.position);
  return found;
}

std::vector<std::uint64_t> numbers_of(const std::vector<seen_event>& events) {
  std::vector<std::uint64_t> numbers;
  for (const auto& event : events) numbers.push_back(event.meta.sequence_number);
  return numbers;
}

}  // namespace tyto::testing
