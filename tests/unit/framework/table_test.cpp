#include "tyto/table.hpp"

#include "rows.hpp"
#include "support/catch.hpp"

namespace {

using counts = tyto::table<std::string, std::int64_t>;

struct fixture {
  fake_rows base;
  tyto::row_buffer buffer{base};

  void store(const std::string& key, std::int64_t value) { base.rows[tyto::to_row_key(key)] = tyto::to_bytes(value); }
};

template <class Table>
std::string seen(const Table& table) {
  std::string text;
  table.for_each([&](const auto& key, auto value) { text += key + "=" + std::to_string(value) + " "; });
  return text;
}

}  // namespace

TEST_CASE_METHOD(fixture, "A table gives back what was put, and what was stored before") {
  store("a", 1);
  counts table{buffer};
  table.put("b", 2);
  CHECK(table.get("a") == 1);
  CHECK(table.get("b") == 2);
  CHECK(table.get("c") == std::nullopt);
  CHECK(table.contains("a"));
  CHECK_FALSE(table.contains("c"));
}

TEST_CASE_METHOD(fixture, "A row that is erased is gone") {
  store("a", 1);
  counts table{buffer};
  table.erase("a");
  table.erase("never there");
  CHECK_FALSE(table.contains("a"));
  CHECK(seen(table).empty());
}

TEST_CASE_METHOD(fixture, "An update changes a row, or a new default one") {
  store("a", 1);
  counts table{buffer};
  table.update("a", [](std::int64_t& n) { n += 10; });
  table.update("b", [](std::int64_t& n) { n += 5; });
  CHECK(seen(table) == "a=11 b=5 ");
}

TEST_CASE_METHOD(fixture, "A loop merges changes and stored rows in the order of the keys") {
  for (const auto* key : {"b", "d", "e"}) store(key, 1);
  counts table{buffer};
  table.put("a", 2);
  table.put("d", 2);
  table.erase("e");
  table.put("f", 2);
  CHECK(seen(table) == "a=2 b=1 d=2 f=2 ");
}

TEST_CASE_METHOD(fixture, "A loop stops when it is told to") {
  for (const auto* key : {"a", "b", "c"}) store(key, 1);
  std::string keys;
  counts{buffer}.for_each([&](const std::string& key, std::int64_t) {
    keys += key;
    return key == "b" ? tyto::visit::stop : tyto::visit::next;
  });
  CHECK(keys == "ab");
}

TEST_CASE_METHOD(fixture, "A loop from a key starts at the first key that is not less") {
  using by_day = tyto::table<std::pair<std::string, std::int32_t>, std::int64_t>;
  by_day table{buffer};
  for (const int day : {-3, 0, 2, 10}) table.put({"owl", day}, day);
  table.put({"tit", -9}, 99);
  std::vector<std::int64_t> days;
  table.for_each_from({"owl", 0}, [&](const auto&, std::int64_t day) { days.push_back(day); });
  CHECK(days == std::vector<std::int64_t>{0, 2, 10, 99});
}

TEST_CASE_METHOD(fixture, "Rows may be changed while they are looped over") {
  for (const auto* key : {"a", "b", "c"}) store(key, 1);
  counts table{buffer};
  table.for_each([&](const std::string& key, std::int64_t value) {
    if (key == "a") table.erase("b");
    table.put(key, value + 1);
  });
  CHECK(seen(table) == "a=2 c=2 ");
}

TEST_CASE_METHOD(fixture, "A const table reads rows without a buffer") {
  store("a", 1);
  const counts table{static_cast<const tyto::row_reader&>(base)};
  CHECK(table.get("a") == 1);
  CHECK(seen(table) == "a=1 ");
}

TEST_CASE_METHOD(fixture, "A key at the limit is stored and a longer one is refused") {
  counts table{buffer};
  const std::string longest(tyto::max_row_key_bytes - 2, 'x');  // a string's end takes two bytes
  table.put(longest, 1);
  CHECK(table.get(longest) == 1);
  CHECK_THROWS_WITH(table.put(longest + "x", 1), "storing a row: its key takes 501 bytes, the limit is 500");
  CHECK_THROWS_AS(table.erase(longest + "x"), tyto::table_failure);
  CHECK(table.get(longest + "x") == std::nullopt);
}

TEST_CASE_METHOD(fixture, "A row of another shape is a failure that says what to do") {
  base.rows[tyto::to_row_key(std::string{"a"})] = tyto::to_bytes(std::string{"text"});
  const counts table{buffer};
  const auto* expected =
      "reading a row: the projection's rows have another shape; give the projection a new name, or reset it; caused "
      "by decoding a stored value: expected a number, found a string";
  CHECK_THROWS_WITH(table.get("a"), expected);
  CHECK_THROWS_WITH(seen(table), expected);
  try {
    (void)table.get("a");
  } catch (const tyto::table_failure& failure) {
    CHECK(failure.what_failed().code() == tyto::errc::undecodable);
  }
}

TEST_CASE_METHOD(fixture, "A key of another type is a failure") {
  base.rows[tyto::to_row_key(7)] = tyto::to_bytes(1);
  CHECK_THROWS_WITH(seen(counts{buffer}),
                    "reading a row: the projection's rows have another shape; give the projection a new name, or reset "
                    "it; caused by reading its key: it has another type");
}

TEST_CASE_METHOD(fixture, "A failing storage is a failure of the table with the storage's error") {
  base.fails = true;
  const counts table{buffer};
  CHECK_THROWS_WITH(table.get("a"), "reading rows: the disk is gone");
  CHECK_THROWS_WITH(seen(table), "reading rows: the disk is gone");
}
