// How LMDB 0.9 lays out its data file: pages of one size, the first two of which are meta pages. A meta page tells of
// one transaction: of two trees of pages, that of the free pages and that of the tables. In the leaves of the latter
// stand the records of the tables, which are trees of their own. LMDB publishes no description of the file; what is
// here is data version 1, for 64-bit little-endian machines, as all releases of 0.9 write it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace tyto::lmdb::format {

using page_number = std::uint64_t;
inline constexpr page_number no_page = std::numeric_limits<page_number>::max();

inline constexpr std::uint32_t magic = 0xBEEFC0DE;
inline constexpr std::uint32_t data_version = 1;
inline constexpr std::uint64_t meta_pages = 2;
inline constexpr std::uint64_t smallest_page_bytes = 4096;
inline constexpr std::uint64_t largest_page_bytes = 32768;
inline constexpr std::uint16_t deepest_tree = 32;
inline constexpr std::size_t longest_key_bytes = 511;

// What a page's flags say it is. Others are for features that Tyto does not use, or never on disk.
inline constexpr std::uint16_t branch_page = 0x01;
inline constexpr std::uint16_t leaf_page = 0x02;
inline constexpr std::uint16_t overflow_page = 0x04;
inline constexpr std::uint16_t meta_page_flag = 0x08;

inline constexpr std::uint16_t integer_keys = 0x08;  // a table's flag: its keys are u64, compared as numbers

// A leaf node's flags.
inline constexpr std::uint16_t overflow_node = 0x01;  // the value lies on pages of its own, the first of which is named
inline constexpr std::uint16_t table_node = 0x02;     // the value is a tree

struct page_header {
  page_number number;
  std::uint16_t pad;
  std::uint16_t flags;
  std::uint16_t lower;  // where the offsets of the nodes end, from the page's begin
  std::uint16_t upper;  // where the nodes begin, which reach to the page's end
};
static_assert(sizeof(page_header) == 16);

/// How many pages a value takes that begins on an overflow page: in the place of `lower` and `upper`.
inline std::uint32_t page_count(const page_header& header) {
  return header.lower | static_cast<std::uint32_t>(header.upper) << 16;
}

/// A node begins with 8 bytes, after which come its key and, in a leaf, its value or the number of an overflow page.
struct node_header {
  std::uint16_t low;  // in a leaf the value's size, in a branch the child's number, together with `high`
  std::uint16_t high;
  std::uint16_t flags;  // in a branch the next 16 bits of the child's number
  std::uint16_t key_bytes;
};
static_assert(sizeof(node_header) == 8);

struct tree {
  std::uint32_t pad;  // of the free pages' tree: the size of a page
  std::uint16_t flags;
  std::uint16_t depth;  // 0: no page
  std::uint64_t branch_pages;
  std::uint64_t leaf_pages;
  std::uint64_t overflow_pages;
  std::uint64_t entries;
  page_number root;
};
static_assert(sizeof(tree) == 48);

struct meta_page {
  page_header header;
  std::uint32_t magic;
  std::uint32_t version;
  std::uint64_t address;
  std::uint64_t map_bytes;
  tree free;
  tree tables;
  page_number last_page;
  std::uint64_t transaction;  // which lies on the page transaction % 2

  [[nodiscard]] std::uint64_t page_bytes() const { return free.pad; }
};
static_assert(sizeof(meta_page) == 152);

}  // namespace tyto::lmdb::format
