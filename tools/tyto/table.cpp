#include "table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "time_text.hpp"
#include "tyto/detail/utc.hpp"
#include "tyto/printable.hpp"

namespace tyto::tool {
namespace {

std::string padded(const cell& from, std::string text, std::size_t width, align to, const style& how) {
  const auto columns = columns_of(text);
  const std::string gap(width > columns ? width - columns : 0, ' ');
  if (from.as) text = shaded(text, *from.as, how);
  return to == align::right ? gap + text : text + gap;
}

}  // namespace

cell cell::of(std::string_view text) { return {printable(text), text}; }

cell cell::of(std::uint64_t number) { return {grouped(number), number}; }

cell cell::of(timestamp time, const style& how) { return {show_time(time, how.utc), detail::to_utc(time)}; }

std::string table::shown(const style& how) const {
  if (how.json) return as_json();
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    auto width = columns_of(columns_[i].name);
    for (const auto& row : rows_) width = std::max(width, columns_of(row[i].text));
    widths.push_back(width);
  }
  std::size_t before_last = 0;
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) before_last += widths[i] + 2;
  const auto terminal = terminal_width();
  const auto room = terminal > before_last + 10 ? terminal - before_last : 0;

  std::string text;
  const auto add_line = [&](const std::vector<cell>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const bool is_last = i + 1 == cells.size();
      auto shown = is_last ? cut(cells[i].text, room) : cells[i].text;
      const auto width = is_last && columns_[i].to == align::left ? 0 : widths[i];
      line += padded(cells[i], std::move(shown), width, columns_[i].to, how);
      if (!is_last) line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  std::vector<cell> names;
  for (const auto& each : columns_) {
    auto name = each.name;
    if (!each.is_exact) std::ranges::replace(name, '_', ' ');
    names.push_back({std::move(name), {}, shade::faint});
  }
  add_line(names);
  for (const auto& row : rows_) add_line(row);
  return text;
}

std::string table::as_json() const {
  std::string text;
  for (const auto& row : rows_) {
    auto object = nlohmann::ordered_json::object();
    for (std::size_t i = 0; i < columns_.size(); ++i) object[columns_[i].name] = row[i].value;
    text += to_text(object) + "\n";
  }
  return text;
}

std::string to_text(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string grouped(std::uint64_t number) {
  auto digits = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return digits;
}

std::string show_bytes(std::uint64_t bytes) {
  constexpr std::array units{"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  auto amount = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; amount >= 1024 && unit + 1 < units.size(); ++unit) amount /= 1024;
  return fmt::format("{:.1f} {}", amount, units[unit]);
}

}  // namespace tyto::tool
