// A journal as server-sent events, piece by piece: what a stream of /events carries. Knows no sockets; whoever sends a
// piece asks for the next one when the client has taken it, so nothing is queued.
#pragma once

#include <cstdint>
#include <string>

#include "journal_reader.hpp"
#include "tyto/event_store.hpp"
#include "tyto/result.hpp"

namespace tyto::detail {

class event_feed {
 public:
  /// From the position `from` on. The journal must outlive it.
  event_feed(const event_store& journal, std::uint64_t from, wanted_events wanted)
      : journal_(journal), next_(from < 1 ? 1 : from), wanted_(std::move(wanted)) {}

  /// Reads on. Returns events, some hundred kilobytes at most and maybe none. When the journal's end is reached,
  /// `caught-up` follows: at first, and whenever events were sent.
  result<std::string> read();
  /// Whether read() has come to the end of the journal.
  [[nodiscard]] bool is_at_end() const { return is_at_end_; }

  /// What keeps the connection alive, and has a client that comes back begin here.
  [[nodiscard]] std::string heartbeat() const;

  /// The position of the next event that it will look at.
  [[nodiscard]] std::uint64_t next() const { return next_; }

 private:
  const event_store& journal_;
  std::uint64_t next_;
  const wanted_events wanted_;
  bool is_at_end_ = false;
  bool has_caught_up_ = false;  // once
};

/// The last event of a stream that cannot go on.
std::string failure_event(const error& why);

}  // namespace tyto::detail
