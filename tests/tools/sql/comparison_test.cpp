// The table `events`, with what it pushes down, beside an ordinary table that is a copy of it: random statements must
// come to the same on both.

#include <random>

#include "sql_support.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

class statements {
 public:
  explicit statements(std::uint32_t seed) : random_(seed) {}

  // Returns conditions, joined with AND and OR.
  std::string where() {
    auto text = condition();
    for (auto more = below(4); more > 0; --more) text += (below(3) == 0 ? " OR " : " AND ") + condition();
    return text;
  }

  std::string order() {
    return one_of({"ORDER BY position", "ORDER BY position DESC", "ORDER BY position LIMIT 7",
                   "ORDER BY position DESC LIMIT 5 OFFSET 2"});
  }

  std::string join() {
    return one_of({"a.stream = b.stream", "b.position = a.position + 1", "a.position = b.sequence",
                   "a.type = b.type AND a.stream = b.stream", "b.time > a.time AND b.position < a.position"});
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }
  std::string one_of(std::vector<std::string> choices) { return choices[below(choices.size())]; }

  std::string value(const std::string& column) {
    if (below(8) == 0) {
      return one_of({"NULL", "-1", "0", "1e300", "-1e300", "x'61'", "''", "'zzz'", "5", "'5'", "9223372036854775807"});
    }
    if (column == "position") return std::to_string(below(320)) + one_of({"", "", "", ".5"});
    if (column == "time_us") return std::to_string(1'700'000'000'000'000 + below(320) * 1'000'000);
    if (column == "stream") return "'even|" + std::to_string(below(10)) + "'";
    if (column == "type") return "'type." + std::to_string(below(5)) + "'";
    if (column == "category") return one_of({"'even'", "'odd'", "'none'"});
    return "'" + std::string{"2023-11-14T22:16:42.000000Z"}.substr(0, below(28)) + "'";
  }

  std::string condition() {
    const auto column = one_of({"position", "time", "time_us", "stream", "type", "category"});
    const auto how = one_of({"=", "=", "<", "<=", ">", ">=", "!=", "IS", "IN", "IN", "BETWEEN"});
    const auto start = column + " " + how + " ";
    if (how == "IN") return start + "(" + value(column) + ", " + value(column) + ", " + value(column) + ")";
    if (how == "BETWEEN") return start + value(column) + " AND " + value(column);
    return start + value(column) + (below(10) == 0 ? " COLLATE NOCASE" : "");
  }

  std::mt19937 random_;
};

// Three hundred events of ten streams, at times that now and then go back, and some of which were removed.
storage with_three_hundred() {
  auto opened = open_memory();
  std::vector<std::shared_ptr<stream_write>> writes;
  for (int i = 0; i < 300; ++i) {
    const auto stream = (i % 2 == 0 ? "even|" : "odd|") + std::to_string(i % 10);
    writes.push_back(write_of_type(stream, "type." + std::to_string(i * 7 % 4), i % 37 == 0 ? 0 : i));
  }
  append(*opened.journal, std::move(writes));
  append(*opened.journal,
         {change_of("even|4", retention::action::truncate, 11), change_of("odd|7", retention::action::remove)});
  return opened;
}

}  // namespace

TEST_CASE("Whatever is asked, the table answers like a copy of it") {
  const connection sql{with_three_hundred()};
  REQUIRE(sql("CREATE TABLE copy(position INTEGER PRIMARY KEY, time TEXT, stream TEXT, category TEXT, type TEXT, "
              "sequence INTEGER, payload TEXT, time_us INTEGER);"
              "INSERT INTO copy SELECT position, time, stream, category, type, sequence, payload, time_us FROM events")
              .empty());
  REQUIRE(sql("SELECT count(*) FROM copy") == "260");

  statements random{GENERATE(range(1U, 5U))};
  const auto same = [&sql](const std::string& before, const std::string& from_events, const std::string& from_copy,
                           const std::string& after) {
    const auto answer = sql(before + from_events + after);
    CAPTURE(before + from_events + after);
    CHECK(answer == sql(before + from_copy + after));
  };
  for (int i = 0; i < 100; ++i) {
    const auto where = " WHERE " + random.where();
    same("SELECT position, time, stream, type, sequence, payload FROM ", "events", "copy",
         where + " " + random.order());
    same("SELECT type, count(*), min(position), max(time) FROM ", "events", "copy",
         where + " GROUP BY type ORDER BY type");
    const auto joined = " ON " + random.join() + " WHERE a.position IN (SELECT position FROM ";
    same("SELECT a.position, b.position FROM ", "events a JOIN events b" + joined + "events",
         "copy a JOIN copy b" + joined + "copy", where + " ORDER BY position LIMIT 9) ORDER BY 1, 2 LIMIT 50");
  }
}
