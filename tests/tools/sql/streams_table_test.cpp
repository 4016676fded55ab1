// The table `streams`.

#include "sql_support.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

using action = retention::action;

// One stream that is open, one that is closed, one of which the first events were removed, one that has none any more,
// and one that was deleted.
counted_storage with_five_streams() {
  counted_storage made;
  append(*made.journal,
         {write_of_type("order|1", "created", 0), write_of_type("order|2", "created", 10),
          write_of_type("order|1", "paid", 20), write_of("note|1", 4), write_of("note|2", 4), write_of("note|3", 4)});
  append(*made.journal, {change_of("order|2", action::close), change_of("note|1", action::truncate, 3),
                         change_of("note|2", action::truncate, 5), change_of("note|3", action::remove)});
  return made;
}

}  // namespace

TEST_CASE("A stream has what its events come to") {
  const auto stored = with_five_streams();
  const connection sql{stored.opened};
  CHECK(sql("SELECT * FROM streams WHERE category = 'order' ORDER BY stream") ==
        "order|1|order|1|2|1|open|2|2023-11-14T22:13:20.000000Z|2023-11-14T22:13:40.000000Z|paid; "
        "order|2|order|2|1|1|closed|1|2023-11-14T22:13:30.000000Z|2023-11-14T22:13:30.000000Z|created");
  CHECK(sql("SELECT stream, version, first, state, events FROM streams WHERE id = '1' ORDER BY stream") ==
        "note|1|4|3|open|2; order|1|2|1|open|2");
  CHECK(sql("SELECT count(*), sum(events) FROM streams") == "3|5");
}

TEST_CASE("A stream without events is shown to who asks for it by name") {
  const auto stored = with_five_streams();
  const connection sql{stored.opened};
  CHECK(sql("SELECT * FROM streams WHERE stream = 'note|2'") == "note|2|note|2|4|5|open|0|||");
  CHECK(sql("SELECT * FROM streams WHERE stream = 'note|3'") == "note|3|note|3|4|5|deleted|0|||");
  CHECK(sql("SELECT count(*) FROM streams WHERE stream IN ('note|1', 'note|3', 'no|1')") == "2");
  CHECK(sql("SELECT count(*) FROM streams WHERE stream = 'no|1'") == "0");
  CHECK(sql("SELECT count(*) FROM streams WHERE stream = 'no stream'") == "0");
  CHECK(sql("SELECT count(*) FROM streams WHERE stream = NULL") == "0");
}

TEST_CASE("For one stream, no other is read; for a category, no other is decoded") {
  const auto stored = with_five_streams();
  const connection sql{stored.opened};
  CHECK(sql("SELECT events, last_type FROM streams WHERE stream = 'order|1'") == "2|paid");
  CHECK(stored.journal->reads == 0);
  stored.journal->forget();
  CHECK(sql("SELECT count(*) FROM streams WHERE category IN ('note', 'no')") == "1");
  CHECK(stored.journal->events_seen == 2);
}

TEST_CASE("Streams are joined with their events, and told apart by their names") {
  const auto stored = with_five_streams();
  const connection sql{stored.opened};
  CHECK(sql("SELECT s.stream, e.type FROM streams s JOIN events e ON e.stream = s.stream AND e.sequence = s.version "
            "WHERE s.category = 'order' ORDER BY 1") == "order|1|paid; order|2|created");
  CHECK(sql("SELECT count(*) FROM streams WHERE stream = 'order|1' OR category = 'order' OR stream = 'note|1'") == "3");
}
