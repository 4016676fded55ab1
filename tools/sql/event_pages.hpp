// Events in pieces: each is a read of its own, so that a statement that takes long, or is left half way, keeps no page
// of the storage from being used again. What is appended meanwhile is not seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "event_bounds.hpp"
#include "tyto/event_store.hpp"

namespace tyto::sql {

/// The most events that are read at once.
inline constexpr std::uint64_t max_page_events = 4096;

/// What an event's columns show. Of what is not asked for, nothing is kept.
struct event_row {
  std::uint64_t position = 0;
  std::uint64_t sequence_number = 0;
  std::uint32_t schema_version = 0;
  timestamp time;
  std::string stream;
  std::string type;
  std::string correlation_id;
  std::string causation_id;
  std::string command_id;
  std::vector<std::string> tags;
  std::string payload;  // MessagePack
};

/// Which of the long ones are kept.
struct event_parts {
  bool correlation_id = false;
  bool causation_id = false;
  bool command_id = false;
  bool tags = false;
  bool payload = false;
};

/// One run over the events of a journal or of a stream, forwards or backwards.
class event_pages {
 public:
  /// `journal` must outlive it.
  explicit event_pages(const event_store& journal) : journal_(&journal) {}

  /// Begins anew; `bounds.last` must not be behind the journal's head.
  result<void> begin(event_bounds bounds, event_parts parts, bool is_descending);

  /// Reads the next piece; size() may be 0 though the end is not reached.
  result<void> next();
  [[nodiscard]] bool at_end() const { return next_ >= end_; }
  /// Returns how many rows the piece has.
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Returns row `i` of the piece, in the order that was asked for.
  [[nodiscard]] const event_row& row(std::size_t i) const { return rows_[is_descending_ ? size_ - 1 - i : i]; }

 private:
  result<void> find_in_stream();
  result<std::uint64_t> number_at(std::uint64_t position, std::uint64_t from, std::uint64_t to) const;
  result<void> read_forwards();
  result<void> read_backwards();
  result<std::uint64_t> read(std::uint64_t from, std::uint64_t end);
  void keep(const event_view& event);

  const event_store* journal_;
  event_bounds bounds_;
  event_parts parts_;
  bool is_descending_ = false;
  // What is still to be read: positions, or numbers in the stream.
  std::uint64_t next_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t page_events_ = 0;
  std::vector<event_row> rows_;  // used again for each piece, so that its strings keep their memory
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace tyto::sql
