// A read model's rows as a typed, ordered table with secondary indexes. A projection writes it, a query reads it.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tyto/codec.hpp"
#include "tyto/read_model_store.hpp"
#include "tyto/row_key.hpp"

namespace tyto {

/// Thrown by table when its storage fails or a row cannot be decoded, so that handlers stay free of storage matters.
/// The runtime catches it around every handler and hands on the error.
class table_failure : public std::runtime_error {
 public:
  explicit table_failure(error failed) : std::runtime_error(failed.message()), error_(std::move(failed)) {}
  [[nodiscard]] const error& what_failed() const { return error_; }

 private:
  error error_;
};

/// Declares a secondary index of a table: its rows in the order of a member of the value (`index<&customer::city>`), or
/// of what a function makes of the value, or of key and value. The order's type is one that a key may have.
template <auto By>
struct index {};

/// What is known of a table's rows without its type.
struct table_shape {
  /// Its key and its indexes in words, the same for tables that can share rows. An index of a member is known by the
  /// member's stored name; of one that a function makes, only the type is.
  std::string description;
  /// Looks at some of the rows that are stored, the first and the last ones, and at their indexes. Throws
  /// table_failure, which says what to do, if they are not the table's; and what the function of an index throws.
  std::function<void(const row_reader&)> check;
};

namespace detail {

template <auto By, class Key, class Value>
decltype(auto) index_key(const Key& key, const Value& value) {
  if constexpr (std::invocable<decltype(By), const Value&>) {
    return std::invoke(By, value);
  } else {
    return std::invoke(By, key, value);
  }
}

template <class K>
using stored_key = std::conditional_t<std::convertible_to<const K&, std::string_view>, std::string, K>;

/// Looks for the field to which `member` points in the object of which it is a part.
template <class Member>
class field_finder {
 public:
  static constexpr bool is_loading = false;
  explicit field_finder(const Member& member) : member_(&member) {}

  struct seen_field {
    template <class U>
    const seen_field& fallback(const U&) const {
      return *this;
    }
    template <class Predicate>
    const seen_field& invariant(const Predicate&) const {
      return *this;
    }
  };
  struct seen_object {
    template <class... Fields>
    bool fields(const Fields&...) const {
      return true;
    }
  };

  template <class T>
  seen_field field(std::string_view name, T& value) {
    if constexpr (std::same_as<std::remove_const_t<T>, Member>) {
      if (&value == member_) name_ = name;
    }
    return {};
  }
  template <class T>
  seen_object object(T&) const {
    return {};
  }

  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  const Member* member_;
  std::string name_;
};

/// Returns the stored name of the field of Value that `By` is, or nothing if it is something else.
template <auto By, class Value>
std::string indexed_field() {
  if constexpr (std::is_member_object_pointer_v<decltype(By)> && inspectable<Value>) {
    Value value{};
    field_finder<std::remove_cvref_t<decltype(value.*By)>> found{value.*By};
    inspect(found, value);
    return found.name();
  } else {
    return {};
  }
}

template <class Index, class Key, class Value>
struct index_of;
template <auto By, class Key, class Value>
struct index_of<index<By>, Key, Value> {
  using order = stored_key<
      std::remove_cvref_t<decltype(index_key<By>(std::declval<const Key&>(), std::declval<const Value&>()))>>;
  static_assert(row_key_type<order>, "tyto: the order of an index is of a type that cannot be the key of rows");
  static std::string bytes(const Key& key, const Value& value) {
    return to_row_key<order>(order(index_key<By>(key, value)));
  }
  static void describe(std::string& out) {
    const auto name = indexed_field<By, Value>();
    out += "; index " + name + (name.empty() ? "of " : ": ");
    if constexpr (row_key_type<order>) describe_key<order>(out);
  }
};

template <class T>
T checked(result<T> outcome) {
  if (!outcome) throw table_failure(std::move(outcome).error());
  if constexpr (!std::is_void_v<T>) return *std::move(outcome);
}

[[noreturn]] void other_shape(error why);

/// Throws table_failure if `rows` are there and known to have another shape than the one that is `expected`.
void check_shape(const row_reader& rows, const std::string& expected);

template <class Value>
Value decode_row(std::string_view bytes) {
  auto value = from_bytes<Value>(bytes);
  if (!value) other_shape(std::move(value).error());
  return *std::move(value);
}

/// Returns the row that is stored under `key`.
template <class Value>
std::optional<Value> stored_row(const row_reader& rows, std::string_view key) {
  std::optional<Value> found;
  checked(rows.look_up(key, [&found](std::string_view bytes) { found.emplace(decode_row<Value>(bytes)); }));
  return found;
}

// The key space of a read model whose table has indexes: its rows, one area for each index, and the layout's entry.
inline constexpr char rows_area = '\0';
inline constexpr char first_index_area = '\1';
inline constexpr std::string_view layout_key = "\xff";

/// Returns the area's part of the key space.
row_range whole_area(const std::string& area);

}  // namespace detail

/// Some rows of a table, in the order of their keys or of an index. Made by the table; each function that narrows it
/// returns another one. It reads when it is asked, and is good for as long as the table.
template <class Order, class Key, class Value>
class rows_of {
 public:
  using row = std::pair<Key, Value>;

  /// For the table: the rows under `area`, which for an index leads to those under `rows_area`.
  rows_of(const row_reader& rows, std::string area, bool is_index)
      : rows_(&rows), area_(std::move(area)), is_index_(is_index), range_(detail::whole_area(area_)) {}

  /// Only rows that are not less than `first`.
  [[nodiscard]] rows_of from(const Order& first) const { return narrowed(area_ + to_row_key(first), {}); }

  /// Only rows that are not less than `first` and less than `end`.
  [[nodiscard]] rows_of range(const Order& first, const Order& end) const {
    return narrowed(area_ + to_row_key(first), area_ + to_row_key(end));
  }

  /// Only rows whose string begins with `parts`, or whose pair or tuple has these as its first elements.
  template <class... Parts>
  [[nodiscard]] rows_of prefix(const Parts&... parts) const {
    return within(area_ + to_row_key_prefix<Order>(parts...));
  }

  /// Only rows that are equal to `parts`, or whose pair or tuple has these as its first elements.
  template <class... Parts>
  [[nodiscard]] rows_of equal(const Parts&... parts) const {
    return within(area_ + to_row_key_parts<Order>(parts...));
  }

  /// The same rows from the last to the first.
  [[nodiscard]] rows_of reversed() const {
    auto other = *this;
    other.range_.is_reversed = !range_.is_reversed;
    return other;
  }

  /// The first `most` of these rows.
  [[nodiscard]] rows_of limit(std::uint64_t most) const {
    auto fewer = *this;
    fewer.range_.limit = std::min(range_.limit, most);
    return fewer;
  }

  /// Calls `see(key, value)` for each row in order, until it returns visit::stop if it returns a visit. It may change
  /// the table; but a row that an index gets to a later place will be seen again there.
  template <class See>
  void for_each(See see) const {
    detail::checked(scan(*rows_, range_, [&](std::string_view key_bytes, std::string_view value_bytes) {
      const auto [key, value] = read(key_bytes, value_bytes);
      if constexpr (std::is_same_v<decltype(see(key, value)), visit>) {
        return see(key, value);
      } else {
        see(key, value);
        return visit::next;
      }
    }));
  }

  /// Returns the rows: `for (const auto& [key, value] : rows.list())`.
  [[nodiscard]] std::vector<row> list() const {
    std::vector<row> all;
    for_each([&](const Key& key, const Value& value) { all.emplace_back(key, value); });
    return all;
  }

  /// Returns the first row.
  [[nodiscard]] std::optional<row> first() const {
    auto found = limit(1).list();
    if (found.empty()) return std::nullopt;
    return std::move(found.front());
  }

  /// Returns how many rows there are. It passes over all of them, but reads none of the values.
  [[nodiscard]] std::uint64_t count() const {
    std::uint64_t seen = 0;
    detail::checked(scan(*rows_, range_, [&](auto, auto) { return ++seen, visit::next; }));
    return seen;
  }

 private:
  rows_of within(const std::string& prefix) const { return narrowed(prefix, after_prefix(prefix)); }

  rows_of narrowed(const std::string& from, const std::string& end) const {
    auto part = *this;
    if (from > part.range_.from) part.range_.from = from;
    if (!end.empty() && (part.range_.end.empty() || end < part.range_.end)) part.range_.end = end;
    return part;
  }

  row read(std::string_view key_bytes, std::string_view value_bytes) const {
    key_bytes.remove_prefix(area_.size());
    Order order{};
    if (is_index_ && !detail::get_key(key_bytes, order)) wrong_key();
    Key key{};
    if (!from_row_key(key_bytes, key)) wrong_key();
    if (!is_index_) return {std::move(key), detail::decode_row<Value>(value_bytes)};
    auto found = detail::stored_row<Value>(*rows_, std::string{detail::rows_area}.append(key_bytes));
    if (!found) detail::other_shape({errc::undecodable, "following an index", "it leads to a row that is not there"});
    return {std::move(key), *std::move(found)};
  }

  [[noreturn]] static void wrong_key() {
    detail::other_shape({errc::undecodable, "reading its key", "it has another type"});
  }

  const row_reader* rows_;
  std::string area_;
  bool is_index_;
  row_range range_;
};

/// Rows of type Value, which is storable, under keys of type Key, a row_key_type, in the order of the keys. Passed to
/// handlers, which must not keep it; a const table reads, one that is not const writes too.
///
/// With Indexes (`table<std::string, customer, index<&customer::city>>`) the rows are also kept in the order of each of
/// these, by put(), update() and erase(). What an index is made of belongs to the shape of the rows, as key and value
/// do: change it, and give the projection a new name. A projection that begins with rows of another shape halts and
/// says so; of an index that a function makes, another function of the same type is found as far as a look at the first
/// and the last thousand rows can tell.
template <class Key, class Value, class... Indexes>
class table {
 public:
  using key_type = Key;
  using value_type = Value;
  using some_rows = rows_of<Key, Key, Value>;

  /// Returns what the runtime compares when the projection starts.
  static table_shape shape() {
    return {description(), [](const row_reader& rows) { table{rows}.check_rows(); }};
  }

  explicit table(const row_reader& rows) : rows_(rows), buffer_(nullptr) { check_layout(); }
  explicit table(row_buffer& buffer) : rows_(buffer), buffer_(&buffer) { check_layout(); }

  /// Returns the row under `key`.
  [[nodiscard]] std::optional<Value> get(const Key& key) const {
    return detail::stored_row<Value>(rows_, row_key(key));
  }

  [[nodiscard]] bool contains(const Key& key) const { return has_entry(row_key(key)); }

  /// Returns how many rows there are, without a look at each.
  [[nodiscard]] std::uint64_t count() const {
    const auto entries = detail::checked(rows_.count());
    if constexpr (!has_indexes) return entries;
    // Besides the layout's entry there is one for each row, and one in each index for each row.
    return entries == 0 ? 0 : (entries - 1) / (1 + sizeof...(Indexes));
  }

  /// The rows in the order of their keys, and some of them.
  [[nodiscard]] some_rows all() const { return some_rows{rows_, area(), false}; }
  [[nodiscard]] some_rows from(const Key& first) const { return all().from(first); }
  [[nodiscard]] some_rows range(const Key& first, const Key& end) const { return all().range(first, end); }
  template <class... Parts>
  [[nodiscard]] some_rows prefix(const Parts&... parts) const {
    return all().prefix(parts...);
  }

  /// The rows in the order of the index<By>, and by their keys where that is equal. With `parts`, those that are equal
  /// to these: `rows.by<&customer::city>("Berlin")`.
  template <auto By, class... Parts>
  [[nodiscard]] auto by(const Parts&... parts) const {
    constexpr auto place = place_of<index<By>>();
    static_assert(place < sizeof...(Indexes),
                  "tyto: the table has no such index; declare it: `tyto::table<key, value, tyto::index<...>>`");
    if constexpr (place < sizeof...(Indexes)) {
      using order = typename detail::index_of<index<By>, Key, Value>::order;
      const rows_of<order, Key, Value> ordered{rows_, index_area(place), true};
      if constexpr (sizeof...(Parts) == 0) {
        return ordered;
      } else {
        return ordered.equal(parts...);
      }
    }
  }

  /// Calls `see(key, value)` for each row in order, until it returns visit::stop if it returns a visit.
  template <class See>
  void for_each(See see) const {
    all().for_each(std::move(see));
  }

  /// Like for_each(), starting at the first row whose key is not less than `first`.
  template <class See>
  void for_each_from(const Key& first, See see) const {
    from(first).for_each(std::move(see));
  }

  /// Stores `value` under `key`.
  void put(const Key& key, const Value& value) { store(key, row_key(key), value); }

  /// Removes the row under `key` if there is one.
  void erase(const Key& key) {
    auto stored = checked_key(row_key(key));
    if constexpr (has_indexes) move_entries(key, get(key), nullptr);
    buffer_->erase(std::move(stored));
  }

  /// Calls `change(value)` on the row under `key`, or on a new default one, and stores it.
  template <class Change>
  void update(const Key& key, Change change) {
    auto stored = row_key(key);
    Value value = detail::stored_row<Value>(rows_, stored).value_or(Value{});
    change(value);
    store(key, std::move(stored), value);
  }

 private:
  static constexpr bool has_indexes = sizeof...(Indexes) > 0;
  static_assert(sizeof...(Indexes) < 250, "tyto: a table has less than 250 indexes");
  static_assert(row_key_type<Key>, TYTO_DETAIL_NO_ROW_KEY);

  // How many rows check_rows() looks at from either end.
  static constexpr std::uint64_t rows_to_check = 1'000;

  static const std::string& description() {
    static const std::string made = [] {
      std::string text;
      if constexpr (row_key_type<Key>) detail::describe_key<Key>(text);
      (detail::index_of<Indexes, Key, Value>::describe(text), ...);
      return text;
    }();
    return made;
  }

  template <class Index>
  static constexpr std::size_t place_of() {
    std::size_t place = 0;
    (void)((std::is_same_v<Index, Indexes> ? false : (++place, true)) && ...);
    return place;
  }

  static std::string area() { return has_indexes ? std::string{detail::rows_area} : std::string{}; }
  static std::string index_area(std::size_t place) {
    return {static_cast<char>(detail::first_index_area + static_cast<char>(place))};
  }
  static std::string row_key(const Key& key) {
    if constexpr (row_key_type<Key>) {
      return area() + to_row_key(key);
    } else {
      return {};  // said already
    }
  }

  static std::string checked_key(std::string bytes) {
    if (bytes.size() > max_row_key_bytes) {
      throw table_failure(error{errc::invalid_argument, "storing a row",
                                "its key takes " + std::to_string(bytes.size()) + " bytes, the limit is " +
                                    std::to_string(max_row_key_bytes)});
    }
    return bytes;
  }

  void store(const Key& key, std::string stored_key, const Value& value) {
    auto stored = checked_key(std::move(stored_key));
    if constexpr (has_indexes) move_entries(key, get(key), &value);
    buffer_->put(std::move(stored), to_bytes(value));
  }

  [[nodiscard]] bool has_entry(const std::string& key) const {
    return detail::checked(rows_.look_up(key, [](std::string_view) {}));
  }

  // An entry of an index: the order, then the row's key; the value is empty.
  static std::array<std::string, sizeof...(Indexes)> entries_of(const Key& key, const Value& value) {
    std::size_t place = 0;
    return {checked_key(index_area(place++) + detail::index_of<Indexes, Key, Value>::bytes(key, value) +
                        to_row_key(key))...};
  }

  void move_entries(const Key& key, const std::optional<Value>& old_value, const Value* new_value) {
    std::array<std::string, sizeof...(Indexes)> before;
    std::array<std::string, sizeof...(Indexes)> after;
    if (old_value) before = entries_of(key, *old_value);
    if (new_value != nullptr) after = entries_of(key, *new_value);
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (before[i] == after[i]) continue;
      if (old_value) buffer_->erase(std::move(before[i]));
      if (new_value != nullptr) buffer_->put(std::move(after[i]), {});
    }
  }

  // What is not in the description: that values can be read, and that the indexes hold what would be put there.
  void check_rows() const {
    for (const auto& some : {all().limit(rows_to_check), all().reversed().limit(rows_to_check)}) {
      some.for_each([&](const Key& key, const Value& value) {
        if constexpr (has_indexes) {
          for (const auto& entry : entries_of(key, value)) {
            if (has_entry(entry)) continue;
            detail::other_shape({errc::undecodable, "looking for a row in an index", "it is not where it should be"});
          }
        }
      });
    }
  }

  // Rows that were stored with another key or other indexes would be misread.
  void check_layout() const {
    detail::check_shape(rows_, description());
    if constexpr (has_indexes) {
      const auto expected = to_bytes(sizeof...(Indexes));
      const auto found = detail::checked(rows_.get(detail::layout_key));
      if (found == expected) return;
      if (found || detail::checked(rows_.count()) > 0) {
        detail::other_shape({errc::undecodable, "looking for the indexes", "they are not the ones that were stored"});
      }
      if (buffer_ != nullptr) buffer_->put(std::string{detail::layout_key}, expected);
    }
  }

  const row_reader& rows_;
  row_buffer* buffer_;
};

}  // namespace tyto
