// What a sender knows of a stream's version. Commands carry it to aggregates, writes carry it to stores.
#pragma once

#include <cstdint>
#include <string>

namespace tyto {

/// The version at which a stream must be for an append to happen.
class expected_version {
 public:
  /// No check.
  static constexpr expected_version any() { return {kind::any, 0}; }
  /// The stream must have no events.
  static constexpr expected_version no_stream() { return {kind::exact, 0}; }
  /// The stream must have events.
  static constexpr expected_version stream_exists() { return {kind::exists, 0}; }
  /// The stream's last sequence number must be `sequence_number`.
  static constexpr expected_version exactly(std::uint64_t sequence_number) { return {kind::exact, sequence_number}; }

  [[nodiscard]] constexpr bool is_any() const { return kind_ == kind::any; }
  /// Returns whether a stream at `actual` satisfies this.
  [[nodiscard]] constexpr bool allows(std::uint64_t actual) const {
    return kind_ == kind::any || (kind_ == kind::exists ? actual > 0 : actual == sequence_number_);
  }
  /// Returns it in words: "any version", "no stream", "an existing stream", "version 7".
  [[nodiscard]] std::string describe() const;

 private:
  enum class kind : std::uint8_t { any, exists, exact };
  constexpr expected_version(kind k, std::uint64_t n) : kind_(k), sequence_number_(n) {}

  kind kind_;
  std::uint64_t sequence_number_;
};

}  // namespace tyto
