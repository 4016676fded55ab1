// A read model's rows as a typed, ordered table. A projection writes it, a query reads it.
#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

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

/// Rows of type Value under keys of type Key (integers, enums, strings, pairs and tuples of such), in the order of the
/// keys. Passed to handlers, which must not keep it; a const table reads, one that is not const writes too.
template <class Key, class Value>
class table {
 public:
  using key_type = Key;
  using value_type = Value;

  explicit table(const row_reader& rows) : rows_(rows), buffer_(nullptr) {}
  explicit table(row_buffer& buffer) : rows_(buffer), buffer_(&buffer) {}

  /// Returns the row under `key`.
  [[nodiscard]] std::optional<Value> get(const Key& key) const {
    auto bytes = rows_.get(to_row_key(key));
    if (!bytes) throw table_failure(std::move(bytes).error());
    if (!*bytes) return std::nullopt;
    return decode_row(**bytes);
  }

  [[nodiscard]] bool contains(const Key& key) const { return get(key).has_value(); }

  /// Calls `see(key, value)` for each row in order, until it returns visit::stop if it returns a visit.
  template <class See>
  void for_each(See see) const {
    scan({}, see);
  }

  /// Like for_each(), starting at the first row whose key is not less than `first`.
  template <class See>
  void for_each_from(const Key& first, See see) const {
    scan(to_row_key(first), see);
  }

  /// Stores `value` under `key`.
  void put(const Key& key, const Value& value) { buffer_->put(checked_key(key), to_bytes(value)); }

  /// Removes the row under `key` if there is one.
  void erase(const Key& key) { buffer_->erase(checked_key(key)); }

  /// Calls `change(value)` on the row under `key`, or on a new default one, and stores it.
  template <class Change>
  void update(const Key& key, Change change) {
    Value value = get(key).value_or(Value{});
    change(value);
    put(key, value);
  }

 private:
  static Value decode_row(std::string_view bytes) {
    auto value = from_bytes<Value>(bytes);
    if (!value) {
      throw table_failure(
          error{errc::undecodable, "reading a row",
                "the projection's rows have another shape; give the projection a new name to rebuild it"}
              .because(std::move(value).error()));
    }
    return *std::move(value);
  }

  static std::string checked_key(const Key& key) {
    auto bytes = to_row_key(key);
    if (bytes.size() > max_row_key_bytes) {
      throw table_failure(error{errc::invalid_argument, "storing a row",
                                "its key takes " + std::to_string(bytes.size()) + " bytes, the limit is " +
                                    std::to_string(max_row_key_bytes)});
    }
    return bytes;
  }

  template <class See>
  void scan(std::string_view from, See& see) const {
    auto scanned = rows_.scan(from, [&see](std::string_view key_bytes, std::string_view value_bytes) {
      Key key{};
      if (!from_row_key(key_bytes, key)) {
        throw table_failure(error{errc::undecodable, "reading a row", "its key has another type"});
      }
      const Value value = decode_row(value_bytes);
      if constexpr (std::is_same_v<decltype(see(std::as_const(key), value)), visit>) {
        return see(std::as_const(key), value);
      } else {
        see(std::as_const(key), value);
        return visit::next;
      }
    });
    if (!scanned) throw table_failure(std::move(scanned).error());
  }

  const row_reader& rows_;
  row_buffer* buffer_;
};

}  // namespace tyto
