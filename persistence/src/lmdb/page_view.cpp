#include "lmdb/page_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bitset>
#include <cstring>

namespace tyto::lmdb {
namespace {

constexpr std::size_t offset_bytes = sizeof(std::uint16_t);

std::uint64_t number_in_node(const format::node_header& node) {
  return node.low | static_cast<std::uint64_t>(node.high) << 16;
}

template <class Value>
Value copy_from(std::string_view bytes, std::size_t offset) {
  Value value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

}  // namespace

format::page_header page_view::header() const { return copy_from<format::page_header>(bytes_, 0); }

std::size_t page_view::count() const { return (header().lower - sizeof(format::page_header)) / offset_bytes; }

std::uint16_t page_view::offset_of(std::size_t i) const {
  return copy_from<std::uint16_t>(bytes_, sizeof(format::page_header) + i * offset_bytes);
}

std::uint64_t page_view::node_bytes(std::uint16_t offset) const {
  const auto head = copy_from<format::node_header>(bytes_, offset);
  std::uint64_t size = sizeof head + std::uint64_t{head.key_bytes};
  if (is_leaf()) {
    const bool elsewhere = (head.flags & format::overflow_node) != 0;
    size += elsewhere ? sizeof(format::page_number) : number_in_node(head);
  }
  return size + size % 2;
}

std::string page_view::defect(format::page_number number) const {
  const auto head = header();
  if (head.number != number) return fmt::format("its number says {}", head.number);
  if (head.flags != format::leaf_page && head.flags != format::branch_page) {
    return fmt::format("its flags are {:#x}, neither a leaf's nor a branch's", head.flags);
  }
  if (head.lower < sizeof head || head.lower % 2 != 0 || head.lower > head.upper || head.upper > bytes_.size()) {
    return fmt::format("its bounds are {} and {}", head.lower, head.upper);
  }
  return node_defect();
}

// LMDB keeps the nodes side by side between `upper` and the page's end, in any order. Where each begins where another
// one ends and all together fill that room, they do.
std::string page_view::node_defect() const {
  const auto upper = header().upper;
  std::bitset<format::largest_page_bytes + 1> begins;
  std::bitset<format::largest_page_bytes + 1> ends;
  std::uint64_t together = 0;
  for (std::size_t i = 0; i < count(); ++i) {
    const auto offset = offset_of(i);
    if (offset % 2 != 0 || offset < upper || offset + sizeof(format::node_header) > bytes_.size()) {
      return fmt::format("its node {} lies at {}", i, offset);
    }
    const auto size = node_bytes(offset);
    if (size > bytes_.size() - offset) return fmt::format("its node {} reaches over its end", i);
    if (begins.test(offset)) return fmt::format("its node {} lies where another one does", i);
    begins.set(offset);
    ends.set(offset + size);
    together += size;
  }
  if (together != bytes_.size() - upper) {
    return fmt::format("its nodes take {} bytes of {}", together, bytes_.size() - upper);
  }
  if (count() == 0) return {};
  begins.set(bytes_.size());
  ends.set(upper);
  return begins == ends ? std::string{} : "its nodes overlap";
}

page_view::node page_view::at(std::size_t i) const {
  const auto offset = offset_of(i);
  const auto head = copy_from<format::node_header>(bytes_, offset);
  node found;
  found.key = bytes_.substr(offset + sizeof head, head.key_bytes);
  const auto number = number_in_node(head);
  if (!is_leaf()) {
    found.page = number | static_cast<std::uint64_t>(head.flags) << 32;
    return found;
  }
  const auto rest = offset + sizeof head + head.key_bytes;
  found.flags = head.flags;
  found.value_bytes = number;
  if ((head.flags & format::overflow_node) != 0) {
    found.page = copy_from<format::page_number>(bytes_, rest);
  } else {
    found.value = bytes_.substr(rest, number);
  }
  return found;
}

}  // namespace tyto::lmdb
