#include "event_reader.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "stop_signals.hpp"
#include "table.hpp"

namespace tyto::tool {
namespace {

// How far one read goes. So long does it keep pages, and so much do copies take.
constexpr std::uint64_t events_at_once = 8'192;
constexpr std::size_t bytes_at_once = std::size_t{16} << 20;

using namespace std::chrono_literals;

recorded_event copy_of(const event_view& event) { return {event.meta, std::string{event.payload}, nullptr, nullptr}; }

// Reads one part of `range`; returns the position up to which it came.
result<std::uint64_t> scan_part(const event_store& journal, const position_range& range, const event_selection& which,
                                const std::function<visit(const event_view&)>& see) {
  const auto events = std::min(events_at_once, range.to - range.from + 1);
  return journal.read_all({.from = range.from, .only = which.only, .max_events = events}, [&](const event_view& event) {
    if (event.meta.position > range.to) return visit::stop;
    return which.takes(event) ? see(event) : visit::next;
  });
}

// Reads parts until the range or the journal ends, or `after_part` says so.
result<std::uint64_t> scan_parts(const event_store& journal, position_range range, const event_selection& which,
                                 const std::function<visit(const event_view&)>& see,
                                 const std::function<result<visit>()>& after_part, progress* shown) {
  range.from = std::max<std::uint64_t>(range.from, 1);
  auto reached = range.from - 1;
  while (range.from <= range.to) {
    if (auto goes_on = check_interrupted(); !goes_on) return std::move(goes_on).error();
    auto end = scan_part(journal, range, which, see);
    auto next = after_part();  // what came before a failure is shown
    if (!end) return end;
    if (!next) return std::move(next).error();
    if (shown != nullptr) shown->at(*end);
    if (*end < range.from) break;
    reached = *end;
    range.from = *end + 1;
    if (*next == visit::stop) break;
  }
  return std::min(reached, range.to);
}

}  // namespace

progress::progress(std::string doing, std::uint64_t whole)
    : doing_(std::move(doing)),
      whole_(whole),
      is_wanted_(::isatty(STDERR_FILENO) != 0 && whole > 0),
      next_(std::chrono::steady_clock::now() + 1s) {}

progress::~progress() {
  if (is_shown_) std::fputs("\r\x1b[K", stderr);
}

void progress::at(std::uint64_t step) {
  const auto now = std::chrono::steady_clock::now();
  if (!is_wanted_ || now < next_) return;
  next_ = now + 200ms;
  is_shown_ = true;
  const auto percent = std::min<std::uint64_t>(100, step / std::max<std::uint64_t>(1, whole_ / 100));
  constexpr std::uint64_t bar = 30;
  const auto done = percent * bar / 100;
  fmt::print(stderr, "\r\x1b[K{} [{:#<{}}{:.<{}}] {} %  {} of {}", doing_, "", done, "", bar - done, percent,
             grouped(step), grouped(whole_));
  std::fflush(stderr);
}

result<std::uint64_t> scan(const event_store& journal, const position_range& range, const event_selection& which,
                           const std::function<void(const event_view&)>& see, progress* shown) {
  return scan_parts(
      journal, range, which,
      [&](const event_view& event) {
        see(event);
        return visit::next;
      },
      [] { return result<visit>{visit::next}; }, shown);
}

result<std::uint64_t> read(const event_store& journal, const position_range& range, const event_selection& which,
                           const std::function<result<visit>(const event_view&)>& see, progress* shown) {
  std::vector<recorded_event> part;
  std::size_t bytes = 0;
  return scan_parts(
      journal, range, which,
      [&](const event_view& event) {
        part.push_back(copy_of(event));
        bytes += event.payload.size();
        return bytes < bytes_at_once ? visit::next : visit::stop;
      },
      [&]() -> result<visit> {
        const auto taken = std::exchange(part, {});
        bytes = 0;
        for (const auto& each : taken) {
          auto next = see({each.meta, each.payload});
          if (!next || *next == visit::stop) return next;
        }
        return visit::next;
      },
      shown);
}

result<std::vector<recorded_event>> last_events(const event_store& journal, std::uint64_t head, std::size_t count,
                                                const event_selection& which) {
  // What `only` leaves out would tell how old a part is: with it nothing but the journal's begin ends the search.
  const bool sees_all = which.only.types.empty() && which.only.categories.empty();
  const bool takes_all = sees_all && which.where.empty() && !which.since && !which.until && !which.correlation;
  event_selection any;
  any.only = which.only;
  std::vector<recorded_event> found;  // the last one first
  auto end = head;
  while (end > 0 && found.size() < count) {
    const auto span = takes_all ? std::min<std::uint64_t>(events_at_once, count - found.size()) : events_at_once;
    const position_range part{end > span ? end - span + 1 : 1, end};
    std::vector<recorded_event> events;
    bool has_recent = !which.since;
    auto seen = scan(journal, part, any, [&](const event_view& event) {
      has_recent = has_recent || event.meta.time >= *which.since;
      if (which.takes(event)) events.push_back(copy_of(event));
    });
    if (!seen) return std::move(seen).error();
    std::move(events.rbegin(), events.rend(), std::back_inserter(found));
    if (!has_recent && sees_all) break;
    end = part.from - 1;
  }
  if (found.size() > count) found.erase(found.begin() + static_cast<std::ptrdiff_t>(count), found.end());
  std::ranges::reverse(found);
  return found;
}

result<stream_info> read_stream(const event_store& journal, const std::string& persistence_id, std::uint64_t from,
                                const std::function<result<visit>(const event_view&)>& see) {
  for (;;) {
    if (auto goes_on = check_interrupted(); !goes_on) return std::move(goes_on).error();
    std::vector<recorded_event> part;
    std::size_t bytes = 0;
    bool is_cut = false;
    auto known = journal.read_stream(persistence_id, from, [&](const event_view& event) {
      if ((part.size() >= events_at_once || bytes >= bytes_at_once) && event.meta.part == 0) {
        is_cut = true;
        return visit::stop;
      }
      part.push_back(copy_of(event));
      bytes += event.payload.size();
      return visit::next;
    });
    for (const auto& each : part) {
      auto next = see({each.meta, each.payload});
      if (!next) return std::move(next).error();
      if (*next == visit::stop) return known;
    }
    if (!known || !is_cut) return known;
    from = part.back().meta.sequence_number + 1;
  }
}

// From the first look on a signal is only noted. A command that never looks is ended by it at once.
result<void> check_interrupted() {
  static const bool is_noting = (program::note_stop_signals(), true);
  static_cast<void>(is_noting);
  if (program::noted_signal() == 0) return {};
  return error{errc::stopped, "reading on", "a signal asked the command to end"};
}

}  // namespace tyto::tool
