#include "consumer/command_ids.hpp"

#include <charconv>

namespace tyto::detail {
namespace {

constexpr std::string_view rejected = "/rejected";

// Reads digits from the beginning of `text`; returns false if there are none.
bool take_number(std::string_view& text, std::uint64_t& number) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take_index(std::string_view& id) {
  std::uint64_t ignored = 0;
  if (!id.starts_with('/')) return false;
  id.remove_prefix(1);
  return take_number(id, ignored);
}

}  // namespace

std::string consumer_command_id(const std::string& cause, std::size_t index) {
  return cause + "/" + std::to_string(index);
}

std::string cause_of_rejection(const std::string& command_id) { return command_id + std::string{rejected}; }

// The id is `consumer/position[.part]/index`, maybe with `/rejected/index` behind it, and the first half of that is
// what caused it.
std::optional<consumer_cause> cause_of(const metadata& event) {
  const std::string_view cause = event.causation_id;
  const auto slash = cause.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  consumer_cause found{cause.substr(0, slash)};
  std::uint64_t ignored = 0;
  auto rest = cause.substr(slash + 1);
  if (!take_number(rest, found.position)) return std::nullopt;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    if (!take_number(rest, ignored)) return std::nullopt;
  }
  std::string_view id = event.command_id;
  if (!rest.empty() || !id.starts_with(cause)) return std::nullopt;
  id.remove_prefix(cause.size());
  if (!take_index(id)) return std::nullopt;
  if (id.starts_with(rejected)) {
    id.remove_prefix(rejected.size());
    if (!take_index(id)) return std::nullopt;
  }
  if (!id.empty() || found.position >= event.position) return std::nullopt;
  return found;
}

}  // namespace tyto::detail
