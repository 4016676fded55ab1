#include "journal_comparison.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "field_comparison.hpp"
#include "tyto/codec.hpp"
#include "tyto/dead_letter.hpp"

namespace tyto::testing {
namespace {

constexpr std::uint64_t events_at_once = 4'096;

// Events that are the runtime's business, and those whose type was retired.
bool counts(const metadata& meta) { return meta.type != retired_type && meta.category() != consumer_record::category; }

}  // namespace

result<void> journal_comparison::run(rehearsal_report& report) {
  auto walked = walk(
      before_, report, [](auto& of_type) { ++of_type.before; },
      [&](const std::string& persistence_id) { return compare(persistence_id, report); });
  if (!walked) return walked;
  return walk(
      after_, report, [](auto& of_type) { ++of_type.after; },
      [&](const std::string& persistence_id) -> result<void> {
        bool is_before = false;
        auto read = before_.events.read_stream(persistence_id, 1, [&](const event_view& event) {
          is_before = event.meta.position <= before_.until;
          return visit::stop;
        });
        // What cannot be read is in the notes.
        return !read || is_before ? result<void>{} : compare(persistence_id, report);
      });
}

// One reading of the journal from a position on.
struct journal_comparison::stretch {
  std::vector<std::string> begun;                                  // streams that begin there
  std::vector<std::pair<std::string, std::uint64_t>> maybe_begun;  // if this is their first event that is left
  std::uint64_t seen = 0;                                          // the last position that was looked at
};

template <class Compare>
result<void> journal_comparison::walk(const compared_journal& side, rehearsal_report& report, add_count count,
                                      const Compare& compare) {
  std::uint64_t expected = 1;
  bool has_gaps = false;
  for (std::uint64_t from = 1; from <= side.until;) {
    stretch here;
    here.seen = from - 1;
    const journal_range range{.from = from, .max_events = std::min(events_at_once, side.until - from + 1)};
    auto read = side.events.read_all(range, [&](const event_view& event) {
      if (event.meta.position > side.until) return visit::stop;
      here.seen = event.meta.position;
      has_gaps |= event.meta.position > expected;
      expected = event.meta.position + 1;
      if (counts(event.meta)) pass(event.meta, side, has_gaps, report, count, here);
      return visit::next;
    });
    // One that cannot be brought up to date is in the notes, and so is its stream. There may be a gap before it.
    auto& seen = here.seen;
    while (!read && side.unreadable != nullptr && seen < side.until && !side.unreadable->has(seen + 1)) ++seen;
    if (!read && (side.unreadable == nullptr || seen >= side.until)) return std::move(read).error();
    if (!read) has_gaps = true;
    for (const auto& [persistence_id, first] : here.maybe_begun) {
      auto stream = side.events.info(persistence_id);
      if (!stream) return std::move(stream).error();
      if (stream->first == first) here.begun.push_back(persistence_id);
    }
    for (const auto& each : here.begun) {
      if (auto compared = compare(each); !compared) return compared;
    }
    if (read && *read < from) return {};
    from = read ? *read + 1 : seen + 2;
  }
  return {};
}

void journal_comparison::pass(const metadata& meta, const compared_journal& side, bool has_gaps,
                              rehearsal_report& report, add_count count, stretch& here) {
  if (side.left_out == nullptr || !side.left_out->has(meta.position)) {
    count(report.categories[std::string{meta.category()}].events[meta.type]);
  }
  if (meta.part != 0) return;
  if (meta.sequence_number == 1) {
    here.begun.push_back(meta.persistence_id);
  } else if (has_gaps) {
    here.maybe_begun.emplace_back(meta.persistence_id, meta.sequence_number);
  }
}

std::string journal_comparison::identity_of(const event_view& event) const {
  std::string identity = event.meta.type + '\0';
  const auto ignored = ignored_.find(event.meta.type);
  const auto fields = ignored == ignored_.end() ? std::nullopt : fields_of(event.payload);
  if (!fields) return identity.append(event.payload);
  for (const auto& [name, value] : *fields) {
    if (ignored->second.contains(name)) continue;
    identity.append(to_bytes(name)).append(value);
  }
  return identity;
}

result<stream_info> journal_comparison::read(const compared_journal& side, const std::string& persistence_id,
                                             compared_events& into) const {
  return side.events.read_stream(persistence_id, 1, [&](const event_view& event) {
    const auto& meta = event.meta;
    if (meta.position > side.until) return visit::stop;
    if (!counts(meta) || (side.left_out != nullptr && side.left_out->has(meta.position))) return visit::next;
    into.push_back({{meta.sequence_number, meta.type, meta.time, {}}, std::string{event.payload}, identity_of(event)});
    return visit::next;
  });
}

void journal_comparison::note_stream(const std::string& persistence_id, const stream_info& stream) {
  if (stream.first > 1) {
    notes_.add(rehearsal_note::kind::removed_events, persistence_id, 0,
               std::to_string(stream.first - 1) + " events were removed" +
                   (stream.base.empty() ? ", and nothing stands for them" : ""));
  }
  if (stream.state == stream_state::closed) notes_.add(rehearsal_note::kind::closed_stream, persistence_id);
}

result<void> journal_comparison::compare(const std::string& persistence_id, rehearsal_report& report) {
  compared_events before;
  compared_events after;
  auto old_stream = read(before_, persistence_id, before);
  if (!old_stream) {
    notes_.add(rehearsal_note::kind::not_compared, persistence_id, 0, old_stream.error().message());
    return {};
  }
  note_stream(persistence_id, *old_stream);
  if (auto new_stream = read(after_, persistence_id, after); !new_stream) return std::move(new_stream).error();
  if (before.empty() && after.empty()) return {};
  auto& summary = report.categories[std::string{category_of(persistence_id)}];
  ++summary.streams;
  if (std::ranges::equal(before, after, {}, &compared_event::identity, &compared_event::identity)) return {};

  stream_difference found{persistence_id, before.size(), after.size()};
  const auto first = find_first(before, after, found);
  if (first.before == nullptr && first.after == nullptr) {
    ++summary.reordered;
    return {};
  }
  ++summary.differ;
  if (report.streams.size() == most_listed_) return {};
  show(first, found);
  report.streams.push_back(std::move(found));
  return {};
}

// Counts the events that only one side has, and returns the first of each. Of equal events, those that come last count
// as the ones that the other side lacks.
journal_comparison::first_difference journal_comparison::find_first(const compared_events& before,
                                                                    const compared_events& after,
                                                                    stream_difference& found) {
  std::unordered_map<std::string_view, std::int64_t> balance;
  for (const auto& each : before) ++balance[each.identity];
  for (const auto& each : after) --balance[each.identity];
  const auto collect = [](const compared_events& from, auto left, std::int64_t sign, std::uint64_t& only) {
    const compared_event* first = nullptr;
    for (auto each = from.rbegin(); each != from.rend(); ++each) {
      auto& lacking = left.at(each->identity);
      if (lacking * sign <= 0) continue;
      lacking -= sign;
      ++only;
      first = &*each;
    }
    return first;
  };
  return {collect(before, balance, 1, found.only_before), collect(after, balance, -1, found.only_after)};
}

void journal_comparison::show(const first_difference& first, stream_difference& found) const {
  const auto shown = [](const compared_event& event) {
    auto made = event.shown;
    made.payload = to_json(event.payload);
    return made;
  };
  if (first.before != nullptr) found.first_before = shown(*first.before);
  if (first.after != nullptr) found.first_after = shown(*first.after);
  if (first.before == nullptr || first.after == nullptr) return;
  const auto& one = first.before->shown;
  const auto& other = first.after->shown;
  if (one.type != other.type || one.sequence_number != other.sequence_number) return;
  found.fields = differing_fields(first.before->payload, first.after->payload);
  const auto ignored = ignored_.find(one.type);
  if (ignored == ignored_.end()) return;
  std::erase_if(found.fields, [&](const field_difference& each) { return ignored->second.contains(each.field); });
}

}  // namespace tyto::testing
