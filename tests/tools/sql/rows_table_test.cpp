// The tables of read models: their rows, with keys of every form.

#include <tyto/table.hpp>

#include "sql_support.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

template <class Key, class Value = std::int64_t>
void store_rows(const storage& opened, const std::string& name, const std::vector<std::pair<Key, Value>>& rows,
                bool has_shape = true) {
  using table = tyto::table<Key, Value>;
  const auto before = opened.read_models->snapshot(name).value();
  row_buffer buffer{*before};
  table written{buffer};
  for (const auto& [key, value] : rows) written.put(key, value);
  opened.read_models->commit(name, buffer.take_changes(), {1, {}, has_shape ? table::shape().description : ""}).value();
}

struct customer {
  std::string city;
  std::int64_t age = 0;
};
TYTO_VALUE(customer, city, age)

using customers = tyto::table<std::string, customer, tyto::index<&customer::city>, tyto::index<&customer::age>>;

void store_customers(const storage& opened, const std::string& name, const std::string& shape) {
  const auto before = opened.read_models->snapshot(name).value();
  row_buffer buffer{*before};
  customers written{buffer};
  written.put("alice", {"Rome", 30});
  written.put("bob", {"Oslo", 40});
  opened.read_models->commit(name, buffer.take_changes(), {1, {}, shape}).value();
}

enum class color : std::uint8_t { red, green };

}  // namespace

TEST_CASE("Keys are shown as what they are, and rows are found by them") {
  const auto opened = open_memory();
  using std::string;
  store_rows<string>(opened, "texts", {{"", 0}, {"bob", 2}, {string{"nul\0l", 5}, 4}, {"größe", 3}, {"it's", 5}});
  store_rows<std::int64_t>(opened, "longs", {{-5, 1}, {INT64_MIN, 2}, {INT64_MAX, 3}});
  store_rows<std::int8_t>(opened, "bytes", {{-128, 1}, {0, 2}, {127, 3}});
  store_rows<std::uint64_t>(opened, "unsigned", {{7, 1}, {UINT64_MAX, 2}});
  store_rows<bool>(opened, "bools", {{false, 1}, {true, 2}});
  store_rows<color>(opened, "colors", {{color::green, 1}});
  store_rows<timestamp>(opened, "times", {{timestamp{std::chrono::microseconds{-1}}, 1}});
  store_rows<std::chrono::milliseconds>(opened, "durations", {{std::chrono::milliseconds{1500}, 1}});
  const connection sql{opened};

  CHECK(sql("SELECT key, value FROM texts WHERE key <> char(110, 117, 108, 0, 108)") == "|0; bob|2; größe|3; it's|5");
  CHECK(sql("SELECT value FROM texts WHERE key = 'it''s'") == "5");
  CHECK(sql("SELECT value FROM texts WHERE key = char(110, 117, 108, 0, 108)") == "4");
  CHECK(sql("SELECT value FROM texts WHERE key = ''") == "0");
  CHECK(sql("SELECT value FROM texts WHERE key IN ('bob', 'größe', 'x') ORDER BY value") == "2; 3");
  CHECK(sql("SELECT count(*) FROM texts WHERE key = 'bob' OR key = 'it''s' OR value = 2") == "2");
  CHECK(sql("SELECT count(*) FROM texts WHERE key = 5 OR key = x'626f62' OR key = NULL") == "0");
  CHECK(sql("SELECT key, value FROM longs") == "-9223372036854775808|2; -5|1; 9223372036854775807|3");
  CHECK(sql("SELECT value FROM longs WHERE key = -5") == "1");
  CHECK(sql("SELECT value FROM longs WHERE key = -5.0") == "1");
  CHECK(sql("SELECT value FROM longs WHERE key = 9223372036854775807") == "3");
  CHECK(sql("SELECT value FROM longs WHERE key = -9223372036854775807 - 1") == "2");
  CHECK(sql("SELECT key FROM bytes") == "-128; 0; 127");
  CHECK(sql("SELECT value FROM bytes WHERE key = 127") == "3");
  CHECK(sql("SELECT count(*) FROM bytes WHERE key = 128 OR key = -129 OR key = 256") == "0");
  CHECK(sql("SELECT key, typeof(key) FROM unsigned") == "7|integer; 18446744073709551615|text");
  CHECK(sql("SELECT value FROM unsigned WHERE key = '18446744073709551615'") == "2");
  CHECK(sql("SELECT count(*) FROM unsigned WHERE key = -1") == "0");
  CHECK(sql("SELECT key, value FROM bools WHERE key") == "1|2");
  CHECK(sql("SELECT key FROM colors") == "1");
  CHECK(sql("SELECT key FROM times") == "-1");
  CHECK(sql("SELECT key FROM durations WHERE key = 1500") == "1500");
}

TEST_CASE("A key of several parts is a JSON array") {
  const auto opened = open_memory();
  using key = std::tuple<std::string, std::int32_t, std::pair<timestamp, std::uint8_t>>;
  store_rows<key>(opened, "parts", {{key{"a \"b\"", -3, {timestamp{std::chrono::microseconds{7}}, 255}}, 1}});
  const connection sql{opened};
  CHECK(sql("SELECT key, key->>1 FROM parts") == "[\"a \\\"b\\\"\",-3,[7,255]]|-3");
  CHECK(sql("SELECT value FROM parts WHERE key = '[\"a \\\"b\\\"\",-3,[7,255]]'") == "1");
}

TEST_CASE("Of a table with indexes the rows are shown, and nothing of the indexes") {
  const auto opened = open_memory();
  store_customers(opened, "customers.v2", customers::shape().description);
  const connection sql{opened};
  CHECK(sql("SELECT key, value->>'city' FROM \"customers.v2\"") == "alice|Rome; bob|Oslo");
  CHECK(sql("SELECT value FROM \"customers.v2\" WHERE key = 'bob'") == "{\"city\":\"Oslo\",\"age\":40}");
}

TEST_CASE("Keys of a shape that is not known are shown in hexadecimal") {
  const auto opened = open_memory();
  store_rows<std::string>(opened, "old", {{"ab", 1}}, false);
  store_customers(opened, "old_customers", "");
  opened.read_models->commit("odd", {{std::string{"\x01\x02", 2}, to_bytes(1)}}, {1, {}, "i32"}).value();
  opened.read_models->commit("strange", {{"x", to_bytes(1)}}, {1, {}, "float of (i32"}).value();
  const connection sql{opened};
  CHECK(sql("SELECT key, value FROM old WHERE key = '61620001'") == "61620001|1");
  CHECK(sql("SELECT key FROM old_customers") == "616c6963650001; 626f620001");
  CHECK(sql("SELECT key FROM odd") == "0102");
  CHECK(sql("SELECT key FROM strange") == "78");
}

TEST_CASE("A read model's table has its name, but where that is taken or SQLite's own") {
  const auto opened = open_memory();
  for (const std::string name : {"events", "Streams", "balances", "BALANCES", "sqlite_x", "it's \"odd\"\n", "größe"}) {
    store_rows<std::string>(opened, name, {{name, 1}});
  }
  const connection sql{opened};
  CHECK(sql("SELECT key FROM \"events.rows\"") == "events");
  CHECK(sql("SELECT key FROM \"streams.rows\"") == "Streams");
  CHECK(sql("SELECT key FROM BALANCES") == "BALANCES");
  CHECK(sql("SELECT key FROM \"balances.rows\"") == "balances");
  CHECK(sql("SELECT key FROM _sqlite_x") == "sqlite_x");
  CHECK(sql("SELECT key FROM \"it's \"\"odd\"\"\n\"") == "it's \"odd\"\n");
  CHECK(sql("SELECT key FROM größe") == "größe");
  CHECK(sql("SELECT count(*) FROM events") == "0");
}

TEST_CASE("A table that is read in pieces shows each row once") {
  const auto opened = open_memory();
  row_changes changes;
  const std::string large(1'000'000, 'x');
  for (int i = 0; i < 40; ++i) changes.emplace(to_row_key(std::uint32_t(i)), to_bytes(large));
  opened.read_models->commit("large", changes, {1, {}, "u32"}).value();
  const connection sql{opened};
  CHECK(sql("SELECT count(*), sum(key), min(length(value)) FROM large") == "40|780|1000002");
  CHECK(sql("SELECT length(value) FROM large WHERE key = 39") == "1000002");
}

TEST_CASE("Rows are as the projection has left them") {
  const auto opened = open_memory();
  store_rows<std::string>(opened, "balances", {{"alice", 1}});
  const connection sql{opened};
  store_rows<std::string>(opened, "balances", {{"alice", 2}, {"bob", 3}});
  CHECK(sql("SELECT key, value FROM balances") == "alice|2; bob|3");
  opened.read_models->clear("balances").value();
  CHECK(sql("SELECT key, value FROM balances").empty());
}

TEST_CASE("A value that is not MessagePack is an error of who asks for it") {
  const auto opened = open_memory();
  opened.read_models->commit("broken", {{to_row_key("a"), "\xc1"}}, {1, {}, "string"}).value();
  const connection sql{opened};
  CHECK(sql("SELECT key FROM broken") == "a");
  CHECK(sql("SELECT value FROM broken") ==
        "! showing the row with the key 610001 of broken: its value is not MessagePack; without the column value it "
        "can be "
        "shown");
}
