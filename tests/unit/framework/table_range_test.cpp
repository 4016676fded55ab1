// Parts of a table: ranges, prefixes, orders, counts, and secondary indexes.
#include <algorithm>
#include <random>

#include "rows.hpp"
#include "support/catch.hpp"
#include "tyto/event.hpp"
#include "tyto/table.hpp"

namespace {

struct customer {
  std::string city;
  std::int32_t age = 0;

  bool operator==(const customer&) const = default;
};
TYTO_VALUE(customer, city, age)

std::pair<std::string, std::int32_t> city_and_age(const customer& c) { return {c.city, c.age}; }
std::size_t length_of_id(const std::string& id, const customer&) { return id.size(); }

using counts = tyto::table<std::string, std::int64_t>;
using customers = tyto::table<std::string, customer, tyto::index<&customer::city>, tyto::index<&customer::age>,
                              tyto::index<city_and_age>, tyto::index<length_of_id>>;

struct fixture {
  fake_rows base;
  tyto::row_buffer buffer{base};

  // Puts what is buffered under the buffer, as a commit would.
  void commit() {
    for (const auto& [key, value] : buffer.changes()) {
      value ? void(base.rows.insert_or_assign(key, *value)) : void(base.rows.erase(key));
    }
    std::destroy_at(&buffer);
    std::construct_at(&buffer, base);
  }
};

template <class Rows>
std::string keys(const Rows& rows) {
  std::string text;
  for (const auto& [key, value] : rows.list()) text += (text.empty() ? "" : " ") + key;
  return text;
}

void fill(customers& table) {
  table.put("ann", {"Berlin", 30});
  table.put("bob", {"Bern", 20});
  table.put("cyd", {"Berlin", -5});
  table.put("dora", {"Rome", 20});
}

}  // namespace

TEST_CASE_METHOD(fixture, "A range begins at its first key and ends before its end") {
  counts table{buffer};
  for (const auto* key : {"a", "b", "c", "d"}) table.put(key, 1);
  CHECK(keys(table.all()) == "a b c d");
  CHECK(keys(table.range("b", "d")) == "b c");
  CHECK(keys(table.range("aa", "cc")) == "b c");
  CHECK(keys(table.range("d", "b")).empty());
  CHECK(keys(table.from("c")) == "c d");
}

TEST_CASE_METHOD(fixture, "Rows come in reverse order and no more than wanted") {
  counts table{buffer};
  for (const auto* key : {"a", "b", "c", "d"}) table.put(key, 1);
  CHECK(keys(table.all().reversed()) == "d c b a");
  CHECK(keys(table.range("b", "d").reversed()) == "c b");
  CHECK(keys(table.all().reversed().reversed()) == "a b c d");
  CHECK(keys(table.all().limit(2)) == "a b");
  CHECK(keys(table.all().limit(2).limit(3)) == "a b");
  CHECK(keys(table.all().reversed().limit(1)) == "d");
  CHECK(table.all().limit(0).list().empty());
  CHECK(table.from("b").first() == std::pair{std::string{"b"}, std::int64_t{1}});
  CHECK(table.from("e").first() == std::nullopt);
}

TEST_CASE_METHOD(fixture, "A prefix selects the strings that begin with it") {
  counts table{buffer};
  for (const auto* key : {"o", "ow", "owl", "owls", "ox", "p"}) table.put(key, 1);
  CHECK(keys(table.prefix("ow")) == "ow owl owls");
  CHECK(keys(table.prefix("")) == "o ow owl owls ox p");
  CHECK(keys(table.prefix("q")).empty());
  CHECK(keys(table.prefix("ow").from("owl")) == "owl owls");
  CHECK(keys(table.prefix("ow").range("a", "owls")) == "ow owl");
  CHECK(keys(table.prefix("ow").reversed()) == "owls owl ow");
}

TEST_CASE_METHOD(fixture, "A prefix selects the tuples that have it as first elements") {
  tyto::table<std::tuple<std::string, std::int32_t, std::int32_t>, std::int64_t> table{buffer};
  for (const int day : {-1, 0, 1}) table.put({"owl", 7, day}, day), table.put({"owls", 7, day}, day);
  table.put({"owl", 8, 0}, 0);
  CHECK(table.prefix("owl").count() == 4);
  CHECK(table.prefix("owl", 7).count() == 3);
  CHECK(table.prefix("owl", 7, -1).count() == 1);
  CHECK(table.prefix("ow").count() == 0);
  CHECK(table.range({"owl", 7, 0}, {"owl", 8, 0}).count() == 2);
}

TEST_CASE_METHOD(fixture, "Counts are those of the table, of a range and of a prefix") {
  counts table{buffer};
  CHECK(table.count() == 0);
  for (const auto* key : {"a", "b", "bb", "c"}) table.put(key, 1);
  commit();
  table.erase("a");
  table.put("b", 2);
  table.put("d", 1);
  CHECK(table.count() == 4);
  CHECK(table.range("b", "c").count() == 2);
  CHECK(table.prefix("b").count() == 2);
  CHECK(table.all().limit(3).count() == 3);
}

TEST_CASE_METHOD(fixture, "The count of a table looks at none of its rows") {
  for (int i = 0; i < 100; ++i) base.rows[tyto::to_row_key(std::to_string(i))] = tyto::to_bytes(1);
  CHECK(counts{buffer}.count() == 100);
  CHECK(base.visited == 0);
}

TEST_CASE_METHOD(fixture, "A row is found by its index, in the order of the index and then of the keys") {
  customers table{buffer};
  fill(table);
  CHECK(keys(table.by<&customer::city>("Berlin")) == "ann cyd");
  CHECK(keys(table.by<&customer::city>("Ber")).empty());
  CHECK(keys(table.by<&customer::city>().prefix("Ber")) == "ann cyd bob");
  CHECK(keys(table.by<&customer::city>()) == "ann cyd bob dora");
  CHECK(keys(table.by<&customer::age>()) == "cyd bob dora ann");
  CHECK(keys(table.by<&customer::age>(20)) == "bob dora");
  CHECK(keys(table.by<&customer::age>().range(-5, 30)) == "cyd bob dora");
  CHECK(keys(table.by<&customer::age>().from(21)) == "ann");
  CHECK(keys(table.by<&customer::age>().reversed().limit(2)) == "ann dora");
  CHECK(table.by<&customer::city>("Rome").first() == std::pair{std::string{"dora"}, customer{"Rome", 20}});
}

TEST_CASE_METHOD(fixture, "An index is made by a function of the value, or of key and value") {
  customers table{buffer};
  fill(table);
  CHECK(keys(table.by<city_and_age>("Berlin")) == "cyd ann");
  CHECK(keys(table.by<city_and_age>("Berlin", 30)) == "ann");
  CHECK(keys(table.by<city_and_age>().from({"Berlin", 0})) == "ann bob dora");
  CHECK(keys(table.by<length_of_id>(4)) == "dora");
}

TEST_CASE_METHOD(fixture, "An index follows rows that are put again, updated and erased") {
  customers table{buffer};
  fill(table);
  commit();
  table.put("ann", {"Rome", 30});
  table.update("bob", [](customer& c) { c.city = "Berlin"; });
  table.update("eve", [](customer& c) { c.city = "Berlin"; });
  table.erase("cyd");
  table.erase("nobody");
  CHECK(keys(table.by<&customer::city>("Berlin")) == "bob eve");
  CHECK(keys(table.by<&customer::city>("Rome")) == "ann dora");
  CHECK(keys(table.by<&customer::age>()) == "eve bob dora ann");
  commit();
  CHECK(keys(customers{buffer}.by<&customer::city>()) == "bob eve ann dora");
}

TEST_CASE_METHOD(fixture, "Scans and counts of a table with indexes show its rows alone") {
  customers table{buffer};
  CHECK(table.count() == 0);
  fill(table);
  CHECK(keys(table.all()) == "ann bob cyd dora");
  CHECK(keys(table.all().reversed()) == "dora cyd bob ann");
  CHECK(keys(table.from("bob")) == "bob cyd dora");
  CHECK(keys(table.prefix("b")) == "bob");
  CHECK(table.count() == 4);
  table.erase("ann");
  CHECK(table.count() == 3);
  CHECK(table.by<&customer::city>("Berlin").count() == 1);
}

TEST_CASE_METHOD(fixture, "A table without indexes is stored as its rows and nothing else") {
  counts table{buffer};
  table.put("a", 1);
  CHECK(buffer.changes() == tyto::row_changes{{tyto::to_row_key(std::string{"a"}), tyto::to_bytes(1)}});
}

TEST_CASE_METHOD(fixture, "Indexes lead to the right rows after any changes") {
  std::mt19937 random{23};
  std::map<std::string, customer> expected;
  for (int round = 0; round < 200; ++round) {
    customers table{buffer};
    for (int change = 0; change < 10; ++change) {
      const std::string id(1 + random() % 2, static_cast<char>('a' + random() % 5));
      if (random() % 3 == 0) {
        table.erase(id);
        expected.erase(id);
      } else {
        const customer one{std::string(random() % 3, static_cast<char>(random() % 2)),
                           static_cast<std::int32_t>(random() % 3) - 1};
        table.put(id, one);
        expected.insert_or_assign(id, one);
      }
    }
    if (random() % 2 == 0) commit();
    std::vector<std::pair<std::pair<std::string, std::string>, customer>> by_city;
    for (const auto& [id, one] : expected) by_city.push_back({{one.city, id}, one});
    std::sort(by_city.begin(), by_city.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    const auto found = table.by<&customer::city>().list();
    REQUIRE(table.count() == expected.size());
    REQUIRE(found.size() == by_city.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      REQUIRE(found[i].first == by_city[i].first.second);
      REQUIRE(found[i].second == by_city[i].second);
    }
  }
}

TEST_CASE_METHOD(fixture, "An entry of an index that is too long is refused and changes nothing") {
  customers table{buffer};
  table.put("ann", {"Rome", 1});
  CHECK_THROWS_WITH(table.put("ann", {std::string(500, 'x'), 1}),
                    "storing a row: its key takes 508 bytes, the limit is 500");
  CHECK(keys(table.by<&customer::city>()) == "ann");
  CHECK(table.get("ann") == customer{"Rome", 1});
}

TEST_CASE_METHOD(fixture, "Rows that were stored with other indexes are refused, not misread") {
  const auto* expected =
      "reading a row: the projection's rows have another shape; give the projection a new name, or reset it; caused "
      "by looking for the indexes: they are not the ones that were stored";
  SECTION("with none") { tyto::table<std::string, customer>{buffer}.put("ann", {"Rome", 1}); }
  SECTION("with fewer") {
    tyto::table<std::string, customer, tyto::index<&customer::city>>{buffer}.put("ann", {"Rome", 1});
  }
  commit();
  CHECK_THROWS_WITH(customers{buffer}, expected);
  CHECK_THROWS_WITH(customers{static_cast<const tyto::row_reader&>(base)}, expected);
}

TEST_CASE_METHOD(fixture, "A query of a table with indexes that was never written finds nothing") {
  const customers table{static_cast<const tyto::row_reader&>(base)};
  CHECK(table.count() == 0);
  CHECK(keys(table.by<&customer::city>()).empty());
  CHECK(table.get("ann") == std::nullopt);
}

TEST_CASE_METHOD(fixture, "An index that leads to no row is a failure") {
  customers{buffer}.put("ann", {"Rome", 1});
  buffer.erase(std::string{"\0ann\0\1", 6});
  CHECK_THROWS_WITH(customers{buffer}.by<&customer::city>("Rome").list(),
                    Catch::Contains("following an index: it leads to a row that is not there"));
}

namespace {

struct renamed {
  std::string town;
  std::string country;
  std::int64_t years = 0;
};
// Is stored like customer, with a country; only its members have other names.
template <class Inspector>
bool inspect(Inspector& f, renamed& x) {
  return f.object(x).fields(f.field("city", x.town), f.field("country", x.country).fallback(std::string{}),
                            f.field("age", x.years).fallback(0).invariant([](auto years) { return years < 200; }));
}
enum class size : std::uint8_t { small, large };
std::string country_of(const renamed& r) { return r.country; }
std::string town_of(const renamed& r) { return r.town; }
std::int64_t age_in_days(const std::string&, const renamed& r) { return r.years * 365; }

template <auto... By>
using renamed_table = tyto::table<std::string, renamed, tyto::index<By>...>;

// Rows as an earlier run of a program has left them.
struct stored_rows : fixture {
  std::string shape;

  template <class Table, class Row>
  void store(const Row& row) {
    Table{buffer}.put("ann", row);
    commit();
  }
  // What the projection that has such a table says when it starts.
  template <class Table>
  std::string start() {
    base.stored_shape = shape;
    try {
      Table::shape().check(base);
      return "fits";
    } catch (const tyto::table_failure& failed) {
      CHECK(failed.what_failed().code() == tyto::errc::undecodable);
      return failed.what();
    }
  }
};

const auto refused = Catch::StartsWith(
    "reading a row: the projection's rows have another shape; give the projection a "
    "new name, or reset it; caused by ");

}  // namespace

TEST_CASE("The shape of a table is what the bytes of its keys are, and what its indexes are of") {
  CHECK(counts::shape().description == "string");
  CHECK(customers::shape().description ==
        "string; index city: string; index age: i32; index of (string, i32); index of u64");
  CHECK(renamed_table<&renamed::town, &renamed::years>::shape().description ==
        "string; index city: string; index age: i64");
  using times = std::pair<std::chrono::milliseconds, std::array<size, 2>>;
  CHECK(tyto::table<times, int>::shape().description == "(i64 of 1/1000 s, (u8, u8))");
  using moment = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>;
  CHECK(tyto::table<std::tuple<bool, moment>, int>::shape().description == "(u8, time, i64 of 1/1 s)");
}

TEST_CASE_METHOD(stored_rows, "Rows fit a table with the same keys and indexes, whatever its types are called") {
  using before = tyto::table<std::string, customer, tyto::index<&customer::city>>;
  store<before>(customer{"Berlin", 30});
  CHECK(start<before>() == "fits");
  CHECK(start<renamed_table<&renamed::town>>() == "fits");
  shape = before::shape().description;
  CHECK(start<renamed_table<&renamed::town>>() == "fits");
}

TEST_CASE_METHOD(stored_rows, "Rows whose index was of another member are refused, also where the two are equal") {
  store<renamed_table<&renamed::town>>(renamed{"Luxembourg", "Luxembourg", 1});
  shape = renamed_table<&renamed::town>::shape().description;
  CHECK_THAT(start<renamed_table<&renamed::country>>(),
             refused && Catch::Contains("stored are 'string; index city: string', the table has 'string; index "
                                        "country: string'"));
  base.stored_shape = shape;
  CHECK_THROWS_AS(renamed_table<&renamed::country>{buffer}, tyto::table_failure);
}

TEST_CASE_METHOD(stored_rows, "Rows of another shape are refused as far as they tell where no shape is known") {
  SECTION("another member") {
    store<renamed_table<&renamed::town>>(renamed{"Paris", "FR", 1});
    CHECK_THAT(start<renamed_table<&renamed::country>>(), refused);
  }
  SECTION("another function") {
    store<renamed_table<town_of>>(renamed{"Paris", "FR", 1});
    CHECK_THAT(start<renamed_table<country_of>>(), refused && Catch::Contains("looking for a row in an index"));
    shape = renamed_table<town_of>::shape().description;
    CHECK_THAT(start<renamed_table<country_of>>(), refused);
    CHECK(start<renamed_table<town_of>>() == "fits");
  }
  SECTION("another type of index") {
    store<renamed_table<town_of>>(renamed{"Paris", "FR", 1});
    CHECK_THAT(start<renamed_table<age_in_days>>(), refused);
  }
  SECTION("no index any more") {
    store<renamed_table<town_of>>(renamed{"Paris", "FR", 1});
    CHECK_THAT(start<renamed_table<>>(), refused);
  }
  SECTION("an index where there was none") {
    store<renamed_table<>>(renamed{"Paris", "FR", 1});
    CHECK_THAT(start<renamed_table<town_of>>(), refused);
  }
  SECTION("values that cannot be read, after some that can") {
    store<renamed_table<>>(renamed{"Paris", "FR", 1});
    base.rows[tyto::to_row_key(std::string{"zoe"})] = tyto::to_bytes(std::string{"text"});
    CHECK_THAT(start<renamed_table<>>(), refused && Catch::Contains("decoding a stored value"));
  }
}

TEST_CASE_METHOD(stored_rows,
                 "Rows whose keys were of another type of the same length are refused once that is known") {
  using by_number = tyto::table<std::int64_t, int>;
  using by_count = tyto::table<std::uint64_t, int>;
  using by_seconds = tyto::table<std::chrono::seconds, int>;
  by_number{buffer}.put(-1, 7);
  commit();
  shape = by_number::shape().description;
  CHECK(start<by_number>() == "fits");
  CHECK_THAT(start<by_count>(), refused && Catch::Contains("'u64'"));
  CHECK_THAT(start<by_seconds>(), refused);
}

TEST_CASE_METHOD(stored_rows, "A table without rows may get another shape") {
  shape = renamed_table<&renamed::town>::shape().description;
  CHECK(start<renamed_table<>>() == "fits");
  CHECK(start<renamed_table<country_of, town_of>>() == "fits");
}
