// A sound data file of LMDB, of which a test changes single numbers.
#pragma once

#include <lmdb.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "lmdb/page_file.hpp"
#include "lmdb/page_view.hpp"
#include "lmdb/page_walk.hpp"
#include "support/temporary_directory.hpp"

namespace tyto::test {

namespace format = lmdb::format;

/// The tables `numbers`, with u64 keys and some values that lie on overflow pages, and `names`, both of three levels,
/// and some free pages.
class damaged_file {
 public:
  damaged_file() {
    MDB_env* env = nullptr;
    check(mdb_env_create(&env));
    check(mdb_env_set_maxdbs(env, 4));
    check(mdb_env_set_mapsize(env, std::size_t{1} << 28));
    check(mdb_env_open(env, directory_.path().c_str(), MDB_NOSYNC, 0644));
    for (std::uint64_t round = 0; round < 3; ++round) fill(env, round);
    mdb_env_close(env);
    std::ostringstream content;
    content << std::ifstream{path(), std::ios::binary}.rdbuf();
    bytes = content.str();
  }

  [[nodiscard]] std::filesystem::path path() const { return directory_.path() / "data.mdb"; }

  template <class Number>
  [[nodiscard]] Number get(std::size_t offset) const {
    Number number;
    std::memcpy(&number, bytes.data() + offset, sizeof number);
    return number;
  }
  template <class Number>
  void set(std::size_t offset, Number number) {
    std::memcpy(bytes.data() + offset, &number, sizeof number);
  }

  [[nodiscard]] static std::size_t begin_of(format::page_number page) { return page * page_bytes; }
  [[nodiscard]] lmdb::page_view view(format::page_number page) const {
    return lmdb::page_view{std::string_view{bytes}.substr(begin_of(page), page_bytes)};
  }
  /// Returns where the node `i` of a page begins.
  [[nodiscard]] std::size_t node(format::page_number page, std::size_t i) const {
    return begin_of(page) + get<std::uint16_t>(begin_of(page) + sizeof(format::page_header) + 2 * i);
  }

  /// Returns where the last transaction's meta page begins.
  [[nodiscard]] std::size_t last_meta() const {
    const auto first = get<format::meta_page>(0);
    const auto second = get<format::meta_page>(page_bytes);
    return first.transaction > second.transaction ? 0 : page_bytes;
  }
  [[nodiscard]] format::meta_page meta() const { return get<format::meta_page>(last_meta()); }

  /// Returns where the record of a table begins.
  [[nodiscard]] std::size_t record(std::string_view table) const {
    const auto root = meta().tables.root;
    for (std::size_t i = 0; i < view(root).count(); ++i) {
      const auto entry = view(root).at(i);
      if (entry.key == table) return static_cast<std::size_t>(entry.value.data() - bytes.data());
    }
    throw std::runtime_error("no such table");
  }
  [[nodiscard]] format::page_number root(std::string_view table) const { return get<format::tree>(record(table)).root; }
  /// Returns the first leaf below a page.
  [[nodiscard]] format::page_number leaf(format::page_number page) const {
    while (!view(page).is_leaf()) page = view(page).at(0).page;
    return page;
  }
  /// Returns the node of the table `numbers` whose value lies on an overflow page: it is the first one.
  [[nodiscard]] format::page_number overflow() const { return view(leaf(root("numbers"))).at(0).page; }
  [[nodiscard]] format::page_number free_leaf() const { return leaf(meta().free.root); }
  /// Returns where the value of the first entry of the list of free pages begins.
  [[nodiscard]] std::size_t free_list() const {
    const auto first = view(free_leaf()).at(0);
    return first.page != 0 ? begin_of(first.page) + sizeof(format::page_header)
                           : static_cast<std::size_t>(first.value.data() - bytes.data());
  }

  [[nodiscard]] lmdb::page_file open() const {
    std::ofstream{path(), std::ios::binary}.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return lmdb::page_file::open(path()).value();
  }
  [[nodiscard]] result<format::meta_page> read_meta() const { return lmdb::read_last_meta(open()); }
  /// Walks the pages that the changed meta page leads to.
  [[nodiscard]] lmdb::page_walk walk(std::size_t max_defects = 100) const {
    return lmdb::walk_pages(open(), meta(), max_defects).value();
  }

  static constexpr std::size_t page_bytes = 4096;
  std::string bytes;

 private:
  static void check(int code) {
    if (code != 0) throw std::runtime_error(mdb_strerror(code));
  }

  static void fill(MDB_env* env, std::uint64_t round) {
    MDB_txn* txn = nullptr;
    MDB_dbi numbers = 0;
    MDB_dbi names = 0;
    check(mdb_txn_begin(env, nullptr, 0, &txn));
    check(mdb_dbi_open(txn, "numbers", MDB_CREATE | MDB_INTEGERKEY, &numbers));
    check(mdb_dbi_open(txn, "names", MDB_CREATE, &names));
    constexpr std::uint64_t count = 4000;
    for (auto i = round * count; i < (round + 1) * count; ++i) {
      std::string value(i % 100 == 0 ? 9000 : 150, 'v');
      MDB_val key{sizeof i, &i};
      MDB_val content{value.size(), value.data()};
      check(mdb_put(txn, numbers, &key, &content, 0));
      auto name = std::to_string(i * 7919 % 10007) + std::string(60, '.');
      key = {name.size(), name.data()};
      check(mdb_put(txn, names, &key, &content, 0));
    }
    check(mdb_txn_commit(txn));
  }

  temporary_directory directory_;
};

}  // namespace tyto::test
