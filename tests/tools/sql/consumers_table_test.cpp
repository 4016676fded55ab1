// The tables `consumers` and `dead_letters`.

#include <tyto/codec.hpp>
#include <tyto/dead_letter.hpp>

#include "sql_support.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

template <class Event>
std::shared_ptr<stream_write> record_of(const std::string& consumer, const Event& what) {
  auto write = write_of_type(make_persistence_id(consumer_record::category, consumer), std::string{stored_name<Event>});
  write->events[0].payload = to_bytes(what);
  return write;
}

event_parked parked(std::uint64_t position, std::string reason = "no", std::optional<std::uint32_t> part = {}) {
  return {position, "key", "order|" + std::to_string(position), "order.created", std::move(reason), 9, part};
}

}  // namespace

TEST_CASE("Reactions and read models are listed with how far they are") {
  auto opened = open_memory();
  append(*opened.journal, {write_of("a|1", 10)}, {{"billing", 7}, {"checkout/commands", 10}});
  opened.read_models->commit("balances.v1", {}, {4, {}, {}}).value();
  const connection sql{opened};
  CHECK(sql("SELECT * FROM consumers ORDER BY name") ==
        "balances.v1|read model|4|6; billing|reaction|7|3; checkout/commands|reaction|10|0");
  CHECK(sql("SELECT name FROM consumers WHERE lag > 5") == "balances.v1");
}

TEST_CASE("A reaction in partitions is one consumer, as far as the slowest of those that count") {
  auto opened = open_memory();
  append(*opened.journal, {write_of("a|1", 10)},
         {{"mail", 3},
          {"mail#0/2", 4},
          {"mail#1/2", 4},
          {"mail#", 3},
          {"mail#before", 2},
          {"mail#0/3", 9},
          {"mail#1/3", 6},
          {"mail#2/3", 8}});
  const connection sql{opened};
  CHECK(sql("SELECT * FROM consumers") == "mail|reaction|6|4");
  append(*opened.journal, {}, {{"mail#", 1}, {"mail", 9}});
  CHECK(sql("SELECT * FROM consumers") == "mail|reaction|9|1");
}

TEST_CASE("Dead letters are those that were parked and not released") {
  auto opened = open_memory();
  append(*opened.journal,
         {record_of("billing", parked(1)), record_of("billing", parked(2, "", 1)), record_of("billing", parked(3)),
          record_of("mail", parked(2, "it's \"full\"")), record_of("billing", event_released{1}),
          record_of("mail", event_skipped{5, "order|5", "order.created", "no", 1})});
  const connection sql{opened};
  CHECK(sql("SELECT * FROM dead_letters") ==
        "billing|2|1|key|order|2|order.created||9|2023-11-14T22:13:20.000000Z; "
        "billing|3||key|order|3|order.created|no|9|2023-11-14T22:13:20.000000Z; "
        "mail|2||key|order|2|order.created|it's \"full\"|9|2023-11-14T22:13:20.000000Z");
  CHECK(sql("SELECT consumer, count(*) FROM dead_letters GROUP BY consumer") == "billing|2; mail|1");
  CHECK(sql("SELECT count(*) FROM dead_letters WHERE position = 2 OR consumer = 'mail' OR part = 1") == "2");
}

TEST_CASE("For the dead letters of one consumer its record alone is read") {
  counted_storage stored;
  append(*stored.journal, {write_of("a|1", 100), record_of("billing", parked(1)), record_of("mail", parked(2))});
  const connection sql{stored.opened};
  CHECK(sql("SELECT position FROM dead_letters WHERE consumer = 'mail'") == "2");
  CHECK(sql("SELECT position FROM dead_letters WHERE consumer IN ('mail', 'billing')") == "1; 2");
  CHECK(sql("SELECT position FROM dead_letters WHERE consumer = 'nobody'").empty());
  CHECK(stored.journal->reads == 0);
  CHECK(stored.journal->events_seen == 3);
  CHECK(sql("SELECT count(*) FROM dead_letters") == "2");
}

TEST_CASE("A record that cannot be read is an error that names the consumer") {
  auto opened = open_memory();
  append(*opened.journal, {write_of_type("tyto.consumer|billing", "tyto.event_parked")});
  const connection sql{opened};
  CHECK_THAT(sql("SELECT * FROM dead_letters"), Catch::StartsWith("! listing the dead letters of 'billing': "));
}
