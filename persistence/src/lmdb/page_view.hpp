// One page of a tree in LMDB's data file, as bytes that may be anything: whether they are laid out as a page must be,
// and then its nodes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lmdb/page_format.hpp"

namespace tyto::lmdb {

class page_view {
 public:
  /// `bytes` are a whole page, of at least format::smallest_page_bytes, and are lent.
  explicit page_view(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] format::page_header header() const;
  [[nodiscard]] bool is_leaf() const { return header().flags == format::leaf_page; }

  /// Returns what is wrong with it as the page `number` of a tree, a leaf or a branch, or nothing: then its nodes lie
  /// side by side within it, and can be looked at. What keys and values are is not looked at.
  [[nodiscard]] std::string defect(format::page_number number) const;

  [[nodiscard]] std::size_t count() const;

  struct node {
    std::uint16_t flags = 0;
    std::string_view key;
    format::page_number page = 0;   // a branch: the child; a leaf: the overflow page, if there is one
    std::uint64_t value_bytes = 0;  // a leaf: the size of the value
    std::string_view value;         // a leaf: the value, unless it lies on overflow pages
  };
  /// Returns the node `i`, which is less than count(), of a page without a defect.
  [[nodiscard]] node at(std::size_t i) const;

 private:
  [[nodiscard]] std::uint16_t offset_of(std::size_t i) const;
  // Returns how many bytes the node at `offset` takes, which leaves room for a node_header.
  [[nodiscard]] std::uint64_t node_bytes(std::uint16_t offset) const;
  [[nodiscard]] std::string node_defect() const;

  std::string_view bytes_;
};

}  // namespace tyto::lmdb
