// What a parent knows of writers that were killed, and what it therefore expects of the storage that they left.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "crash_domain.hpp"

namespace tyto::test {

/// How many writers were killed when, and what became of the commands whose acknowledgement was not heard.
struct kill_count {
  int early = 0;  // before their first acknowledgement
  int at_work = 0;
  std::uint64_t stored_unheard = 0;
  std::uint64_t lost_unheard = 0;
};

/// Of the writers in one directory.
class crash_history {
 public:
  /// The first command that was certainly never sent.
  [[nodiscard]] std::uint64_t next() const { return next_; }
  [[nodiscard]] bool empty() const { return acknowledged_.empty(); }
  [[nodiscard]] std::uint64_t heard_since_check() const { return heard_since_check_; }

  /// Returns what the next writer is to send first: each command below next() that was not acknowledged, some of them
  /// twice, and some that were.
  [[nodiscard]] std::vector<std::uint64_t> to_send_again(std::mt19937& random) const;

  /// Notes what a writer told. It must agree with what was told before, and with what check() found in the journal.
  void acknowledged(const acknowledgement& told);

  struct found {
    std::uint64_t stored_unheard = 0;
    std::uint64_t lost_unheard = 0;
  };
  /// Checks what a killed writer left: positions and sequence numbers without gaps, whole decisions, no command twice,
  /// every acknowledged one where it was said to be, and nothing that is ahead of the journal. `beside_reader`:
  /// somebody had it open when the writer was killed, and still has. LMDB then shows a transaction that was stored in
  /// that very moment, so that nobody heard of it, only when the next writer begins.
  found check(const storage& left, bool beside_reader = false);

  /// Checks what writers left of which the last got through: every command and all that follows from it, once.
  void check_complete(const storage& left) const;

 private:
  std::uint64_t next_ = 0;
  std::uint64_t heard_since_check_ = 0;
  std::uint64_t head_ = 0;  // at the last check
  bool beside_reader_ = false;
  std::map<std::uint64_t, acknowledgement> acknowledged_;
  std::map<std::uint64_t, acknowledgement> stored_;  // in the journal at the last check
};

}  // namespace tyto::test
