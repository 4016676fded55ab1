#include "lmdb/old_index.hpp"

#include <string>
#include <vector>

#include "lmdb/journal_tables.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

using numbers = std::vector<std::uint64_t>;

struct old_journal {
  temporary_directory directory;
  std::shared_ptr<lmdb::environment> environment =
      lmdb::environment::open({.directory = directory.path(), .map_bytes = 64 << 20, .max_tables = journal_tables_max})
          .value();
  lmdb::table streams = open_journal_tables(*environment, false).value().streams;

  void put(std::string_view id, std::uint64_t first, std::string_view value) const {
    auto transaction = environment->begin_write().value();
    REQUIRE(transaction.put(streams, stream_key{id, first}.bytes(), value) == 0);
    REQUIRE(transaction.commit() == 0);
  }
  void put(std::string_view id, std::uint64_t first, const numbers& positions) const {
    put(id, first, {reinterpret_cast<const char*>(positions.data()), positions.size() * sizeof positions[0]});
  }
};

}  // namespace

TEST_CASE("An index of format 1 tells of its streams up to where it is complete, and keeps them apart") {
  const old_journal old;
  old.put("order|1", 1, numbers{10, 11, 14});
  old.put("order|1", 4, numbers{20, 21});
  old.put("order|10", 1, numbers{12});
  old.put("order|0", 1, numbers{13});
  const auto transaction = old.environment->begin_read().value();
  const auto reader = [&](std::string_view id, std::uint64_t complete_to) {
    return old_index_reader{transaction, old.streams, id, complete_to};
  };
  CHECK(reader("order|1", 100).last().value().sequence_number == 5);
  CHECK(reader("order|1", 100).last().value().position == 21);
  CHECK(reader("order|1", 19).last().value().sequence_number == 3);  // the other one was written early
  CHECK(reader("order|1", 19).seek(4).value().empty());
  CHECK(reader("order|10", 100).last().value().sequence_number == 1);
  CHECK(reader("order|2", 100).last().value().sequence_number == 0);
  auto entries = reader("order|1", 100);
  CHECK(entries.seek(1).value().first == 1);
  CHECK(entries.seek(3).value().first == 1);
  CHECK(entries.seek(4).value().first == 4);
  CHECK(entries.next().value().empty());
  CHECK(entries.seek(6).value().empty());
}

TEST_CASE("An old entry that is not made of positions is damage, named by its stream") {
  const old_journal old;
  old.put("order|1", 1, "seven b");
  old.put("order|2", 1, "");
  const auto transaction = old.environment->begin_read().value();
  for (const std::string id : {"order|1", "order|2"}) {
    old_index_reader reader{transaction, old.streams, id, 100};
    const auto damaged = reader.last();
    REQUIRE_FALSE(damaged);
    CHECK(damaged.error().code() == errc::damaged);
    CHECK_THAT(damaged.error().message(), Catch::Contains(id));
    CHECK_FALSE(reader.seek(1));
  }
}
