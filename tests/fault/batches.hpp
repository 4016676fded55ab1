// Batches to append while a disk fails, and what readers must see of a journal that holds the first of them.
#pragma once

#include <map>
#include <sstream>
#include <string>

#include "contract/store_support.hpp"

namespace tyto::test {

inline lmdb_options options_of(const std::filesystem::path& directory, bool read_only = false) {
  return {.path = directory, .read_only = read_only, .fold_events = 8};
}

/// Everything that readers can see of a journal, as text; or why they cannot.
inline std::string view_of(const event_store& journal) {
  std::ostringstream view;
  std::map<std::string, std::ostringstream> streams;
  const auto show = [](std::ostream& to) {
    return [&to](const event_view& event) {
      to << event.meta.position << ' ' << event.meta.persistence_id << ' ' << event.meta.sequence_number << '\n';
      return visit::next;
    };
  };
  const auto head = journal.head();
  if (!head) return head.error().message();
  view << *head << " events\n";
  if (const auto read = journal.read_all({}, show(view)); !read) return read.error().message();
  for (int i = 0; i < 6; ++i) {
    const auto id = "order|" + std::to_string(i);
    const auto known = journal.info(id);
    if (!known) return known.error().message();
    view << id << " is at " << known->version << '\n';
    if (const auto read = journal.read_stream(id, 1, show(view)); !read) return read.error().message();
  }
  const auto checkpoint = journal.load_checkpoint("consumer");
  if (!checkpoint) return checkpoint.error().message();
  view << "checkpoint " << *checkpoint << '\n';
  return view.str();
}

/// The n-th batch of some that differ in streams and sizes; the last of three is large.
inline append_batch batch_of(int n) {
  append_batch batch;
  for (int i = 0; i <= n % 3; ++i) {
    auto write = write_of("order|" + std::to_string((n + i) % 6), 1 + static_cast<std::size_t>(n + i) % 3);
    for (auto& event : write->events) event.payload.assign(n % 3 == 2 ? 9'000 : 50, 'x');
    batch.writes.push_back(std::move(write));
  }
  batch.checkpoints.push_back({"consumer", static_cast<std::uint64_t>(n)});
  return batch;
}

/// What the journal must look like after the first `batches` batches.
inline std::string expected_view(int batches) {
  const auto store = open_memory();
  for (int n = 0; n < batches; ++n) append_and_wait(*store.journal, batch_of(n)).value();
  return view_of(*store.journal);
}

}  // namespace tyto::test
