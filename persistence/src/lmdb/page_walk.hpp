// Goes along every page of LMDB's data file that belongs to one transaction, without LMDB: what no page of the file
// says of itself, since LMDB 0.9 has no checksums, the pages together do. Each is where its number says, within its
// bounds, in the order of its keys, where its parent expects it; the tables have as many pages and entries as their
// records say; no page is used twice, or free and used.
//
// It reads bytes that may be anything: nothing is believed before it was checked, no page is gone to twice, and trees
// are no deeper than LMDB's. It takes two bits of memory for each page, and a page for each level of a tree.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lmdb/page_file.hpp"
#include "lmdb/page_format.hpp"
#include "tyto/result.hpp"

namespace tyto::lmdb {

struct walked_table {
  std::string name;
  format::tree record;
  bool is_sound = true;
};

/// What is wrong, and where: "page 17 (table events, positions 120 to 180)".
struct page_defect {
  std::string where;
  std::string what;
};

struct page_walk {
  std::uint64_t pages = 0;  // all of the transaction's, with the meta pages
  std::uint64_t free_pages = 0;
  std::uint64_t lost_pages = 0;  // neither used nor free: nothing is missing, but nothing will be stored there
  std::vector<walked_table> tables;
  std::vector<page_defect> defects;  // the first ones
  std::uint64_t defects_left_out = 0;

  [[nodiscard]] bool is_sound() const { return defects.empty(); }
};

/// Fails with errc::damaged if pages are missing at the end of the file that `meta` does not list as free, or its list
/// of free pages is damaged. LMDB gives out pages at the end and need not write those that the same transaction frees:
/// a file may lack them without harm. The list is read only if the file is short; it must be one with integer keys.
///
/// The pages must not be overwritten meanwhile, as for walk_pages().
result<void> check_length(const page_file& file, const format::meta_page& meta);

/// Walks the pages that `meta` leads to, and lists at most `max_defects`. They must not be overwritten meanwhile:
/// nobody writes, or a reader holds the transaction. Fails if the file cannot be read.
result<page_walk> walk_pages(const page_file& file, const format::meta_page& meta, std::size_t max_defects);

}  // namespace tyto::lmdb
