#include "lmdb/run_catalog.hpp"

#include <algorithm>
#include <cstring>
#include <set>
#include <string>

#include "lmdb/sealed_value.hpp"
#include "lmdb/store_meta.hpp"

namespace tyto {
namespace {

constexpr std::size_t runs_in_a_merge = 4;
constexpr auto reading = "reading which runs make up the index of streams";

struct stored_run {
  std::uint8_t slot;
  std::uint8_t level;
  std::uint8_t is_complete;
  std::uint8_t reserved;
  std::uint32_t filter_blocks;
  std::uint64_t after;
  std::uint64_t up_to;
};
static_assert(sizeof(stored_run) == 24);

bool covers(const index_run& outer, const index_run& inner) {
  return outer.after <= inner.after && inner.up_to <= outer.up_to;
}

void append(std::string& to, const index_run& each, bool is_complete) {
  const stored_run row{each.slot,  each.level, static_cast<std::uint8_t>(is_complete), 0, each.filter_blocks,
                       each.after, each.up_to};
  to.append(reinterpret_cast<const char*>(&row), sizeof row);
}

error damaged(std::string what) { return {errc::damaged, reading, std::move(what)}; }

}  // namespace

result<run_catalog> run_catalog::read(const lmdb::transaction& transaction, const journal_tables& tables) {
  run_catalog catalog;
  std::string_view stored;
  const int code = transaction.get(tables.meta, meta_key::runs, stored);
  if (code == MDB_NOTFOUND) {
    auto format = read_format(transaction, tables.meta);
    if (!format) return std::move(format).error();
    if (*format != 1) return damaged("it is missing");
    auto folded_to = read_folded_to(transaction, tables.meta);
    if (!folded_to) return std::move(folded_to).error();
    catalog.add_old_index(*folded_to);
    return catalog;
  }
  if (code != 0) return lmdb::to_error(code, reading);
  constexpr auto seal_bytes = sizeof(std::uint64_t);
  if (stored.size() % sizeof(stored_run) != seal_bytes) return damaged("it has a form that is none of ours");
  auto rows = unsealed(meta_key::runs, stored, stored.size() - seal_bytes, reading);
  if (!rows) return std::move(rows).error();
  for (; !rows->empty(); rows->remove_prefix(sizeof(stored_run))) {
    stored_run row{};
    std::memcpy(&row, rows->data(), sizeof row);
    auto& list = row.is_complete != 0 ? catalog.complete_ : catalog.unfinished_;
    list.push_back({row.slot, row.level, row.filter_blocks, row.after, row.up_to});
  }
  return catalog.is_consistent() ? result<run_catalog>{std::move(catalog)} : damaged("its runs do not fit each other");
}

int run_catalog::write(lmdb::transaction& transaction, const journal_tables& tables) const {
  std::string rows;
  for (const auto& each : complete_) append(rows, each, true);
  for (const auto& each : unfinished_) append(rows, each, false);
  return transaction.put(tables.meta, meta_key::runs, sealed(meta_key::runs, rows));
}

bool run_catalog::is_consistent() const {
  std::set<std::uint8_t> slots;
  const auto is_possible = [&](const index_run& each) {
    const bool has_slot = each.slot < run_tables_max ? each.filter_blocks > 0 : each.is_old_index();
    return has_slot && slots.insert(each.slot).second && each.after < each.up_to;
  };
  std::uint64_t next = 0;
  for (const auto& each : complete_) {
    if (!is_possible(each) || each.after != next) return false;
    next = each.up_to;
  }
  return std::ranges::all_of(unfinished_, [&](const index_run& each) {
    if (!is_possible(each) || each.is_old_index()) return false;
    if (each.level == 0) return each.after == next;
    const auto sources = sources_of(each);
    return !sources.empty() && sources.front().after == each.after && sources.back().up_to == each.up_to;
  });
}

bool run_catalog::has(std::uint8_t slot) const {
  return std::ranges::find(complete_, slot, &index_run::slot) != complete_.end() ||
         std::ranges::find(unfinished_, slot, &index_run::slot) != unfinished_.end();
}

bool run_catalog::can_be_read_in(const journal_tables& tables) const {
  return tables.has_runs() || std::ranges::all_of(complete_, &index_run::is_old_index);
}

void run_catalog::add_old_index(std::uint64_t folded_to) {
  if (folded_to > 0) complete_.push_back({index_run::old_index_slot, index_run::level_max, 0, 0, folded_to});
}

const index_run* run_catalog::begin(std::uint8_t level, std::uint64_t after, std::uint64_t up_to, filter_shape shape,
                                    std::size_t spare) {
  std::optional<std::uint8_t> slot;
  std::size_t free = 0;
  for (std::uint8_t i = 0; i < run_tables_max; ++i) {
    if (has(i)) continue;
    if (!slot) slot = i;
    ++free;
  }
  if (free <= spare) return nullptr;
  return &unfinished_.emplace_back(index_run{*slot, level, shape.blocks(), after, up_to});
}

void run_catalog::complete(const index_run& written) {
  const auto made = written;
  forget(made);
  const auto first = std::ranges::find_if(complete_, [&](const index_run& each) { return covers(made, each); });
  const auto last = std::find_if_not(first, complete_.end(), [&](const index_run& each) { return covers(made, each); });
  complete_.insert(complete_.erase(first, last), made);
}

void run_catalog::forget(const index_run& unfinished) {
  const auto slot = unfinished.slot;
  std::erase_if(unfinished_, [&](const index_run& each) { return each.slot == slot; });
}

std::optional<index_run> run_catalog::being_folded() const {
  const auto found = std::ranges::find(unfinished_, 0, &index_run::level);
  return found == unfinished_.end() ? std::nullopt : std::optional{*found};
}

std::vector<index_run> run_catalog::sources_of(const index_run& merged) const {
  std::vector<index_run> sources;
  for (const auto& each : complete_) {
    if (covers(merged, each)) sources.push_back(each);
  }
  return sources;
}

std::vector<index_run> run_catalog::next_to_merge() const {
  const auto can_merge = [this](const index_run& each) {
    const auto is_taken = [&](const index_run& target) { return covers(target, each); };
    return each.level < index_run::level_max && std::ranges::none_of(unfinished_, is_taken);
  };
  std::vector<index_run> neighbours;
  for (const auto& each : complete_) {
    if (!can_merge(each) || (!neighbours.empty() && neighbours.back().level != each.level)) neighbours.clear();
    if (can_merge(each)) neighbours.push_back(each);
    if (neighbours.size() == runs_in_a_merge) return neighbours;
  }
  return {};
}

}  // namespace tyto
