// How tables become part of a connection, and leave it.

#include "sql_support.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

storage with_events(std::size_t count, const std::string& model) {
  auto opened = open_memory();
  append(*opened.journal, {write_of("a|1", count)});
  opened.read_models->commit(model, {}, {1, {}, "string"}).value();
  return opened;
}

constexpr auto names = "SELECT group_concat(name) FROM (SELECT name FROM temp.sqlite_master ORDER BY name)";

}  // namespace

TEST_CASE("Another storage takes the place of the one before, tables and all") {
  const connection sql{with_events(3, "first")};
  CHECK(sql(names) == "consumers,dead_letters,events,first,streams");
  CHECK(sql("SELECT count(*) FROM events") == "3");
  sql::add_tables(sql.get(), with_events(5, "second")).value();
  CHECK(sql(names) == "consumers,dead_letters,events,second,streams");
  CHECK(sql("SELECT count(*) FROM events") == "5");
}

TEST_CASE("A storage is given back when another one takes its place, and when the connection is closed") {
  std::weak_ptr<event_store> first;
  std::weak_ptr<event_store> second;
  {
    const connection sql;
    auto opened = with_events(3, "first");
    first = opened.journal;
    sql::add_tables(sql.get(), opened).value();
    opened = with_events(3, "second");
    second = opened.journal;
    CHECK_FALSE(first.expired());
    sql::add_tables(sql.get(), opened).value();
    opened = {};
    CHECK(first.expired());
    CHECK_FALSE(second.expired());
  }
  CHECK(second.expired());
}

TEST_CASE("Tables that a statement reads stay, and so do the others") {
  const connection sql{with_events(3, "first")};
  sqlite3_stmt* statement = nullptr;
  REQUIRE(sqlite3_prepare_v2(sql.get(), "SELECT position FROM streams, events", -1, &statement, nullptr) == SQLITE_OK);
  REQUIRE(sqlite3_step(statement) == SQLITE_ROW);
  const auto replaced = sql::add_tables(sql.get(), with_events(5, "second"));
  REQUIRE_FALSE(replaced);
  CHECK(replaced.error().code() == errc::conflict);
  CHECK(sqlite3_step(statement) == SQLITE_ROW);
  sqlite3_finalize(statement);
  CHECK(sql(names) == "consumers,dead_letters,events,first,streams");
  CHECK(sql("SELECT count(*) FROM events") == "3");
  sql::add_tables(sql.get(), with_events(5, "second")).value();
  CHECK(sql("SELECT count(*) FROM events") == "5");
}

TEST_CASE("A temporary table of the user's is not touched") {
  const connection sql;
  REQUIRE(sql("CREATE TEMP TABLE Streams(x)").empty());
  const auto added = sql::add_tables(sql.get(), with_events(3, "first"));
  REQUIRE_FALSE(added);
  CHECK(added.error().code() == errc::conflict);
  CHECK_THAT(added.error().message(), Catch::Contains("another temporary table 'streams'"));
  CHECK(sql(names) == "Streams");
}

TEST_CASE("Tables of the same name in a database are hidden, and still there") {
  const connection sql;
  REQUIRE(sql("CREATE TABLE events(x); INSERT INTO events VALUES ('mine')").empty());
  sql::add_tables(sql.get(), with_events(3, "first")).value();
  CHECK(sql("SELECT count(*) FROM events") == "3");
  CHECK(sql("SELECT x FROM main.events") == "mine");
}

TEST_CASE("A storage without read models has the other tables") {
  auto opened = with_events(3, "first");
  opened.read_models.reset();
  const connection sql{opened};
  CHECK(sql(names) == "consumers,dead_letters,events,streams");
  CHECK(sql("SELECT count(*) FROM consumers") == "0");
  CHECK_THAT(sql("CREATE VIRTUAL TABLE temp.mine USING tyto_rows('first')"), Catch::Contains("name the read model"));
}
