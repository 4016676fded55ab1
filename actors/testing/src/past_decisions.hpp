// A journal, read from its beginning to a position: the events of one decision after the other.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "note_list.hpp"
#include "tyto/event_store.hpp"

namespace tyto::testing {

/// Positions, added in their order; neighbours take no memory of their own.
class position_set {
 public:
  void add(std::uint64_t first, std::uint64_t last);
  [[nodiscard]] bool has(std::uint64_t position) const;
  [[nodiscard]] bool empty() const { return ranges_.empty(); }

 private:
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges_;
};

class past_decisions {
 public:
  /// `journal` and `notes` must outlive it.
  past_decisions(const event_store& journal, std::uint64_t until, note_list& notes)
      : journal_(journal), until_(until), notes_(notes) {}

  /// Returns the events of the next decision, as far as they are still there; none at the end. An event that cannot be
  /// brought up to date is noted, and passed over. Fails where the journal cannot be read.
  result<std::vector<recorded_event>> next();

  /// The positions up to here of which there are no events, for they were removed or could not be read.
  [[nodiscard]] const position_set& missing() const { return missing_; }
  /// Of them, those that could not be read.
  [[nodiscard]] const position_set& unreadable() const { return unreadable_; }

 private:
  result<void> read_on();
  result<void> pass_over_unreadable(const error& why);
  void note_missing(std::uint64_t found);

  const event_store& journal_;
  const std::uint64_t until_;
  note_list& notes_;
  std::uint64_t next_ = 1;      // the first position that was not read
  std::uint64_t expected_ = 1;  // the position after the last event in ahead_, or unreadable one
  std::deque<recorded_event> ahead_;
  bool is_at_end_ = false;
  position_set missing_;
  position_set unreadable_;
};

}  // namespace tyto::testing
