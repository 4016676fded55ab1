// A stored event opened for editing by the names of its fields: what upcasters work on (see upcasting.hpp).
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tyto/codec.hpp"
#include "tyto/result.hpp"

namespace tyto {

/// The fields of one struct in their stored form: a MessagePack map keyed by strings. Only the top level is taken
/// apart; the values of fields that nobody touches stay as they are, byte for byte, and so does the fields' order.
///
/// A field that is a struct can be read and set as a document, several of them as a std::vector<document>.
class document {
 public:
  /// A document without fields.
  document() = default;

  /// Opens `payload`; errc::undecodable if it is not a map keyed by strings.
  static result<document> open(std::string_view payload);

  /// Whether there is a field `name`.
  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }

  /// Returns the field `name`, or errc::undecodable, naming the field, if there is none or it is not a T.
  template <class T>
  [[nodiscard]] result<T> get(std::string_view name) const {
    const auto* found = find(name);
    if (found == nullptr) return unreadable(name, "the field is missing");
    auto value = from_bytes<T>(*found);
    if (!value) return unreadable(name, value.error().detail());
    return value;
  }

  /// Gives the field `name` the value; appends the field if it is not there.
  template <class T>
  void set(std::string_view name, const T& value) {
    set_encoded(name, to_bytes(value));
  }

  /// Gives the field `from` the name `to` and returns true, or returns false if there is no field `from`. Throws
  /// std::invalid_argument if there is another field `to`.
  bool rename(std::string_view from, std::string_view to);

  /// Removes the field `name`; returns whether it was there.
  bool erase(std::string_view name);

  /// Returns the document as MessagePack.
  [[nodiscard]] std::string bytes() const { return to_bytes(*this); }

  void encode_to(encoder& out) const;
  bool decode_from(decoder& in);

 private:
  struct field {
    std::string name;
    std::string value;  // MessagePack
  };

  [[nodiscard]] const std::string* find(std::string_view name) const;
  void set_encoded(std::string_view name, std::string value);
  static error unreadable(std::string_view name, const std::string& why);

  std::vector<field> fields_;
};

}  // namespace tyto
