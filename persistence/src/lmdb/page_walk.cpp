#include "lmdb/page_walk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "lmdb/page_view.hpp"
#include "tyto/printable.hpp"

namespace tyto::lmdb {
namespace {

constexpr std::size_t number_bytes = sizeof(std::uint64_t);

std::uint64_t number_at(std::string_view bytes, std::size_t index = 0) {
  std::uint64_t number = 0;
  std::memcpy(&number, bytes.data() + index * number_bytes, number_bytes);
  return number;
}

// A key as it can be printed, however long it is and whatever is in it.
std::string shown(std::string_view key, bool is_number) {
  if (is_number) return key.size() == number_bytes ? fmt::format("{}", number_at(key)) : "?";
  constexpr std::size_t longest_shown = 80;
  const auto text = printable(key.substr(0, longest_shown));
  return "'" + text + (key.size() > longest_shown ? "…'" : "'");
}

// The keys that a page may have: those from `from` on, and below `end`.
struct key_range {
  std::optional<std::string_view> from;
  std::optional<std::string_view> end;
};

// A tree that is being walked, and what was found of it.
struct walked_tree {
  std::string name;
  const format::tree& record;
  format::tree found{};
  bool is_sound = true;

  [[nodiscard]] bool has_numbers() const { return record.flags == format::integer_keys; }
  [[nodiscard]] bool is_before(std::string_view key, std::string_view other) const {
    return has_numbers() ? number_at(key) < number_at(other) : key < other;
  }
};

class walker {
 public:
  walker(const page_file& file, const format::meta_page& meta, std::size_t max_defects)
      : file_(file), meta_(meta), max_defects_(max_defects), used_(meta.last_page + 1), free_(meta.last_page + 1) {
    walk_.pages = meta.last_page + 1;
    used_[0] = used_[1] = true;
  }

  result<page_walk> run() {
    std::vector<walked_table> tables;
    walk_tree("the list of tables", meta_.tables,
              [&](const page_view::node& node) { return take_table(node, tables); });
    for (auto& table : tables) {
      table.is_sound = walk_tree("table " + table.name, table.record, [](const page_view::node& node) {
        return (node.flags & ~format::overflow_node) == 0 ? std::string{}
                                                          : fmt::format("has a value with the flags {:#x}", node.flags);
      });
    }
    walk_free_list();
    walk_.tables = std::move(tables);
    for (format::page_number page = format::meta_pages; page <= meta_.last_page; ++page) {
      if (free_[page]) ++walk_.free_pages;
      if (!free_[page] && !used_[page]) ++walk_.lost_pages;
    }
    if (failed_) return *std::move(failed_);
    return std::move(walk_);
  }

  // Returns whether the list of free pages is sound and has all pages from `first` on.
  result<bool> are_free_from(format::page_number first) {
    walk_free_list();
    if (failed_) return *std::move(failed_);
    const auto are_free =
        std::find(free_.begin() + static_cast<std::ptrdiff_t>(first), free_.end(), false) == free_.end();
    return walk_.is_sound() && are_free;
  }

 private:
  void walk_free_list() {
    walk_tree("the list of free pages", meta_.free, [&](const page_view::node& node) { return take_free(node); });
  }

  // Visits each entry of a tree; `visit` returns what is wrong with it. Returns whether nothing was found.
  template <class Visit>
  bool walk_tree(std::string name, const format::tree& record, const Visit& visit) {
    walked_tree tree{std::move(name), record};
    tree.found.pad = record.pad;
    tree.found.flags = record.flags;
    tree.found.depth = record.depth;
    tree.found.root = record.root;
    const bool is_empty = record.root == format::no_page;
    if (record.flags != 0 && record.flags != format::integer_keys) {
      report(tree, fmt::format("its flags are {:#x}", record.flags));
    } else if (is_empty != (record.depth == 0) || record.depth > format::deepest_tree) {
      report(tree, fmt::format("its depth is {}", record.depth));
    } else if (!is_empty) {
      walk_page(tree, record.root, record.depth, {}, visit);
    }
    if (tree.is_sound) compare(tree);
    return tree.is_sound;
  }

  void compare(walked_tree& tree) {
    const auto compare = [&](std::uint64_t said, std::uint64_t found, const char* what) {
      if (said != found) report(tree, fmt::format("it should have {} {}, and has {}", said, what, found));
    };
    compare(tree.record.entries, tree.found.entries, "entries");
    compare(tree.record.branch_pages, tree.found.branch_pages, "branch pages");
    compare(tree.record.leaf_pages, tree.found.leaf_pages, "leaf pages");
    compare(tree.record.overflow_pages, tree.found.overflow_pages, "overflow pages");
  }

  template <class Visit>
  void walk_page(walked_tree& tree, format::page_number number, std::uint16_t depth, const key_range& range,
                 const Visit& visit) {
    const auto report_page = [&](const std::string& what) { report(tree, what, number, range); };
    if (!use(number, 1, report_page)) return;
    auto& page = pages_[depth];
    if (!read(number, page, report_page)) return;
    const page_view view{page};
    if (auto defect = view.defect(number); !defect.empty()) return report_page(defect);
    if (view.is_leaf() != (depth == 1)) return report_page("it is not at the depth that its tree has");
    if (auto defect = key_defect(tree, view, range); !defect.empty()) return report_page(defect);
    if (view.is_leaf()) return walk_leaf(tree, view, number, range, visit);
    ++tree.found.branch_pages;
    for (std::size_t i = 0; i < view.count(); ++i) {
      const key_range below{i == 0 ? range.from : view.at(i).key,
                            i + 1 == view.count() ? range.end : view.at(i + 1).key};
      walk_page(tree, view.at(i).page, static_cast<std::uint16_t>(depth - 1), below, visit);
    }
  }

  template <class Visit>
  void walk_leaf(walked_tree& tree, const page_view& view, format::page_number number, const key_range& range,
                 const Visit& visit) {
    ++tree.found.leaf_pages;
    tree.found.entries += view.count();
    for (std::size_t i = 0; i < view.count(); ++i) {
      const auto node = view.at(i);
      const auto report_entry = [&](const std::string& what) {
        report(tree, fmt::format("the entry {} {}", shown(node.key, tree.has_numbers()), what), number, range);
      };
      if ((node.flags & format::overflow_node) != 0 && !walk_overflow(tree, node, report_entry)) continue;
      if (auto defect = visit(node); !defect.empty()) report_entry(defect);
    }
  }

  template <class Report>
  bool walk_overflow(walked_tree& tree, const page_view::node& node, const Report& report_entry) {
    const auto report_page = [&](const std::string& what) {
      report_entry(fmt::format("lies on page {}: {}", node.page, what));
    };
    if (!use(node.page, 1, report_page) || !read(node.page, overflow_, report_page)) return false;
    const auto header = page_view{overflow_}.header();
    const auto count = format::page_count(header);
    const auto needed = (sizeof header + node.value_bytes + meta_.page_bytes() - 1) / meta_.page_bytes();
    if (header.number != node.page) return report_page(fmt::format("its number says {}", header.number)), false;
    if (header.flags != format::overflow_page)
      return report_page(fmt::format("its flags are {:#x}", header.flags)), false;
    if (count < needed) {
      return report_page(fmt::format("{} bytes need {} pages, not {}", node.value_bytes, needed, count)), false;
    }
    if (!use(node.page + 1, count - 1, report_page)) return false;
    tree.found.overflow_pages += count;
    return true;
  }

  // What is wrong with the keys of a page and their order. The first key of a branch page stands for whatever is
  // smaller than the second, and is not looked at.
  std::string key_defect(const walked_tree& tree, const page_view& view, const key_range& range) const {
    const std::size_t begin = view.is_leaf() ? 0 : 1;
    // Branch pages in the list of free pages may have given away all children but one.
    if (view.count() <= begin && &tree.record != &meta_.free) return fmt::format("it has {} entries", view.count());
    if (view.count() == 0) return "it has no entries";
    std::optional<std::string_view> last = range.from;
    bool may_repeat = true;  // the first key may be the one with which the parent announces the page
    for (auto i = begin; i < view.count(); ++i) {
      const auto key = view.at(i).key;
      if (tree.has_numbers() ? key.size() != number_bytes : key.empty() || key.size() > format::longest_key_bytes) {
        return fmt::format("a key has {} bytes", key.size());
      }
      const auto show = [&](std::string_view which) { return shown(which, tree.has_numbers()); };
      if (last && !(tree.is_before(*last, key) || (may_repeat && *last == key))) {
        return fmt::format("the key {} comes after {}", show(key), show(*last));
      }
      if (range.end && !tree.is_before(key, *range.end)) {
        return fmt::format("the key {} is not before {}", show(key), show(*range.end));
      }
      last = key;
      may_repeat = false;
    }
    return {};
  }

  std::string take_table(const page_view::node& node, std::vector<walked_table>& tables) const {
    format::tree record{};
    if (node.flags != format::table_node) return fmt::format("is no table: its flags are {:#x}", node.flags);
    if (node.value.size() != sizeof record)
      return fmt::format("is a table with a record of {} bytes", node.value.size());
    std::memcpy(&record, node.value.data(), sizeof record);
    tables.push_back({std::string{node.key}, record});
    return {};
  }

  // An entry of the list of free pages: a transaction, and the pages that it gave back, the last one first.
  std::string take_free(const page_view::node& node) {
    if ((node.flags & ~format::overflow_node) != 0) return fmt::format("has the flags {:#x}", node.flags);
    const auto transaction = number_at(node.key);
    if (transaction == 0 || transaction > meta_.transaction) return "is from a transaction that has not been";
    if (node.value_bytes < number_bytes || node.value_bytes % number_bytes != 0) {
      return fmt::format("has {} bytes", node.value_bytes);
    }
    std::string elsewhere;
    auto value = node.value;
    if (node.page != 0) {
      elsewhere.resize(node.value_bytes);
      auto size = file_.read(node.page * meta_.page_bytes() + sizeof(format::page_header), elsewhere);
      if (!size || *size != elsewhere.size()) return "cannot be read";
      value = elsewhere;
    }
    const auto count = number_at(value);
    if (count >= value.size() / number_bytes) return fmt::format("lists {} pages in {} bytes", count, value.size());
    auto before = format::no_page;
    for (std::uint64_t i = 1; i <= count; ++i) {
      const auto page = number_at(value, i);
      if (page >= before) return fmt::format("lists page {} after page {}", page, before);
      if (page < format::meta_pages || page > meta_.last_page) return fmt::format("lists page {}", page);
      if (used_[page]) return fmt::format("lists page {}, which is used", page);
      if (free_[page]) return fmt::format("lists page {}, which is listed before", page);
      free_[page] = true;
      before = page;
    }
    return {};
  }

  template <class Report>
  bool use(format::page_number first, std::uint64_t count, const Report& report_page) {
    if (first < format::meta_pages || count > meta_.last_page + 1 || first > meta_.last_page + 1 - count) {
      return report_page(fmt::format("the last page is {}", meta_.last_page)), false;
    }
    for (auto page = first; page < first + count; ++page) {
      if (used_[page]) return report_page(fmt::format("page {} is used twice", page)), false;
      used_[page] = true;
    }
    return true;
  }

  template <class Report>
  bool read(format::page_number number, std::string& page, const Report& report_page) {
    page.resize(meta_.page_bytes());
    auto size = file_.read(number * meta_.page_bytes(), page);
    if (!size && !failed_) failed_ = size.error();
    if (!size) return false;
    if (*size < page.size()) return report_page("the file ends before it"), false;
    return true;
  }

  void report(walked_tree& tree, std::string what) { add(tree, tree.name, std::move(what)); }

  void report(walked_tree& tree, std::string what, format::page_number page, const key_range& range) {
    auto where = fmt::format("page {} ({}", page, tree.name);
    if (range.from) where += fmt::format(", from {} on", shown(*range.from, tree.has_numbers()));
    if (range.end) where += fmt::format(", before {}", shown(*range.end, tree.has_numbers()));
    add(tree, where + ")", std::move(what));
  }

  void add(walked_tree& tree, std::string where, std::string what) {
    tree.is_sound = false;
    if (walk_.defects.size() < max_defects_) {
      walk_.defects.push_back({std::move(where), std::move(what)});
    } else {
      ++walk_.defects_left_out;
    }
  }

  const page_file& file_;
  const format::meta_page& meta_;
  std::size_t max_defects_;
  std::vector<bool> used_;
  std::vector<bool> free_;
  std::array<std::string, format::deepest_tree + 1> pages_;  // the one that is being looked at on each level
  std::string overflow_;
  page_walk walk_;
  std::optional<error> failed_;
};

}  // namespace

result<void> check_length(const page_file& file, const format::meta_page& meta) {
  const auto damaged = [&](std::string what) {
    return error{errc::damaged, fmt::format("reading the pages of '{}'", file.path().string()), std::move(what)};
  };
  auto size = file.size_bytes();
  if (!size) return std::move(size).error();
  if (meta.page_bytes() == 0) return damaged("its pages have no bytes");
  const auto pages = *size / meta.page_bytes();
  if (meta.last_page < pages) return {};
  // The list takes a number for each page: so no more memory is asked for than the file can be worth.
  const auto missing_but_one = meta.last_page - pages;
  auto are_free = result<bool>{false};
  if (missing_but_one < *size / number_bytes) are_free = walker{file, meta, 1}.are_free_from(pages);
  if (!are_free) return std::move(are_free).error();
  if (*are_free) return {};
  return damaged(fmt::format("the file has been cut off: it has {} bytes, and should have {} pages of {}", *size,
                             meta.last_page + 1, meta.page_bytes()));
}

result<page_walk> walk_pages(const page_file& file, const format::meta_page& meta, std::size_t max_defects) {
  if (auto whole = check_length(file, meta); !whole) return std::move(whole).error();
  return walker{file, meta, std::max<std::size_t>(max_defects, 1)}.run();
}

}  // namespace tyto::lmdb
