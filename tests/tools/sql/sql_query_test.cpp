// Statements of people who are not trusted with the machine.

#include "sql_query.hpp"
#include "sql_support.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace std::chrono_literals;

namespace {

const sql::sql_row_visitor ignore = [](const auto&, auto) { return visit::next; };

std::string text_of(const sql::sql_value& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) return "'" + std::string{*text} + "'";
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* number = std::get_if<double>(&value)) return "real " + std::to_string(*number);
  if (const auto* data = std::get_if<sql::blob>(&value)) return "blob " + std::to_string(data->bytes.size());
  return "null";
}

errc code_of(const connection& to, const std::string& statement, const sql::query_limits& limits = {}) {
  auto outcome = sql::run_query(to.get(), statement, ignore, limits);
  REQUIRE_FALSE(outcome);
  return outcome.error().code();
}

storage with_events(std::size_t count) {
  auto opened = open_memory();
  append(*opened.journal, {write_of("a|1", count)});
  return opened;
}

}  // namespace

TEST_CASE("A statement's rows are visited with their columns and values") {
  const connection to;
  std::string seen;
  const auto outcome =
      sql::run_query(to.get(), "SELECT 1 AS one, 2.5, 'text', x'00ff', NULL, '' AS last; -- done",
                     [&](const std::vector<std::string>& columns, std::span<const sql::sql_value> values) {
                       seen = columns.front() + " " + columns.back();
                       for (const auto& each : values) seen += " " + text_of(each);
                       return visit::next;
                     })
          .value();
  CHECK(seen == "one last 1 real 2.500000 'text' blob 2 null ''");
  CHECK(outcome.rows == 1);
  CHECK(outcome.columns.size() == 6);
  CHECK_FALSE(outcome.has_more);
}

TEST_CASE("Columns are known though there are no rows") {
  const connection to{open_memory()};
  const auto outcome = sql::run_query(to.get(), "SELECT position, type FROM events", ignore).value();
  CHECK(outcome.columns == std::vector<std::string>{"position", "type"});
  CHECK(outcome.rows == 0);
}

TEST_CASE("A statement ends after so many rows, and it is known whether there are more") {
  const connection to{with_events(10)};
  const auto rows = [&](std::uint64_t most) {
    const auto outcome = sql::run_query(to.get(), "SELECT * FROM events", ignore, {.max_rows = most}).value();
    return std::pair{outcome.rows, outcome.has_more};
  };
  CHECK(rows(3) == std::pair{std::uint64_t{3}, true});
  CHECK(rows(10) == std::pair{std::uint64_t{10}, false});
  CHECK(rows(0) == std::pair{std::uint64_t{0}, true});
  const auto stopped =
      sql::run_query(to.get(), "SELECT * FROM events", [](const auto&, auto) { return visit::stop; }).value();
  CHECK(stopped.rows == 1);
  CHECK(stopped.has_more);
}

TEST_CASE("What is no single statement is refused") {
  const connection to{with_events(1)};
  CHECK(code_of(to, "") == errc::invalid_argument);
  CHECK(code_of(to, " -- nothing") == errc::invalid_argument);
  CHECK(code_of(to, "SELECT 1; SELECT 2") == errc::invalid_argument);
  CHECK(code_of(to, "SELECT 1; garbage") == errc::invalid_argument);
  CHECK(code_of(to, "SELEC 1") == errc::invalid_argument);
  CHECK(code_of(to, "SELECT nothing FROM events") == errc::invalid_argument);
  CHECK(code_of(to, std::string{"SELECT 1\0 + 1", 13}) == errc::invalid_argument);
  CHECK(code_of(to, "SELECT 1 " + std::string(std::size_t{2} << 20, ' ')) == errc::invalid_argument);
  CHECK(code_of(to, "SELECT json('{')") == errc::io);
}

TEST_CASE("A statement that takes too long is ended, whether SQLite or the journal is at work") {
  const connection to{with_events(10'000)};
  const auto statement = GENERATE(
      as<std::string>{}, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
      "SELECT count(*) FROM events WHERE type = 'none'", "SELECT count(*) FROM streams",
      "SELECT count(*) FROM dead_letters", "SELECT count(*) FROM events");
  CAPTURE(statement);
  CHECK(code_of(to, statement, {.time = 0ms}) == errc::timeout);
  CHECK(to("SELECT 1") == "1");  // and the connection is as it was
}

TEST_CASE("A statement is interrupted by who has the connection") {
  const connection to{with_events(10'000)};
  for (const std::string statement : {"SELECT position FROM events", "SELECT position FROM events ORDER BY time"}) {
    std::uint64_t rows = 0;
    const auto outcome = sql::run_query(to.get(), statement, [&](const auto&, auto) {
      if (++rows == 5) sqlite3_interrupt(to.get());
      return visit::next;
    });
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code() == errc::timeout);
    CHECK_THAT(outcome.error().message(), Catch::Contains("interrupted"));
    CHECK(rows == 5);
  }
}

TEST_CASE("A connection that was made read-only reads, and does nothing else") {
  auto opened = with_events(10);
  opened.read_models->commit("balances", {}, {1, {}, "string"}).value();
  const connection to{opened};
  REQUIRE(to("CREATE TABLE mine(x)").empty());
  sql::make_read_only(to.get()).value();

  CHECK(to("SELECT count(*) FROM events") == "10");
  CHECK(to("SELECT count(*) FROM balances") == "0");
  CHECK(to("SELECT count(*) FROM mine") == "0");
  CHECK(to("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i) FROM n") == "15");
  CHECK(to("SELECT json_extract('{\"a\":1}', '$.a'), strftime('%H', '2023-11-14T22:13:20Z')") == "1|22");
  CHECK_THAT(to("PRAGMA table_info(events)"), Catch::Contains("position"));
  CHECK_THAT(to("SELECT group_concat(name) FROM pragma_table_info('events')"), Catch::Contains("position"));
  CHECK_THAT(to.plan("SELECT * FROM events"), Catch::Contains("events"));
  CHECK(code_of(to, "SELECT load_extension('x')") == errc::invalid_argument);

  for (const std::string statement : {"ATTACH '/tmp/other' AS other",
                                      "DETACH main",
                                      "PRAGMA writable_schema = 1",
                                      "PRAGMA journal_mode",
                                      "PRAGMA temp_store_directory = '/tmp'",
                                      "CREATE TABLE t(x)",
                                      "CREATE TEMP TABLE t(x)",
                                      "DROP TABLE mine",
                                      "DROP TABLE temp.events",
                                      "INSERT INTO mine VALUES (1)",
                                      "DELETE FROM mine",
                                      "UPDATE mine SET x = 1",
                                      "CREATE VIRTUAL TABLE temp.other USING tyto_rows('balances')",
                                      "VACUUM INTO '/tmp/copy'",
                                      "VACUUM",
                                      "BEGIN",
                                      "SAVEPOINT s",
                                      "ANALYZE",
                                      "UPDATE sqlite_master SET sql = NULL",
                                      "CREATE VIEW v AS SELECT 1",
                                      "ALTER TABLE mine ADD COLUMN y",
                                      "SELECT load_extension('x')",
                                      "SELECT fts3_tokenizer('simple')"}) {
    CAPTURE(statement);
    CHECK_THAT(to(statement), Catch::StartsWith("! "));
  }
}
