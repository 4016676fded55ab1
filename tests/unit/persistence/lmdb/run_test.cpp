// Runs as they lie in an environment: written in parts with their filters, merged, listed in a catalog, searched.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "lmdb/journal_tables.hpp"
#include "lmdb/key_filter.hpp"
#include "lmdb/run_catalog.hpp"
#include "lmdb/run_head.hpp"
#include "lmdb/run_merge.hpp"
#include "lmdb/run_reader.hpp"
#include "lmdb/run_writer.hpp"
#include "lmdb/sealed_value.hpp"
#include "lmdb/store_meta.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

using numbers = std::vector<std::uint64_t>;

// A run to which any position may belong.
const index_run everything{0, 0, 1, 0, ~std::uint64_t{0}};

struct place {
  temporary_directory directory;
  std::shared_ptr<lmdb::environment> environment =
      lmdb::environment::open({.directory = directory.path(), .map_bytes = 64 << 20, .max_tables = journal_tables_max})
          .value();
  journal_tables tables = make_tables();

  [[nodiscard]] journal_tables make_tables() const {
    write_meta(*environment, journal_kind, new_journal_id()).value();
    return open_journal_tables(*environment, false).value();
  }

  template <class Change>
  void change(const Change& what) const {
    auto transaction = environment->begin_write().value();
    what(transaction);
    REQUIRE(transaction.commit() == 0);
  }
  void change_value(lmdb::table table, std::string_view key, std::size_t at) const {
    change([&](lmdb::transaction& transaction) {
      std::string_view stored;
      REQUIRE(transaction.get(table, key, stored) == 0);
      std::string value{stored};
      value[at] ^= 1;
      REQUIRE(transaction.put(table, key, value) == 0);
    });
  }

  // Writes a run in which each name has the positions given, which begin with the number given; so many in a
  // transaction.
  struct name_positions {
    std::uint64_t first = 1;
    numbers positions;
  };
  using content = std::map<std::string, name_positions>;
  void write(std::size_t slot, const content& names, filter_shape shape, std::size_t at_a_time) const {
    std::vector<std::pair<std::uint64_t, std::string>> order;
    for (const auto& [name, positions] : names) order.emplace_back(stream_name{name}.hash, name);
    std::ranges::sort(order);
    for (std::size_t done = 0; done < order.size() || done == 0;) {
      change([&](lmdb::transaction& transaction) {
        run_writer writer{transaction, tables.runs[slot], shape};
        for (std::size_t i = 0; i < at_a_time && done < order.size(); ++i, ++done) {
          const auto& [hash, name] = order[done];
          const auto& of = names.at(name);
          position_packer packer;
          for (const auto position : of.positions) REQUIRE(packer.add(position));
          REQUIRE(writer.add(run_key{name, hash, of.first}, hash, packer) == 0);
        }
        REQUIRE((done == order.size() ? writer.finish() : writer.flush()) == 0);
      });
      if (order.empty()) break;
    }
  }

  [[nodiscard]] std::map<std::string, std::string> bytes_of(std::size_t slot) const {
    std::map<std::string, std::string> all;
    const auto transaction = environment->begin_read().value();
    lmdb::cursor each{transaction, tables.runs[slot]};
    for (int code = each.move(MDB_FIRST); code == 0; code = each.move(MDB_NEXT)) {
      all[std::string{each.key()}] = std::string{each.value()};
    }
    return all;
  }

  [[nodiscard]] result<stream_positions> read(std::size_t slot, const std::string& name, std::uint64_t from = 1) const {
    const auto transaction = environment->begin_read().value();
    run_key key{name, stream_name{name}.hash, 0};
    return run_reader{transaction, tables.runs[slot], everything, key}.seek(from);
  }
  [[nodiscard]] result<last_event> last(std::size_t slot, const std::string& name) const {
    const auto transaction = environment->begin_read().value();
    run_key key{name, stream_name{name}.hash, 0};
    return run_reader{transaction, tables.runs[slot], everything, key}.last();
  }
};

std::string name_of(std::size_t i) { return "order|" + std::to_string(i); }

place::content names(std::size_t count, std::uint64_t first, std::uint64_t position) {
  place::content all;
  for (std::size_t i = 0; i < count; ++i) all[name_of(i)] = {first, {position + i, position + count + i}};
  return all;
}

}  // namespace

TEST_CASE("A filter never hides a name, and lets few others pass") {
  for (const std::size_t count : {1, 10, 3'000, 20'000}) {
    const place here;
    const auto shape = filter_shape::for_names(count);
    here.write(0, names(count, 1, 1), shape, 700);
    const auto transaction = here.environment->begin_read().value();
    const auto filter = key_filter::load(transaction, here.tables.runs[0], shape).value();
    CHECK(filter.damaged_pieces() == 0);
    std::size_t hidden = 0;
    std::size_t passed = 0;
    for (std::size_t i = 0; i < count; ++i) hidden += filter.may_hold(stream_name{name_of(i)}.hash) ? 0 : 1;
    for (std::size_t i = 0; i < 10'000; ++i)
      passed += filter.may_hold(stream_name{"other|" + std::to_string(i)}.hash) ? 1 : 0;
    CHECK(hidden == 0);
    CHECK(passed < 250);
    CHECK(transaction.size_of(here.tables.runs[0]).entries == count + shape.pieces());
  }
}

TEST_CASE("The pieces of a filter divide all hashes, in their order") {
  const auto blocks = GENERATE(1u, 2u, 22u, 23u, 24u, 1'000u, 65'537u);
  const filter_shape shape{blocks};
  CHECK(shape.block_of(0) == 0);
  CHECK(shape.block_of(~std::uint64_t{0}) == blocks - 1);
  std::uint32_t sum = 0;
  for (std::uint32_t piece = 0; piece < shape.pieces(); ++piece) {
    sum += shape.blocks_in(piece);
    const auto key = shape.key_of(piece);
    std::uint64_t least = 0;
    for (const char byte : key) least = least << 8 | static_cast<unsigned char>(byte);
    CHECK(shape.piece_of(least) == piece);
    if (piece > 0) CHECK(shape.piece_of(least - 1) == piece - 1);
  }
  CHECK(sum == blocks);
}

TEST_CASE("A run is the same in however many transactions it is written, and has no pages for single values") {
  const std::size_t count = GENERATE(0, 1, 50, 3'000);
  const place here;
  const auto shape = filter_shape::for_names(count);
  here.write(0, names(count, 1, 1), shape, 1'000'000);
  here.write(1, names(count, 1, 1), shape, 7);
  CHECK(here.bytes_of(0) == here.bytes_of(1));
  const auto transaction = here.environment->begin_read().value();
  MDB_stat stat{};
  REQUIRE(mdb_stat(transaction.handle(), here.tables.runs[0], &stat) == 0);
  CHECK(stat.ms_overflow_pages == 0);
}

TEST_CASE("Names as long as they may be, with entries as large as they may be, have no pages of their own") {
  const place here;
  place::content all;
  for (int i = 0; i < 20; ++i) {
    auto& of = all["order|" + std::string(390, 'x') + std::to_string(i)];
    for (std::uint64_t n = 0; n < 180; ++n) of.positions.push_back(1 + i + (n << 50));
  }
  here.write(0, all, filter_shape::for_names(20), 100);
  const auto transaction = here.environment->begin_read().value();
  MDB_stat stat{};
  REQUIRE(mdb_stat(transaction.handle(), here.tables.runs[0], &stat) == 0);
  CHECK(stat.ms_overflow_pages == 0);
  CHECK(stat.ms_leaf_pages >= 10);
}

TEST_CASE("What a run has of a name is found from any number on") {
  const place here;
  place::content all = names(100, 5, 10);
  all["order|7"].positions = {1, 2, 3, 4, 5};
  here.write(0, all, filter_shape::for_names(101), 1'000);
  CHECK(here.last(0, "order|7").value().sequence_number == 9);
  CHECK(here.last(0, "order|7").value().position == 5);
  CHECK(here.last(0, "order|no").value().sequence_number == 0);
  for (const std::uint64_t from : {1, 5, 9})
    CHECK(here.read(0, "order|7", from).value().positions == numbers{1, 2, 3, 4, 5});
  CHECK(here.read(0, "order|7", 10).value().empty());
  CHECK(here.read(0, "order|no").value().empty());
}

TEST_CASE("An entry that is damaged is never passed over in silence") {
  const place here;
  const auto name = name_of(GENERATE(0, 1, 49, 98, 99));
  const auto all = names(100, 1, 1);
  here.write(0, all, filter_shape::for_names(100), 1'000);
  const run_key key{name, stream_name{name}.hash, 1};
  SECTION("its value") { here.change_value(here.tables.runs[0], key.bytes(), GENERATE(0, 1, 3, 6)); }
  SECTION("its key, so that another entry stands in its place") {
    here.change([&](lmdb::transaction& transaction) {
      std::string_view stored;
      REQUIRE(transaction.get(here.tables.runs[0], key.bytes(), stored) == 0);
      const std::string value{stored};
      REQUIRE(transaction.erase(here.tables.runs[0], key.bytes()) == 0);
      std::string changed{key.bytes()};
      changed[GENERATE(std::size_t{6}, std::size_t{7}, std::size_t{12}, std::size_t{20})] ^= 1;
      REQUIRE(transaction.put(here.tables.runs[0], changed, value) == 0);
    });
  }
  const auto found = here.read(0, name);
  const auto last = here.last(0, name);
  REQUIRE_FALSE(found);
  REQUIRE_FALSE(last);
  CHECK(found.error().code() == errc::damaged);
  CHECK(last.error().code() == errc::damaged);
  CHECK_THAT(last.error().message(), Catch::Contains(name));
}

TEST_CASE("An entry of another run is damage") {
  const place here;
  here.write(0, names(3, 1, 100), filter_shape::for_names(3), 1'000);
  const auto transaction = here.environment->begin_read().value();
  run_key key{"order|1", stream_name{"order|1"}.hash, 0};
  const auto last_of = [&](std::uint64_t after, std::uint64_t up_to) {
    return run_reader{transaction, here.tables.runs[0], {0, 0, 1, after, up_to}, key}.last();
  };
  CHECK(last_of(99, 105).value().position == 104);
  CHECK_FALSE(last_of(102, 105));
  CHECK_FALSE(last_of(99, 103));
}

TEST_CASE("A table that holds another run than the catalog says is not taken for it") {
  const place here;
  const index_run run{0, 0, 1, 10, 20};
  const auto check = [&](const index_run& expected) {
    return check_run_head(here.environment->begin_read().value(), here.tables.runs[0], expected);
  };
  CHECK(check(run).error().code() == errc::damaged);
  here.change(
      [&](lmdb::transaction& transaction) { REQUIRE(put_run_head(transaction, here.tables.runs[0], run) == 0); });
  CHECK(check(run));
  CHECK(check({0, 0, 1, 10, 21}).error().code() == errc::damaged);
}

TEST_CASE("A piece that names may still come to is not taken for a whole one") {
  const place here;
  const auto shape = filter_shape::for_names(10);
  here.change([&](lmdb::transaction& transaction) {
    run_writer writer{transaction, here.tables.runs[0], shape};
    position_packer one;
    one.add(1);
    const stream_name name{"order|1"};
    REQUIRE(writer.add(run_key{name.id, name.hash, 1}, name.hash, one) == 0);
    REQUIRE(writer.flush() == 0);
  });
  const auto transaction = here.environment->begin_read().value();
  CHECK(key_filter::load(transaction, here.tables.runs[0], shape).value().damaged_pieces() == 1);
}

TEST_CASE("A piece of a filter that is damaged or missing lets everything pass") {
  const place here;
  const auto shape = filter_shape::for_names(5'000);
  here.write(0, names(5'000, 1, 1), shape, 10'000);
  REQUIRE(shape.pieces() >= 4);
  here.change_value(here.tables.runs[0], shape.key_of(1), 100);
  here.change(
      [&](lmdb::transaction& transaction) { REQUIRE(transaction.erase(here.tables.runs[0], shape.key_of(2)) == 0); });
  const auto transaction = here.environment->begin_read().value();
  const auto filter = key_filter::load(transaction, here.tables.runs[0], shape).value();
  CHECK(filter.damaged_pieces() == 2);
  for (std::size_t i = 0; i < 5'000; ++i) REQUIRE(filter.may_hold(stream_name{name_of(i)}.hash));
  for (std::size_t i = 0; i < 1'000; ++i) {
    const auto hash = stream_name{"other|" + std::to_string(i)}.hash;
    if (const auto piece = shape.piece_of(hash); piece == 1 || piece == 2) REQUIRE(filter.may_hold(hash));
  }
}

TEST_CASE("Merged in however many steps, runs make one with the positions of all, each name's joined") {
  const std::uint64_t at_a_time = GENERATE(1, 3, 50, 100'000);
  const place here;
  std::map<std::string, numbers> expected;
  std::map<std::string, std::uint64_t> versions;
  std::minstd_rand random{3};
  std::uint64_t position = 0;
  std::size_t entries = 0;
  std::vector<lmdb::table> sources;
  for (std::size_t slot = 0; slot < 4; ++slot) {
    place::content content;
    for (int i = 0; i < 150; ++i) {
      const auto name = name_of(random() % 200);
      if (content.contains(name)) continue;
      content[name].first = versions[name] + 1;
      for (auto n = random() % 300 + 1; n > 0; --n) {
        content[name].positions.push_back(++position);
        expected[name].push_back(position);
        ++versions[name];
      }
    }
    entries += content.size();
    here.write(slot, content, filter_shape::for_names(content.size()), 10'000);
    sources.push_back(here.tables.runs[slot]);
  }
  const auto shape = filter_shape::for_names(entries);
  int steps = 0;
  for (bool is_done = false; !is_done; ++steps) {
    REQUIRE(steps < 1'000);
    here.change([&](lmdb::transaction& transaction) {
      run_writer writer{transaction, here.tables.runs[4], shape};
      REQUIRE(merge_step(transaction, sources, writer, {at_a_time, ~std::uint64_t{0}}, is_done) == 0);
    });
  }
  CHECK((at_a_time < 100 ? steps > 5 : steps == 1));

  std::map<std::string, numbers> found;
  std::size_t written = 0;
  const auto transaction = here.environment->begin_read().value();
  const auto filter = key_filter::load(transaction, here.tables.runs[4], shape).value();
  const lmdb::table target = here.tables.runs[4];
  merged_entries all{transaction, {&target, 1}};
  for (int code = all.seek({}); code == 0; code = all.next(), ++written) {
    auto& of = found[std::string{all.key().name}];
    CHECK(all.key().number == of.size() + 1);
    CHECK(filter.may_hold(all.key().hash));
    for (const auto each : all.positions().positions()) of.push_back(each);
  }
  CHECK(found == expected);
  CHECK(written < entries);
}

TEST_CASE("A merge stops before an entry that is damaged, and neither fails nor loses it") {
  const place here;
  here.write(0, names(100, 1, 1), filter_shape::for_names(100), 1'000);
  here.write(1, names(100, 3, 1'000), filter_shape::for_names(100), 1'000);
  const run_key key{"order|50", stream_name{"order|50"}.hash, 3};
  SECTION("its value") { here.change_value(here.tables.runs[1], key.bytes(), 2); }
  SECTION("its key, which has not even the form of one") {
    here.change([&](lmdb::transaction& transaction) {
      std::string_view stored;
      REQUIRE(transaction.get(here.tables.runs[1], key.bytes(), stored) == 0);
      const std::string value{stored};
      REQUIRE(transaction.erase(here.tables.runs[1], key.bytes()) == 0);
      std::string changed{key.bytes()};
      changed[changed.size() - 9] = 2;
      REQUIRE(transaction.put(here.tables.runs[1], changed, value) == 0);
    });
  }
  const std::vector<lmdb::table> sources{here.tables.runs[0], here.tables.runs[1]};
  for (int i = 0; i < 3; ++i) {
    here.change([&](lmdb::transaction& transaction) {
      run_writer writer{transaction, here.tables.runs[2], filter_shape::for_names(200)};
      bool is_done = true;
      REQUIRE(merge_step(transaction, sources, writer, {1'000, ~std::uint64_t{0}}, is_done) == 0);
      CHECK_FALSE(is_done);
    });
  }
  CHECK(here.bytes_of(0).size() == 100 + filter_shape::for_names(100).pieces());
  CHECK_FALSE(here.read(1, "order|50", 3));
}

TEST_CASE("A merge stops at an entry whose key is damaged where it lies, wherever its steps begin and end") {
  const place here;
  here.write(0, names(100, 1, 1), filter_shape::for_names(100), 1'000);
  here.write(1, names(100, 3, 1'000), filter_shape::for_names(100), 1'000);
  const run_key key{"order|50", stream_name{"order|50"}.hash, 3};
  const char hash_begin = GENERATE('\0', '\xff');  // it seems to belong far before, or far behind
  {
    const auto file = here.environment->data_file();
    std::fstream pages{file, std::ios::in | std::ios::out | std::ios::binary};
    const std::string content{std::istreambuf_iterator<char>{pages}, {}};
    int changed = 0;
    for (auto at = content.find(key.bytes()); at != std::string::npos; at = content.find(key.bytes(), at + 1)) {
      pages.seekp(static_cast<std::streamoff>(at));
      pages.put(hash_begin);
      ++changed;
    }
    REQUIRE(changed > 0);
  }
  const std::vector<lmdb::table> sources{here.tables.runs[0], here.tables.runs[1]};
  const std::uint64_t at_a_time = GENERATE(1, 2, 7);
  for (int i = 0; i < 300; ++i) {
    here.change([&](lmdb::transaction& transaction) {
      run_writer writer{transaction, here.tables.runs[2], filter_shape::for_names(200)};
      bool is_done = true;
      REQUIRE(merge_step(transaction, sources, writer, {at_a_time, ~std::uint64_t{0}}, is_done) == 0);
      REQUIRE_FALSE(is_done);
    });
  }
}

TEST_CASE("Which runs count is stored and read back, and four neighbours of a level are merged") {
  const place here;
  run_catalog catalog;
  const auto shape = filter_shape::for_names(10);
  for (std::uint64_t i = 0; i < 4; ++i) {
    CHECK(catalog.next_to_merge().empty());
    const auto added = *catalog.begin(0, i * 10, i * 10 + 10, shape, 1);
    CHECK(catalog.being_folded());
    CHECK(catalog.folded_to() == i * 10);
    catalog.complete(added);
    CHECK(catalog.folded_to() == i * 10 + 10);
  }
  const auto sources = catalog.next_to_merge();
  REQUIRE(sources.size() == 4);
  const auto merged = *catalog.begin(1, 0, 40, shape, 0);
  CHECK(catalog.next_to_merge().empty());  // they are being merged
  CHECK_FALSE(catalog.being_folded());
  here.change([&](lmdb::transaction& transaction) { REQUIRE(catalog.write(transaction, here.tables) == 0); });
  auto stored = run_catalog::read(here.environment->begin_read().value(), here.tables).value();
  CHECK(stored.complete().size() == 4);
  REQUIRE(stored.unfinished().size() == 1);
  CHECK(stored.sources_of(stored.unfinished().front()).size() == 4);
  stored.complete(merged);
  REQUIRE(stored.complete().size() == 1);
  CHECK(stored.complete().front().level == 1);
  CHECK(stored.folded_to() == 40);
  CHECK_FALSE(stored.has(sources.front().slot));
}

TEST_CASE("A fold leaves the last free table to merges") {
  run_catalog catalog;
  const auto shape = filter_shape::for_names(10);
  std::uint64_t position = 0;
  while (const auto* added = catalog.begin(0, position, position + 1, shape, 1)) {
    catalog.complete(index_run{*added});
    ++position;
  }
  CHECK(position == run_tables_max - 1);
  CHECK(catalog.begin(1, 0, 4, shape, 0) != nullptr);
}

TEST_CASE("A catalog that is damaged, or whose runs do not fit, is refused") {
  const place here;
  const auto shape = filter_shape::for_names(10);
  const auto store = [&](const run_catalog& catalog) {
    here.change([&](lmdb::transaction& transaction) { REQUIRE(catalog.write(transaction, here.tables) == 0); });
  };
  const auto check_refused = [&] {
    const auto read = run_catalog::read(here.environment->begin_read().value(), here.tables);
    REQUIRE_FALSE(read);
    CHECK(read.error().code() == errc::damaged);
  };
  run_catalog catalog;
  catalog.complete(index_run{*catalog.begin(0, 0, 10, shape, 1)});
  SECTION("a bit is wrong") {
    store(catalog);
    here.change_value(here.tables.meta, meta_key::runs, GENERATE(0, 1, 5, 9, 20, 30));
    check_refused();
  }
  SECTION("it is missing") {
    here.change(
        [&](lmdb::transaction& transaction) { REQUIRE(transaction.erase(here.tables.meta, meta_key::runs) == 0); });
    check_refused();
  }
  SECTION("it is cut off") {
    here.change([&](lmdb::transaction& transaction) {
      REQUIRE(transaction.put(here.tables.meta, meta_key::runs, "1234567") == 0);
    });
    check_refused();
  }
  SECTION("positions are left out") {
    catalog.complete(index_run{*catalog.begin(0, 11, 20, shape, 1)});
    store(catalog);
    check_refused();
  }
}
