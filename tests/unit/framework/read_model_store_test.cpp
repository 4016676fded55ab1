#include "tyto/read_model_store.hpp"

#include <random>

#include "rows.hpp"
#include "support/catch.hpp"

namespace {

std::string seen(const tyto::row_buffer& buffer, std::string_view from = {}, int limit = 100) {
  std::string text;
  const auto scanned = buffer.scan(from, [&](std::string_view key, std::string_view value) {
    text.append(key).append("=").append(value).append(" ");
    return --limit == 0 ? tyto::visit::stop : tyto::visit::next;
  });
  REQUIRE(scanned);
  return text;
}

std::string seen_back(const tyto::row_buffer& buffer, std::string_view before = {}, int limit = 100) {
  std::string text;
  const auto scanned = buffer.scan_back(before, [&](std::string_view key, std::string_view value) {
    text.append(key).append("=").append(value).append(" ");
    return --limit == 0 ? tyto::visit::stop : tyto::visit::next;
  });
  REQUIRE(scanned);
  return text;
}

}  // namespace

TEST_CASE("A buffer reads its changes and below them the rows") {
  fake_rows base;
  base.rows = {{"a", "1"}, {"b", "2"}};
  tyto::row_buffer buffer{base};
  buffer.put("b", "20");
  buffer.put("c", "30");
  buffer.erase("a");
  CHECK(buffer.get("a").value() == std::nullopt);
  CHECK(buffer.get("b").value() == "20");
  CHECK(buffer.get("c").value() == "30");
  CHECK(buffer.get("d").value() == std::nullopt);
}

TEST_CASE("A row is lent as it would be copied, from the changes or from the rows below") {
  fake_rows base;
  base.rows = {{"a", "1"}, {"b", "2"}};
  tyto::row_buffer buffer{base};
  buffer.put("b", "20");
  buffer.erase("a");
  const auto lent = [](const tyto::row_reader& rows, std::string_view key) {
    std::optional<std::string> value;
    const bool is_there = rows.look_up(key, [&value](std::string_view bytes) { value = bytes; }).value();
    CHECK(is_there == value.has_value());
    return value;
  };
  CHECK(lent(base, "a") == "1");
  CHECK(lent(base, "c") == std::nullopt);
  CHECK(lent(buffer, "a") == std::nullopt);
  CHECK(lent(buffer, "b") == "20");
  CHECK(lent(buffer, "c") == std::nullopt);
  base.fails = true;
  CHECK(lent(buffer, "b") == "20");
  CHECK(buffer.look_up("c", [](std::string_view) {}).error().code() == tyto::errc::io);
}

TEST_CASE("Changes are handed over once, and what is read then is without them") {
  fake_rows base;
  base.rows = {{"a", "1"}, {"b", "2"}};
  tyto::row_buffer buffer{base};
  buffer.put("a", "10");
  buffer.erase("b");
  CHECK(buffer.count().value() == 1);
  CHECK(buffer.take_changes() == tyto::row_changes{{"a", "10"}, {"b", std::nullopt}});
  CHECK(buffer.take_changes().empty());
  CHECK(buffer.get("a").value() == "1");
  CHECK(buffer.count().value() == 2);
  buffer.put("b", "20");
  CHECK(buffer.take_changes() == tyto::row_changes{{"b", "20"}});
}

TEST_CASE("A buffer keeps what it changed apart from the rows") {
  fake_rows base;
  base.rows = {{"a", "1"}};
  tyto::row_buffer buffer{base};
  buffer.put("b", "2");
  buffer.erase("a");
  CHECK(buffer.changes() == tyto::row_changes{{"a", std::nullopt}, {"b", "2"}});
  CHECK(base.rows.size() == 1);
}

TEST_CASE("A scan merges changes and rows in the order of their keys") {
  fake_rows base;
  base.rows = {{"b", "1"}, {"d", "2"}, {"f", "3"}};
  tyto::row_buffer buffer{base};
  CHECK(seen(buffer) == "b=1 d=2 f=3 ");
  for (const auto* key : {"a", "c", "d", "g"}) buffer.put(key, "new");
  buffer.erase("f");
  buffer.erase("e");
  CHECK(seen(buffer) == "a=new b=1 c=new d=new g=new ");
  CHECK(seen(buffer, "c") == "c=new d=new g=new ");
  CHECK(seen(buffer, "cc") == "d=new g=new ");
  CHECK(seen(buffer, "h").empty());
}

TEST_CASE("A scan stops when it is told to, at a change or at a row") {
  fake_rows base;
  base.rows = {{"b", "1"}, {"d", "2"}};
  tyto::row_buffer buffer{base};
  buffer.put("a", "new");
  buffer.put("c", "new");
  buffer.put("e", "new");
  CHECK(seen(buffer, {}, 1) == "a=new ");
  CHECK(seen(buffer, {}, 2) == "a=new b=1 ");
  CHECK(seen(buffer, {}, 3) == "a=new b=1 c=new ");
  base.visited = 0;
  CHECK(seen(buffer, {}, 4) == "a=new b=1 c=new d=2 ");
  CHECK(base.visited == 2);
}

TEST_CASE("A scan shows changes that its visitor makes to rows that follow") {
  fake_rows base;
  base.rows = {{"a", "1"}, {"b", "2"}, {"c", "3"}, {"e", "5"}};
  tyto::row_buffer buffer{base};
  buffer.put("a", "10");
  buffer.put("f", "60");
  std::string text;
  REQUIRE(buffer.scan({}, [&](std::string_view key, std::string_view value) {
    text.append(key).append("=").append(value).append(" ");
    if (key == "a") buffer.put("b", "20");
    if (key == "b") buffer.erase("c"), buffer.put("d", "40"), buffer.put("a", "11");
    if (key == "d") buffer.put("e", "50");
    return tyto::visit::next;
  }));
  CHECK(text == "a=10 b=20 d=40 e=50 f=60 ");
}

TEST_CASE("A scan back merges changes and rows in the reverse order of their keys") {
  fake_rows base;
  base.rows = {{"b", "1"}, {"d", "2"}, {"f", "3"}};
  tyto::row_buffer buffer{base};
  for (const auto* key : {"a", "c", "d", "g"}) buffer.put(key, "new");
  buffer.erase("f");
  buffer.erase("e");
  CHECK(seen_back(buffer) == "g=new d=new c=new b=1 a=new ");
  CHECK(seen_back(buffer, "d") == "c=new b=1 a=new ");
  CHECK(seen_back(buffer, "cc") == "c=new b=1 a=new ");
  CHECK(seen_back(buffer, "a").empty());
  CHECK(seen_back(buffer, {}, 2) == "g=new d=new ");
}

TEST_CASE("A scan back shows changes that its visitor makes to rows that follow") {
  fake_rows base;
  base.rows = {{"a", "1"}, {"b", "2"}, {"c", "3"}, {"e", "5"}};
  tyto::row_buffer buffer{base};
  std::string text;
  REQUIRE(buffer.scan_back({}, [&](std::string_view key, std::string_view value) {
    text.append(key).append("=").append(value).append(" ");
    if (key == "e") buffer.put("d", "40"), buffer.put("f", "60");
    if (key == "d") buffer.erase("c"), buffer.put("b", "20");
    if (key == "b") buffer.put("A", "0");
    return tyto::visit::next;
  }));
  CHECK(text == "e=5 d=40 b=20 a=1 A=0 ");
}

TEST_CASE("A count takes in what has changed, before and after it was first asked for") {
  fake_rows base;
  base.rows = {{"a", "1"}, {"b", "2"}};
  tyto::row_buffer buffer{base};
  buffer.put("a", "10");
  buffer.put("c", "30");
  buffer.erase("b");
  buffer.erase("nobody");
  CHECK(buffer.count().value() == 2);
  buffer.put("d", "40");
  buffer.put("c", "31");
  buffer.put("b", "20");
  buffer.erase("a");
  buffer.erase("a");
  CHECK(buffer.count().value() == 3);
}

TEST_CASE("A count that could not be kept is taken anew") {
  fake_rows base;
  base.rows = {{"a", "1"}};
  tyto::row_buffer buffer{base};
  CHECK(buffer.count().value() == 1);
  base.fails = true;
  buffer.erase("a");
  CHECK(buffer.count().error().code() == tyto::errc::io);
  base.fails = false;
  CHECK(buffer.count().value() == 0);
}

TEST_CASE("A range is visited from its first row to the one before its end, or back, up to its limit") {
  fake_rows base;
  base.rows = {{"a", ""}, {"b", ""}, {"c", ""}, {"d", ""}};
  const auto keys = [&](const tyto::row_range& range) {
    std::string text;
    REQUIRE(tyto::scan(base, range, [&](std::string_view key, auto) { return text += key, tyto::visit::next; }));
    return text;
  };
  CHECK(keys({}) == "abcd");
  CHECK(keys({"b", "d"}) == "bc");
  CHECK(keys({"b", "d", true}) == "cb");
  CHECK(keys({"b", {}, true}) == "dcb");
  CHECK(keys({"a", {}, false, 2}) == "ab");
  CHECK(keys({{}, "d", true, 2}) == "cb");
  CHECK(keys({"d", "b"}).empty());
  CHECK(keys({"d", "b", true}).empty());
  CHECK(keys({{}, {}, false, 0}).empty());
}

TEST_CASE("A failure of the rows below comes through") {
  fake_rows base;
  base.fails = true;
  tyto::row_buffer buffer{base};
  buffer.put("a", "1");
  CHECK(buffer.get("a").value() == "1");
  CHECK(buffer.get("b").error().code() == tyto::errc::io);
  CHECK(buffer.count().error().code() == tyto::errc::io);
  CHECK(buffer.scan_back({}, [](auto, auto) { return tyto::visit::next; }).error().code() == tyto::errc::io);
  CHECK(buffer.scan({}, [](auto, auto) { return tyto::visit::next; }).error().code() == tyto::errc::io);
}

TEST_CASE("A scan sees what a map would hold after the same random changes") {
  std::mt19937 random{11};
  for (int round = 0; round < 300; ++round) {
    fake_rows base;
    for (auto n = random() % 8; n > 0; --n) base.rows[std::string(1, static_cast<char>('a' + random() % 8))] = "base";
    auto expected = base.rows;
    tyto::row_buffer buffer{base};
    for (auto n = random() % 8; n > 0; --n) {
      const std::string key(1, static_cast<char>('a' + random() % 8));
      const std::string looked_at(1, static_cast<char>('a' + random() % 8));
      const auto row = expected.find(looked_at);
      REQUIRE(buffer.get(looked_at).value() == (row == expected.end() ? std::nullopt : std::optional{row->second}));
      if (random() % 3 == 0) {
        buffer.erase(key);
        expected.erase(key);
      } else {
        buffer.put(key, "changed");
        expected.insert_or_assign(key, "changed");
      }
    }
    const std::string from(random() % 2, static_cast<char>('a' + random() % 8));
    std::string text;
    for (auto row = expected.lower_bound(from); row != expected.end(); ++row) {
      text.append(row->first).append("=").append(row->second).append(" ");
    }
    REQUIRE(seen(buffer, from) == text);
    REQUIRE(buffer.count().value() == expected.size());
    std::string back;
    for (auto row = std::make_reverse_iterator(from.empty() ? expected.end() : expected.lower_bound(from));
         row != expected.rend(); ++row) {
      back.append(row->first).append("=").append(row->second).append(" ");
    }
    REQUIRE(seen_back(buffer, from) == back);
  }
}
