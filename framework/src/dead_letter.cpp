#include "tyto/dead_letter.hpp"

#include <map>
#include <utility>

namespace tyto {

namespace {

// Which one a record is about.
template <class Record>
delivery_id delivery_in(const Record& record) {
  return {record.position, record.part};
}

}  // namespace

decision<consumer_record::event> consumer_record::decide(const state& s, const park& c) {
  if (s.parked.contains(delivery_in(c.what))) return nothing;
  return c.what;
}

decision<consumer_record::event> consumer_record::decide(const state&, const skip& c) { return c.what; }

decision<consumer_record::event> consumer_record::decide(const state& s, const release& c) {
  std::vector<event> released;
  for (const auto& each : c.what) {
    if (s.parked.contains(delivery_in(each))) released.emplace_back(each);
  }
  return released;
}

consumer_record::state consumer_record::evolve(state s, const event_parked& e) {
  s.parked.insert(delivery_in(e));
  return s;
}

consumer_record::state consumer_record::evolve(state s, const event_skipped&) { return s; }

consumer_record::state consumer_record::evolve(state s, const event_released& e) {
  s.parked.erase(delivery_in(e));
  return s;
}

result<std::vector<dead_letter>> dead_letters(const event_store& journal, std::string_view consumer) {
  const auto id = make_persistence_id(consumer_record::category, consumer);
  std::map<delivery_id, dead_letter> parked;
  result<void> decoded;
  auto read = journal.read_stream(id, 1, [&](const event_view& event) {
    if (event.meta.type == stored_name<event_parked>) {
      auto what = from_bytes<event_parked>(event.payload);
      if (!what) return decoded = std::move(what).error(), visit::stop;
      const auto letter = delivery_in(*what);
      parked.emplace(letter, dead_letter{*std::move(what), event.meta.time});
    } else if (event.meta.type == stored_name<event_released>) {
      auto what = from_bytes<event_released>(event.payload);
      if (!what) return decoded = std::move(what).error(), visit::stop;
      parked.erase(delivery_in(*what));
    }
    return visit::next;
  });
  const auto doing = "listing the dead letters of '" + std::string{consumer} + "'";
  if (!read) return error{read.error().code(), doing}.because(read.error());
  if (!decoded) return error{decoded.error().code(), doing}.because(decoded.error());
  std::vector<dead_letter> all;
  all.reserve(parked.size());
  for (auto& [which, letter] : parked) all.push_back(std::move(letter));
  return all;
}

}  // namespace tyto
