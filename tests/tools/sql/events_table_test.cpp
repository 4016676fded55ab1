// The table `events`: what its columns show, what is read for a statement, and what a statement sees of a journal that
// grows meanwhile.

#include <tyto/codec.hpp>
#include <tyto/lmdb_store.hpp>

#include <fstream>
#include <map>
#include <sstream>

#include "sql_support.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

// A thousand events in ten streams of two categories and four types, a second apart.
counted_storage with_a_thousand() {
  counted_storage made;
  std::vector<std::shared_ptr<stream_write>> writes;
  for (int i = 0; i < 1000; ++i) {
    const auto stream = (i % 2 == 0 ? "even|" : "odd|") + std::to_string(i % 10);
    writes.push_back(write_of_type(stream, "type." + std::to_string(i % 4), i));
  }
  append(*made.journal, std::move(writes));
  return made;
}

}  // namespace

TEST_CASE("Each column of an event is shown") {
  auto opened = open_memory();
  auto write = write_of("order|1042|a");
  auto& event = write->events[0];
  event.meta.type = "order.created";
  event.meta.schema_version = 3;
  event.meta.time = timestamp{std::chrono::microseconds{1'700'000'000'000'042}};
  event.meta.correlation_id = "request";
  event.meta.causation_id = "billing/7";
  event.meta.command_id = "command";
  event.meta.tags = {"large", "gr\"öße"};
  event.payload = to_bytes(std::map<std::string, int>{{"cents", 500}});
  append(*opened.journal, {write_of("order|1042|a"), write});

  const connection sql{opened};
  CHECK(sql("SELECT * FROM events WHERE position = 2") ==
        "2|2023-11-14T22:13:20.000042Z|order|1042|a|order|1042|a|2|order.created|3|request|billing/7|command|"
        "[\"large\",\"gr\\\"öße\"]|{\"cents\":500}");
  CHECK(sql("SELECT rowid, time_us, payload->>'cents' FROM events WHERE position = 2") == "2|1700000000000042|500");
  CHECK(sql("SELECT correlation IS NULL, causation IS NULL, command IS NULL, tags FROM events WHERE position = 1") ==
        "1|1|1|[]");
}

TEST_CASE("Of a thousand events, those are read that the position asks for") {
  const auto stored = with_a_thousand();
  const connection sql{stored.opened};
  const auto [where, count, most] = GENERATE(table<std::string, std::string, std::uint64_t>({
      {"position = 500", "1", 1},
      {"rowid = 500", "1", 1},
      {"500 = position", "1", 1},
      {"position > 997", "3", 3},
      {"position >= 998", "3", 3},
      {"position < 4", "3", 3},
      {"position <= 3", "3", 3},
      {"position BETWEEN 10 AND 19", "10", 10},
      {"position > 997.5", "3", 4},
      {"position < 3.5", "3", 4},
      {"position IN (1, 500, 900)", "3", 3},
      {"position = 5 OR position = 6", "2", 2},
      {"position > 2000", "0", 0},
      {"position < 1", "0", 0},
      {"position = -1", "0", 0},
      {"position = NULL", "0", 0},
      {"position > 9223372036854775807", "0", 0},
      {"position < -9223372036854775808", "0", 0},
      {"position > 1e300", "0", 0},
      {"position > 5 AND position < 5", "0", 0},
  }));
  CAPTURE(where);
  stored.journal->forget();
  CHECK(sql("SELECT count(*) FROM events WHERE " + where) == count);
  CHECK(stored.journal->events_passed <= most);
}

TEST_CASE("What SQLite compares in its own way is left to it") {
  const auto stored = with_a_thousand();
  const connection sql{stored.opened};
  CHECK(sql("SELECT count(*) FROM events WHERE position = '500'") == "1");
  CHECK(sql("SELECT count(*) FROM events WHERE position > '997'") == "3");
  CHECK(sql("SELECT count(*) FROM events WHERE position < 'many'") == "1000");
  CHECK(sql("SELECT count(*) FROM events WHERE position > x'00'") == "0");
  CHECK(sql("SELECT count(*) FROM events WHERE type = 'TYPE.1' COLLATE NOCASE") == "250");
  CHECK(sql("SELECT count(*) FROM events WHERE type LIKE 'type.%'") == "1000");
  CHECK(sql("SELECT count(*) FROM events WHERE time > 5") == "0");
  CHECK(sql("SELECT count(*) FROM events WHERE stream = x'6576656e7c30'") == "0");
  CHECK(sql("SELECT count(*) FROM events WHERE type IN ('type.1', 7, NULL)") == "250");
  CHECK(sql("SELECT count(*) FROM events e JOIN (SELECT 5 AS n) t WHERE e.type > t.n") == "1000");
}

TEST_CASE("For one stream, no other is read, and of it what the position asks for") {
  const auto stored = with_a_thousand();
  const connection sql{stored.opened};
  CHECK(sql("SELECT count(*), min(sequence), max(sequence) FROM events WHERE stream = 'odd|3'") == "100|1|100");
  CHECK(stored.journal->reads == 0);
  CHECK(stored.journal->events_seen <= 120);  // a few are looked at to find the last

  stored.journal->forget();
  CHECK(sql("SELECT group_concat(position) FROM events WHERE stream = 'odd|3' AND position BETWEEN 900 AND 920") ==
        "904,914");
  CHECK(stored.journal->reads == 0);
  CHECK(stored.journal->events_seen <= 20);

  stored.journal->forget();
  CHECK(sql("SELECT position FROM events WHERE stream = 'odd|3' ORDER BY position DESC LIMIT 2") == "994; 984");
  CHECK(stored.journal->events_seen <= 80);
  CHECK(sql("SELECT count(*) FROM events WHERE stream IN ('odd|3', 'even|4', 'no|1')") == "200");
  CHECK(sql("SELECT count(*) FROM events WHERE stream = 'odd|3' AND stream = 'odd|5'") == "0");
  CHECK(sql("SELECT count(*) FROM events WHERE stream = 'odd|3' AND type = 'type.1'") == "50");
  CHECK(sql("SELECT count(*) FROM events WHERE stream = 'odd|3' AND category = 'even'") == "0");
  CHECK(sql("SELECT count(*) FROM events WHERE stream = NULL OR stream = 'no such name'") == "0");
}

TEST_CASE("Of types and categories that are not asked for nothing is decoded") {
  const auto stored = with_a_thousand();
  const connection sql{stored.opened};
  const auto [where, count, most] = GENERATE(table<std::string, std::string, std::uint64_t>({
      {"type = 'type.1'", "250", 250},
      {"type IN ('type.1', 'type.2')", "500", 500},
      {"type IN (SELECT 'type.3')", "250", 250},
      {"type = 'none'", "0", 0},
      {"type = 'type.1' AND type = 'type.2'", "0", 0},
      {"type IN ('type.1', 'type.2') AND type IN ('type.2', 'type.3')", "250", 250},
      {"type = NULL", "0", 0},
      {"category = 'odd'", "500", 500},
      {"category IN ('odd', 'no')", "500", 500},
      {"category = 'odd' AND type = 'type.1' AND position <= 100", "25", 25},
  }));
  CAPTURE(where);
  stored.journal->forget();
  CHECK(sql("SELECT count(*) FROM events WHERE " + where) == count);
  CHECK(stored.journal->events_seen == most);
  CHECK(stored.journal->stream_reads == 0);
}

TEST_CASE("Times are compared as text and as numbers, also where the clock went back") {
  auto opened = open_memory();
  append(*opened.journal, {write_of_type("a|1", "t", 0), write_of_type("a|1", "t", 100), write_of_type("a|1", "t", 50),
                           write_of_type("a|1", "t", -300'000'000'000), write_of_type("a|1", "t", 400'000'000'000)});
  const connection sql{opened};
  const auto positions = [&](const std::string& where) {
    return sql("SELECT group_concat(position) FROM events WHERE " + where);
  };
  CHECK(positions("time >= '2023-11-14T22:14'") == "2,3");
  CHECK(positions("time < '2023-11-14T22:14'") == "1,4,5");  // -7482-… and 14699-… as text
  CHECK(positions("time = '2023-11-14T22:13:20.000000Z'") == "1");
  CHECK(positions("time = '2023-11-14T22:13:20Z'").empty());
  CHECK(positions("time > '2023-11-14T22:13:20.000000Z' AND time <= '2023-11-14T22:14:10.000000Z'") == "3");
  CHECK(positions("time BETWEEN '2023' AND '2024'") == "1,2,3");
  CHECK(positions("time > '3'").empty());
  CHECK(positions("time = NULL").empty());
  CHECK(positions("time_us = 1700000050000000") == "3");
  CHECK(positions("time_us > 1700000000000000 AND time_us < 1700000100000000") == "3");
  CHECK(positions("time_us >= 1.7e15") == "1,2,3,5");
  CHECK(positions("time_us < 0") == "4");
}

TEST_CASE("The constraints that are pushed down are to be seen in the plan") {
  const connection sql{open_memory()};
  CHECK_THAT(sql.plan("SELECT position FROM events WHERE position > 5 AND type IN ('a', 'b') AND time < '2024' "
                      "ORDER BY position DESC"),
             Catch::Contains("position>?; type IN ?; time<?; descending"));
  CHECK_THAT(sql.plan("SELECT position FROM events WHERE stream = 'a|1' AND category = 'a' ORDER BY rowid"),
             Catch::Contains("stream=?; category=?") && !Catch::Contains("TEMP B-TREE"));
  CHECK_THAT(sql.plan("SELECT position FROM events ORDER BY time"), Catch::Contains("TEMP B-TREE"));
}

TEST_CASE("Who asks for a few events has few read, from either end") {
  const auto stored = with_a_thousand();
  const connection sql{stored.opened};
  CHECK(sql("SELECT position FROM events LIMIT 3") == "1; 2; 3");
  CHECK(sql("SELECT position FROM events ORDER BY position DESC LIMIT 3") == "1000; 999; 998");
  CHECK(sql("SELECT max(position) FROM events WHERE position < 900") == "899");
  CHECK(stored.journal->events_passed <= 3 * 64);
  CHECK(sql("SELECT group_concat(position) FROM (SELECT position FROM events WHERE type = 'type.1' AND position < 20 "
            "ORDER BY position DESC)") == "18,14,10,6,2");
}

TEST_CASE("No read is longer than 4,096 events, and none is left out or seen twice") {
  counted_storage stored;
  append(*stored.journal, {write_of("a|1", 5000), write_of("b|1", 5000), write_of("a|1", 1)});
  const connection sql{stored.opened};
  CHECK(sql("SELECT count(DISTINCT position), sum(position) FROM events") == "10001|50015001");
  CHECK(sql("SELECT count(*), sum(position) FROM (SELECT position FROM events ORDER BY position DESC)") ==
        "10001|50015001");
  CHECK(sql("SELECT count(*), max(position) FROM events WHERE stream = 'a|1'") == "5001|10001");
  CHECK(sql("SELECT count(*) FROM (SELECT 1 FROM events WHERE stream = 'a|1' ORDER BY position DESC)") == "5001");
  CHECK(stored.journal->most_at_once <= 4097);  // the one after it is looked at
}

TEST_CASE("Large events come in small pieces, in either direction") {
  auto opened = open_memory();
  for (int i = 1; i <= 12; ++i) {
    auto write = write_of("a|1");
    write->events[0].payload = to_bytes(std::string(1'000'000, static_cast<char>('a' + i)));
    append(*opened.journal, {write});
  }
  const connection sql{opened};
  const std::string select =
      "SELECT group_concat(position || substr(payload, 2, 1)) FROM (SELECT position, payload FROM events ";
  CHECK(sql(select + ")") == "1b,2c,3d,4e,5f,6g,7h,8i,9j,10k,11l,12m");
  CHECK(sql(select + "ORDER BY position DESC)") == "12m,11l,10k,9j,8i,7h,6g,5f,4e,3d,2c,1b");
  CHECK(sql(select + "WHERE stream = 'a|1' ORDER BY position DESC)") == "12m,11l,10k,9j,8i,7h,6g,5f,4e,3d,2c,1b");
}

TEST_CASE("A statement sees the journal as it was when it began, and the next one what was appended meanwhile") {
  counted_storage stored;
  append(*stored.journal, {write_of("a|1", 300)});
  const connection sql{stored.opened};
  sqlite3_stmt* statement = nullptr;
  REQUIRE(sqlite3_prepare_v2(sql.get(),
                             "SELECT position, (SELECT count(*) FROM events), (SELECT sum(events) FROM streams), "
                             "(SELECT count(*) FROM events WHERE stream = 'a|1') FROM events",
                             -1, &statement, nullptr) == SQLITE_OK);
  int rows = 0;
  while (sqlite3_step(statement) == SQLITE_ROW) {
    ++rows;
    for (int column = 1; column < 4; ++column) REQUIRE(sqlite3_column_int(statement, column) == 300);
    append(*stored.journal, {write_of("a|1"), write_of("b|1")});
    CHECK(sql("SELECT max(position) FROM events") == "300");  // it overlaps
  }
  sqlite3_finalize(statement);
  CHECK(rows == 300);
  CHECK(sql("SELECT max(position) FROM events") == "900");
}

TEST_CASE("An event is joined with others of its stream, and with what caused it") {
  const auto stored = with_a_thousand();
  const connection sql{stored.opened};
  CHECK(sql("SELECT count(*) FROM events a JOIN events b ON b.stream = a.stream WHERE a.position <= 10") == "1000");
  CHECK(
      sql("SELECT b.position FROM events a JOIN events b ON b.position = a.position + 1 WHERE a.position IN (3, 7)") ==
      "4; 8");
  CHECK(sql("SELECT count(*) FROM events a CROSS JOIN events b") == "1000000");
  CHECK(sql("SELECT count(*) FROM events WHERE position = 7 OR stream = 'odd|3' OR type = 'type.0'") == "351");
}

TEST_CASE("Names may hold whatever a journal takes") {
  auto opened = open_memory();
  const std::vector<std::string> ids = {
      "it's", "a\"b", "\x01\x1f\n\t", "größe 🦉", "\xff\xfe", "|", "'; DROP TABLE events; --"};
  for (const auto& id : ids) append(*opened.journal, {write_of_type("cat|" + id, "type" + id)});
  const connection sql{opened};
  for (const auto& id : ids) {
    CAPTURE(id);
    char* const query = sqlite3_mprintf(
        "SELECT stream, id, type FROM events WHERE stream = 'cat|%q' AND type = 'type%q' AND category = 'cat'",
        id.c_str(), id.c_str());
    CHECK(sql(query) == "cat|" + id + "|" + id + "|type" + id);
    sqlite3_free(query);
  }
  CHECK(sql("SELECT count(*) FROM streams") == std::to_string(ids.size()));
}

TEST_CASE("An empty journal has no events, streams, consumers or dead letters") {
  const connection sql{open_memory()};
  for (const std::string name : {"events", "streams", "consumers", "dead_letters"}) {
    CAPTURE(name);
    CHECK(sql("SELECT * FROM " + name).empty());
    CHECK(sql("SELECT count(*) FROM " + name) == "0");
  }
  CHECK(sql("SELECT * FROM events ORDER BY position DESC").empty());
  CHECK(sql("SELECT * FROM events WHERE stream = 'a|1'").empty());
}

TEST_CASE("Removed events are not shown") {
  auto opened = open_memory();
  using action = retention::action;
  append(*opened.journal, {write_of("a|1", 5), write_of("a|2", 5), write_of("a|3", 5)});
  append(*opened.journal, {change_of("a|1", action::truncate, 4), change_of("a|2", action::remove)});
  const connection sql{opened};
  CHECK(sql("SELECT group_concat(position) FROM events") == "4,5,11,12,13,14,15");
  CHECK(sql("SELECT position FROM events ORDER BY position DESC LIMIT 6") == "15; 14; 13; 12; 11; 5");
  CHECK(sql("SELECT group_concat(position) FROM events WHERE stream = 'a|1'") == "4,5");
  CHECK(sql("SELECT position FROM events WHERE stream = 'a|1' AND position > 4 ORDER BY position DESC") == "5");
  CHECK(sql("SELECT count(*) FROM events WHERE stream = 'a|2'") == "0");
  CHECK(sql("SELECT count(*) FROM events WHERE position IN (3, 4)") == "1");
}

TEST_CASE("A payload that is not MessagePack is an error of who asks for it") {
  auto opened = open_memory();
  auto write = write_of("order|1");
  write->events[0].payload = "\xc1";
  append(*opened.journal, {write_of("order|1"), write});
  const connection sql{opened};
  CHECK(sql("SELECT count(*), max(type) FROM events") == "2|test.happened");
  CHECK(
      sql("SELECT payload FROM events") ==
      "! showing the event at position 2 (order|1, test.happened): its payload is not MessagePack; without the column "
      "payload it can be shown");
}

TEST_CASE("A damaged event ends the statement, which says which event it is") {
  const temporary_directory directory;
  {
    const auto writer = open_lmdb({.path = directory.path()}).value();
    auto write = write_of("order|2");
    write->events[0].payload = to_bytes(std::string{"the words to be damaged"});
    append(*writer.journal, {write_of("order|1"), write, write_of("order|1")});
  }
  const auto file = directory.path() / "journal" / "data.mdb";
  std::ostringstream content;
  content << std::ifstream{file, std::ios::binary}.rdbuf();
  auto bytes = content.str();
  const auto place = bytes.find("the words");
  REQUIRE(place != std::string::npos);
  std::fstream{file, std::ios::binary | std::ios::in | std::ios::out}
      .seekp(static_cast<std::streamoff>(place))
      .put('T');

  const connection sql{open_lmdb({.path = directory.path(), .read_only = true}).value()};
  CHECK(sql("SELECT type FROM events WHERE position = 1") == "test.happened");
  CHECK(sql("SELECT count(*) FROM events WHERE stream = 'order|1'") == "2");
  for (const std::string from : {"events", "events WHERE type = 'none'", "events ORDER BY position DESC", "streams"}) {
    CAPTURE(from);
    CHECK_THAT(sql("SELECT * FROM " + from),
               Catch::StartsWith("! reading the event at position 2 (order|2, test.happened): ") &&
                   Catch::Contains("checksum"));
  }
}

TEST_CASE("Statements of a reader see what a writer beside it appends") {
  const temporary_directory directory;
  const auto writer = open_lmdb({.path = directory.path()}).value();
  const connection sql{open_lmdb({.path = directory.path(), .read_only = true}).value()};
  for (int i = 1; i <= 3; ++i) {
    append(*writer.journal, {write_of("a|1", 10)});
    CHECK(sql("SELECT count(*), max(sequence) FROM events") == std::to_string(10 * i) + "|" + std::to_string(10 * i));
    CHECK(sql("SELECT version FROM streams WHERE stream = 'a|1'") == std::to_string(10 * i));
  }
}

TEST_CASE("Nobody writes to the tables") {
  const connection sql{open_memory()};
  CHECK(sql("DELETE FROM events") == "! table events may not be modified");
  CHECK(sql("INSERT INTO streams(stream) VALUES ('a|1')") == "! table streams may not be modified");
  CHECK(sql("UPDATE consumers SET position = 0") == "! table consumers may not be modified");
}
