#include "tyto/detail/comparison.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "tyto/aggregate.hpp"
#include "tyto/document.hpp"
#include "tyto/metadata.hpp"
#include "tyto/printable.hpp"

namespace tyto::detail {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view same = "  ";
constexpr std::string_view differs = "! ";

std::string text_of(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string text_of(const compared_item& item) {
  return item.title + (item.fields.empty() ? "" : " " + to_json(item.fields));
}

// Appends a line for each part of `value` that is another one in `other`; `path` leads to the value.
void list_changes(std::string& out, const std::string& path, const ordered_json& value, const ordered_json* other) {
  if (other != nullptr && value == *other) return;
  const bool is_taken_apart = other != nullptr && value.type() == other->type() && value.is_structured() &&
                              (value.is_object() || value.size() == other->size());
  if (!is_taken_apart) {
    out.append(differs).append("    ").append(path.empty() ? "value" : path).append(": ").append(text_of(value));
    out += '\n';
    return;
  }
  for (const auto& [key, part] : value.items()) {
    auto place = path;
    if (value.is_array()) {
      place.append("[").append(key).append("]");
    } else {
      place.append(path.empty() ? "" : ".").append(key);
    }
    if (value.is_array()) {
      list_changes(out, place, part, &(*other)[std::stoul(key)]);
    } else {
      list_changes(out, place, part, other->contains(key) ? &other->at(key) : nullptr);
    }
  }
}

ordered_json parsed(const compared_item& item) { return ordered_json::parse(to_json(item.fields), nullptr, false); }

// What is `item` in one list, where the other list has `other` in its place.
std::string described(const compared_item& item, const compared_item* other) {
  std::string text = std::string{differs} + text_of(item) + "\n";
  if (other == nullptr || other->title != item.title || item.fields.empty() || other->fields.empty()) return text;
  const auto fields = parsed(item);
  if (!fields.is_structured()) return text;  // the line above says it all
  const auto others = parsed(*other);
  list_changes(text, {}, fields, &others);
  return text;
}

// Of the first `head` items and the last `tail` ones, each is that of the other list.
std::string listed(const std::vector<compared_item>& items, const std::vector<compared_item>& others, std::size_t head,
                   std::size_t tail) {
  if (items.empty()) return std::string{same} + "nothing\n";
  std::string text;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i < head || i >= items.size() - tail) {
      text += std::string{same} + text_of(items[i]) + "\n";
    } else {
      text += described(items[i], i < others.size() - tail ? &others[i] : nullptr);
    }
  }
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
