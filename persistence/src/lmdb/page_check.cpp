#include "lmdb/page_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "lmdb/journal_tables.hpp"
#include "lmdb/page_walk.hpp"
#include "lmdb/storage_layout.hpp"

namespace tyto {
namespace {

struct known_table {
  std::string_view name;
  std::uint16_t flags;
  bool is_old;  // as old as journals are: not added by a later version
};

constexpr std::array<known_table, 6> journal_tables_known{{{"meta", 0, true},
                                                           {"events", lmdb::format::integer_keys, true},
                                                           {"streams", 0, true},
                                                           {"checkpoints", 0, true},
                                                           {"retention", 0, false},
                                                           {"removed", lmdb::format::integer_keys, false}}};
constexpr std::array<std::string_view, 3> read_model_tables_known{"meta", "checkpoints", "snapshots"};

const known_table* find_in_journal(std::string_view name) {
  static constexpr known_table run_table{"", 0, false};
  for (std::size_t slot = 0; slot < run_tables_max; ++slot) {
    if (name == run_table_name(slot)) return &run_table;
  }
  const auto* const found = std::ranges::find(journal_tables_known, name, &known_table::name);
  return found == journal_tables_known.end() ? nullptr : &*found;
}

bool is_read_model_table(std::string_view name) {
  return name.substr(0, 5) == "rows/" ||
         std::ranges::find(read_model_tables_known, name) != read_model_tables_known.end();
}

// What is wrong with a table's name and flags.
std::string defect_of(const lmdb::walked_table& table, storage_part part) {
  const auto* known = part == storage_part::journal ? find_in_journal(table.name) : nullptr;
  if (known == nullptr && (part == storage_part::journal || !is_read_model_table(table.name))) {
    return "there is no table of this name";
  }
  const std::uint16_t flags = known == nullptr ? 0 : known->flags;
  return table.record.flags == flags ? std::string{} : fmt::format("its flags are {:#x}", table.record.flags);
}

// The tables of a journal are created together, after the table `meta`.
bool is_missing(const known_table& table, const std::vector<lmdb::walked_table>& found) {
  const auto has = [&](std::string_view name) {
    return std::ranges::find(found, name, &lmdb::walked_table::name) != found.end();
  };
  if (!table.is_old || has(table.name)) return false;
  return std::ranges::any_of(found, [](const auto& each) { return each.name != "meta"; });
}

}  // namespace

std::string_view page_advice(storage_part part) {
  return part == storage_part::journal
             ? "stop all writers and restore the journal from a backup; keep the file: most of it may still be readable"
             : "delete the directory read_models/: they are rebuilt from the journal";
}

result<verified_file> check_pages(const lmdb::page_file& file, const lmdb::format::meta_page& meta, storage_part part,
                                  finding_list& found) {
  auto walk = lmdb::walk_pages(file, meta, found.room());
  if (!walk) return std::move(walk).error();
  const std::string advice{page_advice(part)};
  const auto before = found.count();
  for (auto& defect : walk->defects) found.add(std::move(defect.where), std::move(defect.what), advice);
  found.leave_out(walk->defects_left_out);
  for (const auto& table : walk->tables) {
    if (auto defect = defect_of(table, part); !defect.empty())
      found.add("table " + table.name, std::move(defect), advice);
  }
  if (part == storage_part::journal && walk->is_sound()) {
    for (const auto& table : journal_tables_known) {
      if (is_missing(table, walk->tables)) found.add(fmt::format("table {}", table.name), "it is missing", advice);
    }
  }
  return verified_file{file.path(), walk->pages, walk->free_pages, walk->lost_pages, found.count() == before};
}

result<void> check_pages(const std::filesystem::path& directory, storage_part part) {
  if (!lmdb::has_data(directory)) return {};
  auto file = lmdb::page_file::open(directory / "data.mdb");
  if (!file) return std::move(file).error();
  const auto doing = fmt::format("checking the pages of '{}'", file->path().string());
  auto meta = lmdb::read_last_meta(*file);
  if (!meta) {
    const auto code = meta.error().code();
    return error{code, doing, std::string{code == errc::damaged ? page_advice(part) : ""}}.because(
        std::move(meta).error());
  }
  verification report;
  finding_list found{report, file->path(), 1};
  auto checked = check_pages(*file, *meta, part, found);
  if (!checked) return std::move(checked).error();
  if (found.count() == 0) return {};
  const auto& first = report.findings.front();
  const auto more = found.count() == 1 ? std::string{} : fmt::format(" and {} more findings", found.count() - 1);
  return error{errc::damaged, doing, fmt::format("{}: {}{}; {}", first.where, first.what, more, first.advice)};
}

}  // namespace tyto
