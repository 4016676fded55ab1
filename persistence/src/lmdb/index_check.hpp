// Whether the index of streams names each event up to where it is complete, under its stream and number, and nothing
// else, and whether the filters of its runs let all of it pass. The names of all streams need not fit into memory: what
// the events are and what the index says are each added up, in the order in which they are stored, and must be the same
// in the end. Only where they are not, each entry is looked at.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lmdb/finding_list.hpp"
#include "lmdb/journal_tables.hpp"
#include "lmdb/lmdb.hpp"
#include "lmdb/retention_table.hpp"
#include "lmdb/run_catalog.hpp"
#include "lmdb/stream_index.hpp"
#include "lmdb/stream_tail.hpp"
#include "tyto/metadata.hpp"
#include "tyto/result.hpp"

namespace tyto {

class index_check {
 public:
  index_check(const lmdb::transaction& transaction, const journal_tables& tables, run_catalog catalog,
              finding_list& found);

  /// Takes the events that are whole, one after the other.
  void add(const metadata& event);
  /// There is an event of which nothing is known.
  void add_damaged(std::uint64_t position);

  /// Reads the index, once all events have been added; `head` is the last position, and `has_removed` says whether
  /// events have been removed for good. Fails if LMDB does.
  result<void> run(std::uint64_t head, bool has_removed);

 private:
  // How often which event of which stream lies where, all together.
  struct sum {
    std::uint64_t events = 0;
    std::uint64_t hashes = 0;
    void add(std::uint64_t stream_hash, std::uint64_t sequence_number, std::uint64_t position);
    bool operator==(const sum&) const = default;
  };
  struct entry {
    const index_run& of;
    std::string_view id;
    stream_positions events;

    [[nodiscard]] bool is_early() const { return of.is_old_index() && events.positions.front() > of.up_to; }
  };

  // Visits the entries that have the form of one. Reports the others, and what is wrong with filters, if `reports`.
  template <class Visit>
  result<void> visit_entries(bool reports, const Visit& visit);
  template <class Visit>
  result<void> visit_old_entries(const index_run& of, bool reports, const Visit& visit);
  template <class Visit>
  result<void> visit_run_entries(const index_run& of, bool reports, const Visit& visit);
  void check_order(const entry& each);
  result<void> compare_with_events(const entry& each, std::vector<bool>* named);
  result<void> find_differences();
  result<void> check_tail();
  void report(std::string_view id, std::string what);

  const lmdb::transaction& transaction_;
  const journal_tables& tables_;
  run_catalog catalog_;
  finding_list& found_;
  retention_rows kept_;
  std::uint64_t head_ = 0;
  bool has_removed_ = false;

  sum events_;
  sum index_;
  stream_runs tail_;
  bool has_damaged_events_ = false;
  std::uint64_t filter_findings_ = 0;

  // In the run that is being read: the stream of the last entry, the number that its next one begins with, and whether
  // the last one was early.
  std::uint64_t run_after_ = 0;
  std::string id_;
  std::uint64_t next_ = 0;
  bool is_early_ = false;
};

}  // namespace tyto
