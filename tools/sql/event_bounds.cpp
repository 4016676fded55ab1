#include "event_bounds.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "tyto/detail/utc.hpp"

namespace tyto::sql {
namespace {

constexpr auto least = std::numeric_limits<std::int64_t>::min();
constexpr auto greatest = std::numeric_limits<std::int64_t>::max();

struct interval {
  std::int64_t from = least;
  std::int64_t to = greatest;
};
constexpr interval nothing{greatest, least};

std::int64_t clamped(double number) {
  constexpr double bound = 9'223'372'036'854'775'808.0;  // 2^63
  if (number >= bound) return greatest;
  return number < -bound ? least : static_cast<std::int64_t>(number);
}

// Returns between which integers all are that compare with `given` in that way. What is text is left to SQLite, which
// makes a number of it or not.
interval integers_that(const constraint& given) {
  interval value;
  switch (sqlite3_value_type(given.value)) {
    case SQLITE_NULL:
      return nothing;
    case SQLITE_INTEGER:
      value.from = value.to = sqlite3_value_int64(given.value);
      if (given.how == comparison::less) return value.to == least ? nothing : interval{least, value.to - 1};
      if (given.how == comparison::greater) return value.to == greatest ? nothing : interval{value.to + 1, greatest};
      break;
    case SQLITE_FLOAT:
      value = {clamped(std::floor(sqlite3_value_double(given.value))),
               clamped(std::ceil(sqlite3_value_double(given.value)))};
      break;
    default:
      return {};
  }
  if (given.how == comparison::less || given.how == comparison::less_equal) return {least, value.to};
  if (given.how == comparison::greater || given.how == comparison::greater_equal) return {value.from, greatest};
  return value;
}

// Between these, times as text are in the order of the times.
constexpr timestamp first_year{std::chrono::sys_days{std::chrono::year{0} / 1 / 1}};
constexpr timestamp last_year{std::chrono::sys_days{std::chrono::year{10'000} / 1 / 1}};

// Returns the first time between first_year and last_year whose text is not less than `text`.
std::int64_t first_not_less(const std::string& text) {
  auto from = first_year.time_since_epoch().count();
  auto to = last_year.time_since_epoch().count();
  while (from < to) {
    const auto middle = from + (to - from) / 2;
    if (detail::to_utc(timestamp{std::chrono::microseconds{middle}}) < text) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return from;
}

// Keeps of `list`, which takes everything if it is empty, what is in `wanted`. Returns whether nothing is left.
bool keep_only(std::vector<std::string>& list, std::vector<std::string> wanted) {
  if (!list.empty()) {
    std::erase_if(wanted, [&list](const auto& each) { return std::ranges::find(list, each) == list.end(); });
  }
  list = std::move(wanted);
  return list.empty();
}

}  // namespace

bool event_bounds::take(const metadata& meta) const {
  if (meta.time >= first_year && meta.time < last_year) {
    const auto us = meta.time.time_since_epoch().count();
    if (us < first_us || us > last_us) return false;
  }
  return !stream || only.takes(meta.type, meta.persistence_id);
}

void event_bounds::narrow_position(const constraint& given) {
  const auto wanted = integers_that(given);
  if (wanted.to < 1 || wanted.from > wanted.to) {
    is_empty = true;
    return;
  }
  first = std::max(first, static_cast<std::uint64_t>(std::max<std::int64_t>(wanted.from, 1)));
  last = std::min(last, static_cast<std::uint64_t>(wanted.to));
}

void event_bounds::narrow_time_us(const constraint& given) {
  const auto wanted = integers_that(given);
  is_empty = is_empty || wanted.from > wanted.to;
  first_us = std::max(first_us, wanted.from);
  last_us = std::min(last_us, wanted.to);
}

void event_bounds::narrow_time(const constraint& given) {
  const auto texts = texts_of(given);
  if (!texts) return;
  if (texts->empty()) {
    is_empty = true;
    return;
  }
  const auto time = first_not_less(texts->front());
  if (given.how != comparison::less && given.how != comparison::less_equal) first_us = std::max(first_us, time);
  if (given.how != comparison::greater && given.how != comparison::greater_equal) last_us = std::min(last_us, time);
}

void event_bounds::narrow_stream(const constraint& given) {
  auto texts = texts_of(given);
  if (!texts) return;
  if (texts->empty() || (stream && *stream != texts->front())) {
    is_empty = true;
  } else {
    stream = std::move(texts->front());
  }
}

void event_bounds::narrow_types(const constraint& given) {
  auto texts = texts_of(given);
  if (texts && keep_only(only.types, *std::move(texts))) is_empty = true;
}

void event_bounds::narrow_categories(const constraint& given) {
  auto texts = texts_of(given);
  if (texts && keep_only(only.categories, *std::move(texts))) is_empty = true;
}

}  // namespace tyto::sql
