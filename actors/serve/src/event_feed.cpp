#include "event_feed.hpp"

#include <nlohmann/json.hpp>
#include <optional>

namespace tyto::detail {
namespace {

constexpr std::uint64_t events_at_once = 2'048;  // that one read passes
constexpr std::size_t bytes_at_once = std::size_t{256} << 10;

// Who comes back gets what follows the id. Of an event that an upcaster has split, the last part alone has its
// position.
void add_event(std::string& text, const event_view& event) {
  const auto id = event.meta.is_last_part() ? event.meta.position : event.meta.position - 1;
  text += "id: " + std::to_string(id) + "\ndata: " + json_of(event) + "\n\n";
}

}  // namespace

result<std::string> event_feed::read() {
  std::string text;
  std::optional<std::uint64_t> left_off;
  auto passed = journal_.read_all({.from = next_, .only = wanted_.filter(), .max_events = events_at_once},
                                  [&](const event_view& event) {
                                    if (!wanted_.takes(event)) return visit::next;
                                    if (text.size() >= bytes_at_once && event.meta.part == 0) {
                                      left_off = event.meta.position;
                                      return visit::stop;
                                    }
                                    add_event(text, event);
                                    return visit::next;
                                  });
  if (!passed) return std::move(passed).error();
  next_ = left_off ? *left_off : std::max(*passed + 1, next_);
  auto head = journal_.head();
  if (!head) return std::move(head).error();
  is_at_end_ = !left_off && *head < next_;
  if (!is_at_end_ || (text.empty() && has_caught_up_)) return text;
  has_caught_up_ = true;
  const auto last = std::to_string(next_ - 1);
  return text + "event: caught-up\nid: " + last + "\ndata: {\"position\":" + last + "}\n\n";
}

std::string event_feed::heartbeat() const { return ":\nid: " + std::to_string(next_ - 1) + "\n\n"; }

std::string failure_event(const error& why) {
  const nlohmann::ordered_json told{{"code", name(why.code())}, {"message", why.message()}};
  return "event: failure\ndata: " + told.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
         "\n\n";
}

}  // namespace tyto::detail
