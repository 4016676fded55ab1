#include "lmdb/stream_index.hpp"

#include <algorithm>
#include <utility>

#include "lmdb/run_head.hpp"
#include "lmdb/store_meta.hpp"

namespace tyto {
namespace {

bool are_same(const index_run& a, const index_run& b) {
  return a.slot == b.slot && a.after == b.after && a.up_to == b.up_to && a.filter_blocks == b.filter_blocks;
}

// A run that is known already keeps its filter.
std::shared_ptr<const index_state> state_of(run_catalog catalog, const index_state& before) {
  auto state = std::make_shared<index_state>();
  for (const auto& each : catalog.complete()) {
    const auto known =
        std::ranges::find_if(before.runs, [&](const auto& other) { return are_same(each, other.where); });
    state->runs.push_back({each, known == before.runs.end() ? std::make_shared<shared_filter>() : known->filter});
  }
  state->catalog = std::move(catalog);
  return state;
}

}  // namespace

result<const key_filter*> shared_filter::get(const lmdb::transaction& transaction, lmdb::table table,
                                             const index_run& of) {
  if (const auto* loaded = if_loaded()) return loaded;
  const std::lock_guard lock{mutex_};
  if (!filter_) {
    if (auto right = check_run_head(transaction, table, of); !right) return std::move(right).error();
    auto loaded = key_filter::load(transaction, table, of.shape());
    if (!loaded) return std::move(loaded).error();
    filter_.emplace(*std::move(loaded));
    is_loaded_.store(true, std::memory_order_release);
  }
  return &*filter_;
}

std::uint64_t index_view::unsealed_to() const {
  const auto& runs = state_->runs;
  return !runs.empty() && runs.front().where.is_old_index() ? runs.front().where.up_to : 0;
}

result<bool> index_view::may_hold(const index_state::indexed_run& run, const stream_name& stream) const {
  auto filter = run.filter->get(transaction_, tables_.runs[run.where.slot], run.where);
  return filter ? result<bool>{(*filter)->may_hold(stream.hash)} : std::move(filter).error();
}

result<last_event> index_view::last(const stream_name& stream) const {
  for (const auto& each : state_->runs) {
    if (const auto* filter = each.filter->if_loaded()) filter->prefetch(stream.hash);
  }
  for (auto each = state_->runs.rbegin(); each != state_->runs.rend(); ++each) {
    if (each->where.is_old_index()) {
      return old_index_reader{transaction_, tables_.streams, stream.id, each->where.up_to}.last();
    }
    auto may = may_hold(*each, stream);
    if (!may) return std::move(may).error();
    if (!*may) continue;
    run_key key{stream.id, stream.hash, 0};
    auto last = run_reader{transaction_, tables_.runs[each->where.slot], each->where, key}.last();
    if (!last || last->sequence_number > 0) return last;
  }
  return last_event{};
}

result<bool> stream_history::open_run() {
  const auto& run = index_.runs()[run_];
  const auto& tables = index_.tables();
  if (run.where.is_old_index()) {
    reader_.emplace<old_index_reader>(index_.transaction(), tables.streams, stream_.id, run.where.up_to);
    return true;
  }
  auto may = index_.may_hold(run, stream_);
  if (may && *may) reader_.emplace<run_reader>(index_.transaction(), tables.runs[run.where.slot], run.where, key_);
  return may;
}

result<stream_positions> stream_history::find() {
  for (; run_ < index_.runs().size(); ++run_) {
    auto opened = open_run();
    if (!opened) return std::move(opened).error();
    if (!*opened) continue;
    auto* const old = std::get_if<old_index_reader>(&reader_);
    auto found = old != nullptr ? old->seek(from_) : std::get<run_reader>(reader_).seek(from_);
    if (!found || !found->empty()) return found;
  }
  reader_.emplace<std::monostate>();
  return stream_positions{};
}

result<stream_positions> stream_history::seek(std::uint64_t from) {
  from_ = from;
  run_ = 0;
  return find();
}

result<stream_positions> stream_history::next() {
  if (std::holds_alternative<std::monostate>(reader_)) return stream_positions{};
  auto* const old = std::get_if<old_index_reader>(&reader_);
  auto found = old != nullptr ? old->next() : std::get<run_reader>(reader_).next();
  if (!found || !found->empty()) return found;
  ++run_;
  return find();
}

result<index_view> stream_index::view(const lmdb::transaction& transaction, const journal_tables& tables) {
  std::string_view stored;
  const bool is_stored = transaction.get(tables.meta, meta_key::runs, stored) == 0;
  const std::lock_guard lock{mutex_};
  if (is_stored && stored == stored_) return index_view{transaction, tables, state_};
  auto catalog = run_catalog::read(transaction, tables);
  if (!catalog) return std::move(catalog).error();
  state_ = state_of(*std::move(catalog), *state_);
  stored_ = stored;
  return index_view{transaction, tables, state_};
}

}  // namespace tyto
