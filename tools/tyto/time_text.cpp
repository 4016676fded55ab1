#include "time_text.hpp"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <ctime>
#include <optional>

#include "tyto/detail/utc.hpp"
#include "tyto/printable.hpp"

namespace tyto::tool {
namespace {

using namespace std::chrono_literals;

// Takes a text apart from its beginning.
class scanner {
 public:
  explicit scanner(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  bool take(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Takes exactly so many digits.
  std::optional<int> number(std::size_t digits) {
    if (rest_.size() < digits) return std::nullopt;
    int value = 0;
    const auto [end, failed] = std::from_chars(rest_.data(), rest_.data() + digits, value);
    if (failed != std::errc{} || end != rest_.data() + digits || rest_.front() == '-') return std::nullopt;
    rest_.remove_prefix(digits);
    return value;
  }
  // Takes the digits behind a point: microseconds, more digits are left out.
  std::optional<std::chrono::microseconds> fraction() {
    std::int64_t value = 0;
    int digits = 0;
    for (; !rest_.empty() && std::isdigit(static_cast<unsigned char>(rest_.front())) != 0; ++digits) {
      if (digits < 6) value = value * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    if (digits == 0) return std::nullopt;
    for (; digits < 6; ++digits) value *= 10;
    return std::chrono::microseconds{value};
  }

 private:
  std::string_view rest_;
};

std::optional<std::chrono::seconds> unit_of(char letter) {
  switch (letter) {
    case 's':
      return 1s;
    case 'm':
      return 1min;
    case 'h':
      return 1h;
    case 'd':
      return 24h;
    case 'w':
      return 7 * 24h;
    default:
      return std::nullopt;
  }
}

// "90s" and the like.
std::optional<std::chrono::microseconds> parse_age(std::string_view text) {
  if (text.size() < 2 || text.front() == '-') return std::nullopt;
  const auto unit = unit_of(text.back());
  std::int32_t count = 0;
  const auto* digits_end = text.data() + text.size() - 1;
  const auto [end, failed] = std::from_chars(text.data(), digits_end, count);
  if (!unit || failed != std::errc{} || end != digits_end) return std::nullopt;
  return count * *unit;
}

struct written_time {
  std::chrono::year_month_day day;
  std::chrono::microseconds of_day{0};
  std::optional<std::chrono::minutes> offset;
};

bool parse_time_of_day(scanner& in, written_time& read) {
  const auto hour = in.number(2);
  if (!hour || *hour > 23 || !in.take(':')) return false;
  const auto minute = in.number(2);
  if (!minute || *minute > 59) return false;
  read.of_day = std::chrono::hours{*hour} + std::chrono::minutes{*minute};
  if (!in.take(':')) return true;
  const auto second = in.number(2);
  if (!second || *second > 59) return false;
  read.of_day += std::chrono::seconds{*second};
  if (!in.take('.')) return true;
  const auto fraction = in.fraction();
  if (!fraction) return false;
  read.of_day += *fraction;
  return true;
}

bool parse_offset(scanner& in, written_time& read) {
  if (in.take('Z') || in.take('z')) {
    read.offset = 0min;
    return true;
  }
  const bool is_ahead = in.take('+');
  if (!is_ahead && !in.take('-')) return true;
  const auto hours = in.number(2);
  in.take(':');
  const auto minutes = in.number(2);
  if (!hours || !minutes || *hours > 14 || *minutes > 59) return false;
  const std::chrono::minutes offset = std::chrono::hours{*hours} + std::chrono::minutes{*minutes};
  read.offset = is_ahead ? offset : -offset;
  return true;
}

std::optional<written_time> parse_written(std::string_view text) {
  scanner in{text};
  written_time read;
  const auto year = in.number(4);
  if (!year || !in.take('-')) return std::nullopt;
  const auto month = in.number(2);
  if (!month || !in.take('-')) return std::nullopt;
  const auto day = in.number(2);
  if (!day) return std::nullopt;
  read.day = std::chrono::year{*year} / *month / *day;
  if (!read.day.ok()) return std::nullopt;
  if (in.take('T') || in.take('t') || in.take(' ')) {
    if (!parse_time_of_day(in, read) || !parse_offset(in, read)) return std::nullopt;
  }
  return in.at_end() ? std::optional{read} : std::nullopt;
}

std::optional<timestamp> local_time(const written_time& read) {
  std::tm fields{};
  fields.tm_year = static_cast<int>(read.day.year()) - 1900;
  fields.tm_mon = static_cast<int>(static_cast<unsigned>(read.day.month())) - 1;
  fields.tm_mday = static_cast<int>(static_cast<unsigned>(read.day.day()));
  const auto whole = std::chrono::floor<std::chrono::seconds>(read.of_day);
  fields.tm_sec = static_cast<int>(whole.count());
  fields.tm_isdst = -1;
  const auto seconds = std::mktime(&fields);
  if (seconds == static_cast<std::time_t>(-1) && fields.tm_wday == 0 && fields.tm_yday == 0) return std::nullopt;
  return timestamp{std::chrono::seconds{seconds}} + (read.of_day - whole);
}

}  // namespace

std::string show_time(timestamp time, bool utc) {
  if (utc) {
    auto text = detail::to_utc(time);
    text[text.find('T')] = ' ';
    return text;
  }
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const std::time_t seconds = whole.time_since_epoch().count();
  std::tm fields{};
  if (localtime_r(&seconds, &fields) == nullptr) return detail::to_utc(time);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &fields);
  return fmt::format("{}.{:06}", text.data(), (time - whole).count());
}

std::string show_span(std::chrono::microseconds span) {
  const auto us = span.count();
  if (us < 1'000) return fmt::format("{} us", us);
  if (us < 1'000'000) return fmt::format("{:.1f} ms", static_cast<double>(us) / 1e3);
  if (span < 1min) return fmt::format("{:.1f} s", static_cast<double>(us) / 1e6);
  const auto seconds = us / 1'000'000;
  if (span < 1h) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  if (span < 48h) return fmt::format("{} h {} min", seconds / 3'600, seconds / 60 % 60);
  return fmt::format("{} d {} h", seconds / 86'400, seconds / 3'600 % 24);
}

result<timestamp> parse_time(std::string_view text, bool utc, timestamp now) {
  if (const auto age = parse_age(text)) return now - *age;
  if (const auto read = parse_written(text)) {
    const auto as_utc = timestamp{std::chrono::sys_days{read->day}} + read->of_day;
    if (read->offset || utc) return as_utc - read->offset.value_or(0min);
    if (const auto local = local_time(*read)) return *local;
  }
  return error{
      errc::invalid_argument, fmt::format("reading the time '{}'", printable(text)),
      "write an age, such as 90s, 10m, 2h, 3d or 1w, or a date, such as 2026-03-02 or 2026-03-02T09:30, with Z "
      "or +02:00 behind it if you like"};
}

}  // namespace tyto::tool
