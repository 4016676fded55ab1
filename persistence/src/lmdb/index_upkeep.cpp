#include "lmdb/index_upkeep.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "lmdb/run_catalog.hpp"
#include "lmdb/run_head.hpp"
#include "lmdb/run_merge.hpp"
#include "lmdb/run_writer.hpp"

namespace tyto {
namespace {

// A merge takes so many times the share of its sources that the append is of the positions that they cover: it is done
// long before as many runs have come again.
constexpr double merge_speed = 2;
// A merge goes on whenever so many positions have been appended: each time costs some searches.
constexpr std::uint64_t merge_step_events = 64;
// A fold leaves the last free table to merges, which make others free.
constexpr std::size_t spare_tables = 1;

class advance {
 public:
  advance(lmdb::transaction& transaction, const journal_tables& tables, run_catalog& catalog)
      : transaction_(transaction), tables_(tables), catalog_(catalog) {}

  int fold(const stream_tail& tail, std::uint64_t events, stream_tail::fold_step& step) {
    const auto folding = tail.being_folded();
    if (!folding) return 0;
    auto target = catalog_.being_folded();
    if (!target) {
      const auto shape = filter_shape::for_names(folding->streams);
      const int code = begin(0, catalog_.folded_to(), folding->up_to, shape, spare_tables, target);
      if (code != 0 || !target) return code;
    }
    run_writer writer{transaction_, table_of(*target), target->shape()};
    int code = tail.fold(writer, events, step);
    if (code == 0) code = step.is_last() ? writer.finish() : writer.flush();
    if (code == 0 && step.is_last()) complete(*target);
    return code;
  }

  int merge(std::uint64_t events, std::uint64_t head) {
    for (auto next = catalog_.next_to_merge(); !next.empty(); next = catalog_.next_to_merge()) {
      std::uint64_t entries = 0;
      for (const auto& each : next) entries += transaction_.size_of(table_of(each)).entries;
      const auto level = static_cast<std::uint8_t>(next.front().level + 1);
      std::optional<index_run> target;
      const int code = begin(level, next.front().after, next.back().up_to, filter_shape::for_names(entries), 0, target);
      if (code != 0) return code;
      if (!target) break;
    }
    const auto targets = catalog_.unfinished();
    for (const auto& target : targets) {
      if (target.level == 0) continue;
      if (const int code = merge_into(target, events, head); code != 0) return code;
    }
    return 0;
  }

  /// Whether the catalog has changed.
  [[nodiscard]] bool has_changed() const { return has_changed_; }

 private:
  [[nodiscard]] lmdb::table table_of(const index_run& each) const { return tables_.runs[each.slot]; }

  // Begins a run if more than `spare` tables are free.
  int begin(std::uint8_t level, std::uint64_t after, std::uint64_t up_to, filter_shape shape, std::size_t spare,
            std::optional<index_run>& target) {
    const auto* begun = catalog_.begin(level, after, up_to, shape, spare);
    if (begun == nullptr) return 0;
    has_changed_ = true;
    target = *begun;
    return put_run_head(transaction_, table_of(*target), *target);
  }

  void complete(const index_run& written) {
    catalog_.complete(written);
    has_changed_ = true;
  }

  int merge_into(const index_run& target, std::uint64_t events, std::uint64_t head) {
    const auto covered = target.up_to - target.after;
    const auto every = std::clamp<std::uint64_t>(covered / 8, 1, merge_step_events);
    const auto due = head / every * every - (head - events) / every * every;
    if (due == 0) return 0;
    const auto sources = catalog_.sources_of(target);
    std::vector<lmdb::table> tables;
    merge_share all;
    for (const auto& each : sources) {
      tables.push_back(table_of(each));
      const auto size = transaction_.size_of(tables.back());
      all.entries += size.entries;
      all.bytes += size.bytes;
    }
    const auto part = merge_speed * static_cast<double>(due) / static_cast<double>(covered);
    const auto share_of = [&](std::uint64_t whole) {
      return static_cast<std::uint64_t>(part * static_cast<double>(whole)) + 1;
    };
    run_writer writer{transaction_, table_of(target), target.shape()};
    bool is_done = false;
    int code = merge_step(transaction_, tables, writer, {share_of(all.entries), share_of(all.bytes)}, is_done);
    if (code != 0 || !is_done) return code;
    complete(target);
    for (const auto table : tables) {
      if (code = transaction_.clear(table); code != 0) return code;
    }
    return 0;
  }

  lmdb::transaction& transaction_;
  const journal_tables& tables_;
  run_catalog& catalog_;
  bool has_changed_ = false;
};

constexpr auto writing = "writing the index of streams";

}  // namespace

result<void> tidy_index(lmdb::environment& environment, const journal_tables& tables) {
  auto transaction = environment.begin_write();
  if (!transaction) return std::move(transaction).error();
  auto catalog = run_catalog::read(*transaction, tables);
  if (!catalog) return std::move(catalog).error();
  const auto fold = catalog->being_folded();
  bool has_changed = fold.has_value();
  if (fold) catalog->forget(*fold);
  int code = has_changed ? catalog->write(*transaction, tables) : 0;
  for (std::uint8_t slot = 0; code == 0 && slot < run_tables_max; ++slot) {
    if (catalog->has(slot) || transaction->size_of(tables.runs[slot]).entries == 0) continue;
    code = transaction->clear(tables.runs[slot]);
    has_changed = true;
  }
  if (code == 0 && has_changed) code = transaction->commit();
  return code == 0 ? result<void>{} : lmdb::to_error(code, writing);
}

result<void> advance_index(lmdb::transaction& transaction, const journal_tables& tables, const stream_tail& tail,
                           std::uint64_t events, std::uint64_t head, stream_tail::fold_step& step) {
  if (events == 0) return {};  // an append of checkpoints alone
  auto catalog = run_catalog::read(transaction, tables);
  if (!catalog) return std::move(catalog).error();
  advance part{transaction, tables, *catalog};
  int code = part.fold(tail, events, step);
  if (code == 0) code = part.merge(events, head);
  if (code == 0 && part.has_changed()) code = catalog->write(transaction, tables);
  return code == 0 ? result<void>{} : lmdb::to_error(code, writing);
}

}  // namespace tyto
