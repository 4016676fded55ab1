// `tyto diff`: two journals side by side, such as a backup and what has become of it since, or two runs of a test.
#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "commands.hpp"
#include "event_output.hpp"
#include "event_reader.hpp"
#include "opened.hpp"
#include "output.hpp"
#include "table.hpp"
#include "tyto/json_lines.hpp"

namespace tyto::tool {
namespace {

// Goes along a journal event by event, a part at a time.
class event_cursor {
 public:
  event_cursor(const event_store& journal, std::uint64_t end) : journal_(journal), end_(end) {}

  /// Returns the next event, or nullptr at the end.
  result<const recorded_event*> peek() {
    while (part_.empty() && from_ <= end_) {
      constexpr std::uint64_t at_once = 4'096;
      const position_range range{from_, std::min(end_, from_ + at_once - 1)};
      auto seen = scan(journal_, range, {}, [this](const event_view& event) {
        part_.push_back({event.meta, std::string{event.payload}, nullptr, nullptr});
      });
      if (!seen) return std::move(seen).error();
      from_ = range.to + 1;
    }
    return part_.empty() ? nullptr : &part_.front();
  }
  void next() { part_.pop_front(); }

 private:
  const event_store& journal_;
  std::uint64_t end_;
  std::uint64_t from_ = 1;
  std::deque<recorded_event> part_;
};

// What differs between two events, in words; empty if nothing does.
std::string difference(const recorded_event& left, const recorded_event& right) {
  const auto& a = left.meta;
  const auto& b = right.meta;
  if (a.position != b.position) return "the position";
  if (a.persistence_id != b.persistence_id) return "the stream";
  if (a.sequence_number != b.sequence_number) return "the number in the stream";
  if (a.type != b.type || a.schema_version != b.schema_version) return "the type";
  if (left.payload != right.payload) return "the payload";
  if (a.time != b.time) return "the time";
  if (a.command_id != b.command_id) return "the command's id";
  if (a.correlation_id != b.correlation_id) return "the correlation id";
  if (a.causation_id != b.causation_id) return "the causation id";
  if (a.tags != b.tags) return "the tags";
  if (a.decision_index != b.decision_index || a.decision_count != b.decision_count) return "the decision";
  return {};
}

}  // namespace

outcome compare_journals(const setting& given, const std::filesystem::path& other) {
  auto left = open_for_reading(given.directory);
  if (!left) return std::move(left).error();
  auto right = open_for_reading(other);
  if (!right) return std::move(right).error();
  auto left_head = left->journal->head();
  auto right_head = right->journal->head();
  if (!left_head) return std::move(left_head).error();
  if (!right_head) return std::move(right_head).error();

  event_cursor ours{*left->journal, *left_head};
  event_cursor theirs{*right->journal, *right_head};
  progress shown{"comparing", std::min(*left_head, *right_head)};
  std::uint64_t same = 0;
  std::string what;
  const recorded_event* a = nullptr;
  const recorded_event* b = nullptr;
  for (;; ours.next(), theirs.next(), ++same) {
    auto one = ours.peek();
    auto two = theirs.peek();
    if (!one) return std::move(one).error();
    if (!two) return std::move(two).error();
    a = *one;
    b = *two;
    if (a == nullptr || b == nullptr) break;
    shown.at(a->meta.position);
    what = difference(*a, *b);
    if (!what.empty()) break;
  }
  const bool is_equal = a == nullptr && b == nullptr && *left_head == *right_head;
  if (given.how.json) {
    nlohmann::ordered_json object{
        {"equal", is_equal},
        {"same_events", same},
        {"head", *left_head},
        {"other_head", *right_head},
        {"differs_in", what.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(what)}};
    for (const auto& [name, event] : {std::pair{"event", a}, std::pair{"other_event", b}}) {
      object[name] = nullptr;
      if (event == nullptr) continue;
      auto line = to_json_line({event->meta, event->payload});
      if (!line) return std::move(line).error();
      object[name] = nlohmann::ordered_json::parse(*line, nullptr, false);
    }
    if (auto printed = print(to_text(object) + "\n"); !printed) return std::move(printed).error();
    return is_equal ? done : answer_is_no;
  }
  std::string text;
  if (is_equal) {
    text = fmt::format("the same {} events\n", grouped(same));
  } else {
    text = fmt::format("the first {} events are the same\n", grouped(same));
    if (!what.empty()) text += fmt::format("then {} differs:\n", what);
    const auto add = [&](const char* sign, const recorded_event* event, std::uint64_t head, std::string_view name) {
      if (event == nullptr) {
        text += fmt::format("{} '{}' ends at {}\n", sign, name, head);
      } else {
        text += fmt::format("{} {}\n", sign, event_line({event->meta, event->payload}, given.how, 0));
      }
    };
    add("<", a, *left_head, given.directory.string());
    add(">", b, *right_head, other.string());
  }
  if (auto printed = print(text); !printed) return std::move(printed).error();
  return is_equal ? done : answer_is_no;
}

}  // namespace tyto::tool
