#include "tyto/detail/comparison.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "shown_value.hpp"
#include "tyto/aggregate.hpp"
#include "tyto/document.hpp"
#include "tyto/metadata.hpp"
#include "tyto/printable.hpp"

namespace tyto::detail {
namespace {

using kind = shown_value::kind;

constexpr std::string_view same = "  ";
constexpr std::string_view differs = "! ";

// What is shown: all of what a person would read, and the beginning of what nobody does.
constexpr std::size_t most_items = 20;      // that differ, one after the other
constexpr std::size_t most_neighbours = 5;  // that are the same, before and after those
constexpr std::size_t most_fields = 20;     // of one item
constexpr std::size_t most_item_bytes = 2000;
constexpr std::size_t most_field_bytes = 500;
constexpr std::size_t before_difference = 50;  // bytes of a field

std::size_t start_of_character(std::string_view text, std::size_t at) {
  while (at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) --at;
  return at;
}

// Returns at most so many bytes of `text`, from shortly before `place` on.
std::string shortened(const std::string& text, std::size_t most, std::size_t place) {
  if (text.size() <= most) return text;
  const auto first = start_of_character(text, place > before_difference ? place - before_difference : 0);
  const auto end = start_of_character(text, std::min(text.size(), first + most));
  return (first > 0 ? "..." : "") + text.substr(first, end - first) + (end < text.size() ? "..." : "") + " (" +
         std::to_string(text.size()) + " bytes)";
}

std::string text_of(const compared_item& item) {
  if (item.fields.empty()) return item.title;
  return item.title + " " + shortened(line_of(show_value(item.fields)), most_item_bytes, 0);
}

struct changed_part {
  std::string path;
  std::string text;
};

// Appends each part of `value` that is another one in `other`; `path` leads to the value.
void list_changes(std::vector<changed_part>& changes, const std::string& path, const shown_value& value,
                  const shown_value* other) {
  const auto text = line_of(value);
  const auto other_text = other != nullptr ? line_of(*other) : std::string{};
  if (other != nullptr && text == other_text) return;
  const bool is_taken_apart = other != nullptr && value.what == other->what && value.what != kind::plain &&
                              (value.what == kind::fields || value.parts.size() == other->parts.size());
  if (!is_taken_apart) {
    const auto place = static_cast<std::size_t>(std::ranges::mismatch(text, other_text).in1 - text.begin());
    return changes.push_back({path.empty() ? "value" : path, shortened(text, most_field_bytes, place)});
  }
  for (std::size_t i = 0; i < value.parts.size(); ++i) {
    const auto& [name, part] = value.parts[i];
    if (value.what == kind::list) {
      list_changes(changes, path + "[" + std::to_string(i) + "]", part, &other->parts[i].second);
    } else {
      const auto found = std::ranges::find(other->parts, name, &std::pair<std::string, shown_value>::first);
      list_changes(changes, path + (path.empty() ? "" : ".") + printable(name), part,
                   found != other->parts.end() ? &found->second : nullptr);
    }
  }
}

// What is `item` in one list, where the other list has `other` in its place.
std::string described(const compared_item& item, const compared_item* other) {
  std::string text = std::string{differs} + text_of(item) + "\n";
  if (other == nullptr || other->title != item.title || item.fields.empty() || other->fields.empty()) return text;
  const auto value = show_value(item.fields);
  // The line above says it all.
  if (value.what == kind::plain && value.text.size() <= most_item_bytes) return text;
  const auto others = show_value(other->fields);
  std::vector<changed_part> changes;
  list_changes(changes, {}, value, &others);
  const auto line = [&text](const std::string& words) {
    text.append(differs).append("    ").append(words).append("\n");
  };
  for (std::size_t i = 0; i < std::min(changes.size(), most_fields); ++i) {
    line(changes[i].path + ": " + changes[i].text);
  }
  if (changes.size() > most_fields) line("... and " + std::to_string(changes.size() - most_fields) + " more");
  if (line_of(value) == line_of(others)) line("what is stored of both is the same");
  return text;
}

// Appends a line for each of the items from `begin` to `end`, which are as they should be.
void list_same(std::string& text, const std::vector<compared_item>& items, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) text += std::string{same} + text_of(items[i]) + "\n";
}

std::string count_of(std::size_t items, std::string_view what) {
  return "... " + std::to_string(items) + " more" + std::string{what} + "\n";
}

// Of the first `head` items and the last `tail` ones, each is that of the other list.
std::string listed(const std::vector<compared_item>& items, const std::vector<compared_item>& others, std::size_t head,
                   std::size_t tail) {
  if (items.empty()) return std::string{same} + "nothing\n";
  std::string text;
  const auto first = head - std::min(head, most_neighbours);
  if (first > 0) text += std::string{same} + count_of(first, " that are the same");
  list_same(text, items, first, head);
  const auto end = items.size() - tail;
  const auto shown = std::min(end, head + most_items);
  for (auto i = head; i < shown; ++i) {
    text += described(items[i], i < others.size() - tail ? &others[i] : nullptr);
  }
  if (shown < end) text += std::string{differs} + count_of(end - shown, "");
  const auto last = end + std::min(tail, most_neighbours);
  list_same(text, items, end, last);
  if (last < items.size()) text += std::string{same} + count_of(items.size() - last, " that are the same");
  return text;
}

std::string options_in_words(const send_options& options) {
  std::string text;
  if (!options.expected.is_any()) text += ", expects " + options.expected.describe();
  for (const auto& tag : options.tags) text += ", tag " + tag;
  if (options.record_rejection) text += ", records a rejection";
  return text;
}

std::string in_words(const retention& change) {
  switch (change.what) {
    case retention::action::close:
      return "close_stream";
    case retention::action::truncate:
      return "truncate_stream before " + std::to_string(change.first);
    case retention::action::remove:
      return "delete_stream";
  }
  return {};
}

std::string stream_of(const outgoing_command& sent) {
  return make_persistence_id(sent.target != nullptr ? sent.target->category : "", sent.entity_id);
}

// Whether two commands are the same, but for what they hold.
bool are_addressed_alike(const outgoing_command& one, const outgoing_command& other) {
  const auto words = [](const outgoing_command& sent) {
    return options_in_words(sent.options) + (sent.retain ? in_words(*sent.retain) : "");
  };
  return one.target == other.target && one.entity_id == other.entity_id && words(one) == words(other) &&
         static_cast<bool>(one.command) == static_cast<bool>(other.command);
}

}  // namespace

std::string difference(const std::vector<compared_item>& expected, const std::vector<compared_item>& came,
                       const equal_items& equal) {
  const auto most = std::min(expected.size(), came.size());
  std::size_t head = 0;
  while (head < most && equal(head, head)) ++head;
  if (head == expected.size() && head == came.size()) return {};
  std::size_t tail = 0;
  while (tail < most - head && equal(expected.size() - 1 - tail, came.size() - 1 - tail)) ++tail;
  auto text = "expected:\n" + listed(expected, came, head, tail) + "actual:\n" + listed(came, expected, head, tail);
  text.pop_back();
  return text;
}

compared_item item_of(const rejection& no) {
  compared_item item{"rejected: " + printable(no.reason), {}};
  if (no.code.empty()) return item;
  document fields;
  fields.set("code", no.code);
  if (const auto refusal = document::open(no.data); !no.data.empty() && refusal) fields.set("refusal", *refusal);
  item.fields = fields.bytes();
  return item;
}

compared_item item_of_code(std::string_view code) { return {"a rejection with the code " + std::string{code}, {}}; }

compared_item item_of(const outgoing_command& sent) {
  command_description what;
  if (sent.retain) {
    what.type = in_words(*sent.retain);
  } else if (sent.target != nullptr && sent.command != nullptr) {
    what = sent.target->describe(sent.command.get());
  }
  return {printable(what.type + " to " + stream_of(sent) + options_in_words(sent.options)), std::move(what.fields)};
}

std::string title_of_row(std::string_view key) { return "row " + line_of(show_value(key)); }

std::string difference_of_commands(const commands& expected, const commands& came) {
  std::set<std::string> incomparable;
  auto text = difference(items_of(expected), items_of(came), [&](std::size_t i, std::size_t j) {
    const auto& one = expected[i];
    const auto& other = came[j];
    if (!are_addressed_alike(one, other)) return false;
    if (one.command == nullptr) return true;
    const auto equal = one.target->are_equal(one.command.get(), other.command.get());
    if (!equal) incomparable.insert(one.target->describe(one.command.get()).type);
    return equal.value_or(false);
  });
  for (const auto& type : incomparable) {
    text.append("\n`").append(type).append("` cannot be compared: name its fields with `TYTO_VALUE(").append(type);
    text += ", field, ...)`, or give it an operator==";
  }
  return text;
}

std::string joined(std::string_view first, std::string_view second) {
  return std::string{first}.append(first.empty() || second.empty() ? "" : "\n").append(second);
}

}  // namespace tyto::detail
