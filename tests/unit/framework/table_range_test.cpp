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
      "reading a row: the projection's rows have another shape; give the projection a new name to rebuild it; caused "
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
