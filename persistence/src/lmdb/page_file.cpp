#include "lmdb/page_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <optional>

#include "lmdb/page_view.hpp"
#include "lmdb/page_walk.hpp"

namespace tyto::lmdb {
namespace {

// A writer may write a meta page while it is being read, and use the pages of an older transaction again: what looks
// damaged is looked at again until nothing has changed meanwhile.
constexpr int attempts_max = 100;

struct metas {
  format::meta_page first;
  format::meta_page second;

  // As LMDB chooses: after a first transaction that could not be written, both have the number 0, and the second one
  // leads to what was not written.
  [[nodiscard]] const format::meta_page& last() const {
    return second.transaction > first.transaction ? second : first;
  }
  [[nodiscard]] bool operator==(const metas& other) const {
    return std::memcmp(&first, &other.first, sizeof first) == 0 &&
           std::memcmp(&second, &other.second, sizeof second) == 0;
  }
};

std::string reading(const page_file& file) { return fmt::format("reading the pages of '{}'", file.path().string()); }

error damaged_file(const page_file& file, std::string what) { return {errc::damaged, reading(file), std::move(what)}; }

bool is_page_size(std::uint64_t bytes) {
  return std::has_single_bit(bytes) && bytes >= format::smallest_page_bytes && bytes <= format::largest_page_bytes;
}

result<format::meta_page> read_meta(const page_file& file, std::uint64_t offset) {
  format::meta_page meta{};
  std::string bytes(sizeof meta, '\0');
  auto size = file.read(offset, bytes);
  if (!size) return std::move(size).error();
  if (*size < sizeof meta) return damaged_file(file, "the file has been cut off within its meta pages");
  std::memcpy(&meta, bytes.data(), sizeof meta);
  return meta;
}

result<metas> read_metas(const page_file& file) {
  auto first = read_meta(file, 0);
  if (!first) return std::move(first).error();
  if (!is_page_size(first->page_bytes())) {
    return damaged_file(file, fmt::format("meta page 0 says that pages have {} bytes", first->page_bytes()));
  }
  auto second = read_meta(file, first->page_bytes());
  if (!second) return std::move(second).error();
  return metas{*first, *second};
}

std::string defect_of(const format::tree& tree, format::page_number last_page, std::uint16_t flags) {
  if (tree.flags != flags) return fmt::format("has the flags {:#x}", tree.flags);
  const bool is_empty = tree.root == format::no_page;
  if (is_empty != (tree.depth == 0) || tree.depth > format::deepest_tree)
    return fmt::format("has the depth {}", tree.depth);
  if (!is_empty && (tree.root < format::meta_pages || tree.root > last_page)) {
    return fmt::format("begins on page {} of {}", tree.root, last_page);
  }
  return {};
}

// What is wrong with one meta page, whichever transaction it tells of.
std::string defect_of(const format::meta_page& meta, format::page_number number, std::uint64_t page_bytes) {
  if (meta.header.number != number) return fmt::format("its number says {}", meta.header.number);
  if (meta.header.flags != format::meta_page_flag) return fmt::format("its flags are {:#x}", meta.header.flags);
  if (meta.magic != format::magic) return "it does not begin like one of LMDB";
  if (meta.version != format::data_version) return fmt::format("its version is {}", meta.version);
  if (meta.page_bytes() != page_bytes) return fmt::format("it says that pages have {} bytes", meta.page_bytes());
  // LMDB writes transaction n to meta page n % 2, and both with 0 when it creates the file.
  if (meta.transaction != 0 && meta.transaction % format::meta_pages != number) {
    return fmt::format("it tells of transaction {}, which belongs on the other one", meta.transaction);
  }
  return {};
}

result<void> check_header(const page_file& file, const format::meta_page& meta, const format::tree& tree,
                          std::string& page) {
  if (tree.root == format::no_page) return {};
  const auto page_bytes = meta.page_bytes();
  page.resize(page_bytes);
  auto size = file.read(tree.root * page_bytes, page);
  if (!size) return std::move(size).error();
  if (*size < page_bytes) return damaged_file(file, fmt::format("page {}: the file ends before it", tree.root));
  const page_view view{page};
  auto defect = view.defect(tree.root);
  if (defect.empty() && view.is_leaf() != (tree.depth == 1)) defect = "it is not at the depth that its tree has";
  return defect.empty() ? result<void>{} : damaged_file(file, fmt::format("page {}: {}", tree.root, defect));
}

// Returns the number of the last transaction that gave back pages, 0 if none did.
result<std::uint64_t> last_that_freed(const page_file& file, const format::meta_page& meta) {
  auto below = meta.free;
  std::string page;
  for (; below.root != format::no_page; --below.depth) {
    if (below.depth == 0 || below.root > meta.last_page) {
      return damaged_file(file, fmt::format("the list of free pages leads to page {}", below.root));
    }
    if (auto fits = check_header(file, meta, below, page); !fits) return std::move(fits).error();
    const page_view view{page};
    if (view.count() == 0) return damaged_file(file, fmt::format("page {}: it is empty", below.root));
    const auto last = view.at(view.count() - 1);
    if (!view.is_leaf()) {
      below.root = last.page;
      continue;
    }
    std::uint64_t transaction = 0;
    if (last.key.size() != sizeof transaction) {
      return damaged_file(file, fmt::format("page {}: a key has {} bytes", below.root, last.key.size()));
    }
    std::memcpy(&transaction, last.key.data(), sizeof transaction);
    return transaction;
  }
  return std::uint64_t{0};
}

// What the pages say to which `meta` leads at once.
result<void> check_trees(const page_file& file, const format::meta_page& meta) {
  const auto which = fmt::format("meta page {}: ", meta.header.number);
  if (meta.last_page < format::meta_pages - 1) {
    return damaged_file(file, which + fmt::format("it says that page {} is the last one", meta.last_page));
  }
  if (auto defect = defect_of(meta.free, meta.last_page, format::integer_keys); !defect.empty()) {
    return damaged_file(file, which + "the list of free pages " + defect);
  }
  if (auto defect = defect_of(meta.tables, meta.last_page, 0); !defect.empty()) {
    return damaged_file(file, which + "the list of tables " + defect);
  }
  if (auto whole = check_length(file, meta); !whole) return whole;
  std::string page;
  if (auto fits = check_header(file, meta, meta.tables, page); !fits) return fits;
  auto freed = last_that_freed(file, meta);
  if (!freed) return std::move(freed).error();
  // A transaction replaces pages, unless it is the first. A backup begins with transaction 1 and no free pages.
  if (*freed == meta.transaction || (*freed == 0 && meta.transaction <= 1)) return {};
  return damaged_file(file,
                      which + fmt::format("it tells of transaction {}, but the last one that gave back pages is {}",
                                          meta.transaction, *freed));
}

result<void> check(const page_file& file, const metas& both) {
  const auto page_bytes = both.first.page_bytes();
  if (both.first.version == both.second.version && both.first.version != format::data_version) {
    return error{errc::newer_format, reading(file), "written by another version of LMDB than the one in use"};
  }
  for (const auto* meta : {&both.first, &both.second}) {
    const format::page_number number = meta == &both.first ? 0 : 1;
    if (auto defect = defect_of(*meta, number, page_bytes); !defect.empty()) {
      return damaged_file(file, fmt::format("meta page {}: {}", number, defect));
    }
  }
  const auto [one, other] = std::minmax(both.first.transaction, both.second.transaction);
  if (other - one > 1 || (other == one && other != 0)) {
    return damaged_file(file,
                        fmt::format("the meta pages tell of the transactions {} and {}, which do not follow each other",
                                    both.first.transaction, both.second.transaction));
  }
  return {};
}

// Repeats `look` while it fails and the meta pages have changed meanwhile.
template <class Look>
result<format::meta_page> look_at_metas(const page_file& file, const Look& look) {
  auto both = read_metas(file);
  for (int attempt = 1;; ++attempt) {
    auto found = both ? look(*both) : result<format::meta_page>{both.error()};
    if (found || attempt == attempts_max) return found;
    auto again = read_metas(file);
    if (both.has_value() == again.has_value() && (!both || *both == *again)) return found;
    both = std::move(again);
  }
}

}  // namespace

result<page_file> page_file::open(const std::filesystem::path& path) {
  descriptor file;
  struct stat status {};
  int code = open_file(path, O_RDONLY, file);
  if (code == 0 && ::fstat(file.number(), &status) != 0) code = errno;
  if (code != 0) return to_error(code, fmt::format("opening '{}'", path.string()));
  return page_file{path, std::move(file), {status.st_dev, status.st_ino}};
}

result<std::uint64_t> page_file::size_bytes() const {
  struct stat status {};
  if (::fstat(file_.number(), &status) != 0) return to_error(errno, reading(*this));
  return static_cast<std::uint64_t>(status.st_size);
}

result<std::size_t> page_file::read(std::uint64_t offset, std::string& bytes) const {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto size =
        ::pread(file_.number(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return to_error(errno, reading(*this));
    if (size == 0) break;
    done += static_cast<std::size_t>(size);
  }
  return done;
}

result<format::meta_page> read_last_meta(const page_file& file) {
  return look_at_metas(file, [&](const metas& both) -> result<format::meta_page> {
    if (auto fits = check(file, both); !fits) return std::move(fits).error();
    const auto& last = both.last();
    if (auto fits = check_trees(file, last); !fits) return std::move(fits).error();
    return last;
  });
}

result<format::meta_page> read_meta_of(const page_file& file, std::uint64_t transaction) {
  return look_at_metas(file, [&](const metas& both) -> result<format::meta_page> {
    const auto& meta = transaction % format::meta_pages == 0 ? both.first : both.second;
    if (meta.transaction != transaction) {
      return error{errc::overloaded, reading(file), fmt::format("transaction {} is over", transaction)};
    }
    if (auto fits = check_trees(file, meta); !fits) return std::move(fits).error();
    return meta;
  });
}

}  // namespace tyto::lmdb
