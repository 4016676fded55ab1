#include "event_pages.hpp"

#include <algorithm>
#include <utility>

namespace tyto::sql {
namespace {

// Who asks for a few events gets them soon, who asks for many gets them in few reads.
constexpr std::uint64_t first_page_events = 64;
constexpr std::uint64_t growth = 4;
// Beyond so many bytes a piece ends, or is made smaller.
constexpr std::size_t max_page_bytes = std::size_t{4} << 20;

}  // namespace

result<void> event_pages::begin(event_bounds bounds, event_parts parts, bool is_descending) {
  bounds_ = std::move(bounds);
  parts_ = parts;
  is_descending_ = is_descending;
  page_events_ = first_page_events;
  size_ = 0;
  next_ = bounds_.first;
  end_ = bounds_.last + 1;
  if (bounds_.is_empty) next_ = end_;
  return bounds_.stream && !at_end() ? find_in_stream() : result<void>{};
}

// Numbers of a stream grow with the positions, so a position can be searched for by halves.
result<void> event_pages::find_in_stream() {
  auto known = journal_->info(*bounds_.stream);
  if (!known) return std::move(known).error();
  next_ = end_ = 0;
  if (known->version == 0) return {};
  const auto behind = known->version + 1;
  auto from = bounds_.first > 1 ? number_at(bounds_.first, known->first, behind) : known->first;
  if (!from) return std::move(from).error();
  auto end = number_at(bounds_.last + 1, known->version, behind);  // as a rule all are before it
  if (end && *end < behind) end = number_at(bounds_.last + 1, *from, *end);
  if (!end) return std::move(end).error();
  next_ = *from;
  end_ = *end;
  return {};
}

// Returns the first number from `from` to `to` whose event is not before `position`; `to` if there is none.
result<std::uint64_t> event_pages::number_at(std::uint64_t position, std::uint64_t from, std::uint64_t to) const {
  while (from < to) {
    const auto middle = from + (to - from) / 2;
    auto found = position;
    auto read = journal_->read_stream(*bounds_.stream, middle, [&found](const event_view& event) {
      found = event.meta.position;
      return visit::stop;
    });
    if (!read) return std::move(read).error();
    if (found < position) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return from;
}

result<void> event_pages::next() {
  auto done = is_descending_ ? read_backwards() : read_forwards();
  page_events_ = std::min(page_events_ * growth, max_page_events);
  return done;
}

result<void> event_pages::read_forwards() {
  auto read_to = read(next_, std::min(end_, next_ + page_events_));
  if (!read_to) return std::move(read_to).error();
  next_ = *read_to + 1;
  return {};
}

result<void> event_pages::read_backwards() {
  for (;;) {
    const auto from = end_ - std::min(end_ - next_, page_events_);
    auto read_to = read(from, end_);
    if (!read_to) return std::move(read_to).error();
    if (*read_to + 1 >= end_) {
      end_ = from;
      return {};
    }
    page_events_ = std::max<std::uint64_t>((end_ - from) / 2, 1);  // it is too large
  }
}

// Reads from `from` to before `end`; returns up to where, which is less if that would be too large. A single event
// never is.
result<std::uint64_t> event_pages::read(std::uint64_t from, std::uint64_t end) {
  size_ = 0;
  bytes_ = 0;
  std::uint64_t read_to = end - 1;
  const auto take = [&](const event_view& event) {
    const auto number = bounds_.stream ? event.meta.sequence_number : event.meta.position;
    if (number >= end) return visit::stop;
    if (bounds_.take(event.meta)) keep(event);
    if (number + 1 < end && bytes_ <= max_page_bytes) return visit::next;
    read_to = number;
    return visit::stop;
  };
  if (bounds_.stream) {
    auto known = journal_->read_stream(*bounds_.stream, from, take);
    return known ? result<std::uint64_t>{read_to} : std::move(known).error();
  }
  auto passed = journal_->read_all({.from = from, .only = bounds_.only, .max_events = end - from}, take);
  return passed ? result<std::uint64_t>{read_to} : passed;
}

void event_pages::keep(const event_view& event) {
  if (size_ == rows_.size()) rows_.emplace_back();
  auto& row = rows_[size_++];
  const auto& m = event.meta;
  row.position = m.position;
  row.sequence_number = m.sequence_number;
  row.schema_version = m.schema_version;
  row.time = m.time;
  row.stream = m.persistence_id;
  row.type = m.type;
  bytes_ += sizeof row + m.persistence_id.size() + m.type.size();
  const auto keep_text = [this](bool is_wanted, std::string& to, std::string_view from) {
    if (!is_wanted) return;
    to = from;
    bytes_ += from.size();
  };
  keep_text(parts_.correlation_id, row.correlation_id, m.correlation_id);
  keep_text(parts_.causation_id, row.causation_id, m.causation_id);
  keep_text(parts_.command_id, row.command_id, m.command_id);
  keep_text(parts_.payload, row.payload, event.payload);
  if (!parts_.tags) return;
  row.tags = m.tags;
  for (const auto& tag : row.tags) bytes_ += sizeof tag + tag.size();
}

}  // namespace tyto::sql
