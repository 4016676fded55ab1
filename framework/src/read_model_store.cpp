#include "tyto/read_model_store.hpp"

#include <iterator>
#include <utility>

namespace tyto {
namespace {

// The two directions in which changes and rows are merged.
struct ascending {
  static auto begin(const row_changes& changes, std::string_view from) { return changes.lower_bound(from); }
  static auto begin_after(const row_changes& changes, std::string_view key) { return changes.upper_bound(key); }
  static auto end(const row_changes& changes) { return changes.end(); }
  static bool comes_first(std::string_view a, std::string_view b) { return a < b; }
  static result<void> scan(const row_reader& rows, std::string_view from, const row_visitor& visitor) {
    return rows.scan(from, visitor);
  }
};

struct descending {
  static auto begin_after(const row_changes& changes, std::string_view key) {
    return std::make_reverse_iterator(changes.lower_bound(key));
  }
  static auto begin(const row_changes& changes, std::string_view before) {
    return before.empty() ? changes.rbegin() : begin_after(changes, before);
  }
  static auto end(const row_changes& changes) { return changes.rend(); }
  static bool comes_first(std::string_view a, std::string_view b) { return a > b; }
  static result<void> scan(const row_reader& rows, std::string_view before, const row_visitor& visitor) {
    return rows.scan_back(before, visitor);
  }
};

template <class Order>
result<void> merge(const row_reader& base, const row_changes& changes, std::string_view start,
                   const row_visitor& visitor) {
  auto change = Order::begin(changes, start);
  bool stopped = false;
  const auto show = [&](std::string_view key, std::string_view value) {
    stopped = visitor(key, value) == visit::stop;
    return stopped ? visit::stop : visit::next;
  };
  const auto show_changes_before = [&](std::optional<std::string_view> key) {
    for (; !stopped && change != Order::end(changes) && (!key || Order::comes_first(change->first, *key)); ++change) {
      if (change->second) show(change->first, *change->second);
    }
  };
  auto scanned = Order::scan(base, start, [&](std::string_view key, std::string_view value) {
    show_changes_before(key);
    if (stopped) return visit::stop;
    const bool is_changed = change != Order::end(changes) && change->first == key;
    const auto* const shown = is_changed ? &(change++)->second : nullptr;
    const auto known_changes = changes.size();
    const auto after = shown == nullptr ? show(key, value) : *shown ? show(key, **shown) : visit::next;
    // The visitor may have changed a row that is still to come.
    if (changes.size() != known_changes) change = Order::begin_after(changes, key);
    return after;
  });
  if (scanned && !stopped) show_changes_before(std::nullopt);
  return scanned;
}

}  // namespace

result<bool> row_reader::look_up(std::string_view key, const value_visitor& see) const {
  auto value = get(key);
  if (!value) return std::move(value).error();
  if (*value) see(**value);
  return value->has_value();
}

const std::string& row_reader::shape() const {
  static const std::string unknown;
  return unknown;
}

result<void> scan(const row_reader& rows, const row_range& range, const row_visitor& visitor) {
  if (range.limit == 0) return {};
  const auto visit_some = [&, left = range.limit](std::string_view key, std::string_view value) mutable {
    const bool is_past = range.is_reversed ? key < range.from : !range.end.empty() && key >= range.end;
    if (is_past) return visit::stop;
    const auto after = visitor(key, value);
    return --left == 0 ? visit::stop : after;
  };
  return range.is_reversed ? rows.scan_back(range.end, visit_some) : rows.scan(range.from, visit_some);
}

result<std::optional<std::string>> row_buffer::get(std::string_view key) const {
  if (const auto found = changes_.find(key); found != changes_.end()) return found->second;
  return base_.get(key);
}

result<bool> row_buffer::look_up(std::string_view key, const value_visitor& see) const {
  const auto found = changes_.find(key);
  if (found == changes_.end()) return base_.look_up(key, see);
  if (found->second) see(*found->second);
  return found->second.has_value();
}

result<void> row_buffer::scan(std::string_view from, const row_visitor& visitor) const {
  return merge<ascending>(base_, changes_, from, visitor);
}

result<void> row_buffer::scan_back(std::string_view before, const row_visitor& visitor) const {
  return merge<descending>(base_, changes_, before, visitor);
}

result<std::uint64_t> row_buffer::count() const {
  if (count_) return *count_;
  auto count = base_.count();
  if (!count) return count;
  for (const auto& [key, value] : changes_) {
    auto below = base_.get(key);
    if (!below) return std::move(below).error();
    if (value && !*below) ++*count;
    if (!value && *below) --*count;
  }
  count_ = *count;
  return count;
}

void row_buffer::change(std::string key, std::optional<std::string> value) {
  if (count_) {
    const auto before = get(key);
    if (!before) {
      count_.reset();  // to be counted anew, by somebody who can be told of the failure
    } else {
      *count_ = *count_ - (*before ? 1 : 0) + (value ? 1 : 0);
    }
  }
  changes_.insert_or_assign(std::move(key), std::move(value));
}

row_changes row_buffer::take_changes() {
  count_.reset();
  return std::exchange(changes_, {});
}

}  // namespace tyto
