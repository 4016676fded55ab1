// Journals that were written by released formats are still read, event by event. docs/storage-format.md says how they
// were made; a file that is here never changes.

#include "contract/lmdb_support.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

struct golden_append {
  std::string stream;
  int events;
};

// What format-1 was made with, in this order, one process each.
const std::vector<golden_append> appends_1 = {{"order|1", 3}, {"order|ü", 2}, {"order|1", 1}, {"order|2", 5},
                                              {"order|ü", 1}, {"order|3", 2}, {"order|4", 1}, {"order|1", 1}};

// MessagePack as it must be, written by hand: n is below 128.
std::string payload_1(int n) {
  const auto cents = n == 1   ? std::string("\x64")
                     : n == 2 ? std::string("\xcc\xc8")
                              : std::string("\xcd") + static_cast<char>(n * 100 >> 8) + static_cast<char>(n * 100);
  return "\x83\xa8"
         "customer\xa5"
         "alice\xa5"
         "lines\x92\x82\xaa"
         "stock_code\xa3"
         "A-1\xa8"
         "quantity" +
         std::string(1, static_cast<char>(n)) +
         "\x82\xaa"
         "stock_code\xa3"
         "B-2\xa8"
         "quantity" +
         std::string(1, static_cast<char>(-n)) +
         "\xab"
         "total_cents" +
         cents;
}

std::filesystem::path copy_of(const char* name, const temporary_directory& directory) {
  const auto copy = directory.path() / name;
  std::filesystem::copy(std::filesystem::path{TYTO_GOLDEN_DIRECTORY} / name, copy,
                        std::filesystem::copy_options::recursive);
  return copy;
}

void check_event(const seen_event& event, const std::string& stream, std::uint64_t number, int n) {
  CHECK(event.meta.persistence_id == stream);
  CHECK(event.meta.sequence_number == number);
  CHECK(event.meta.type == "order.created");
  CHECK(event.meta.schema_version == 1);
  CHECK(event.meta.time.time_since_epoch().count() == 1'700'000'000'000'000 + n);
  CHECK(event.meta.command_id == "command-" + std::to_string(n));
  CHECK(event.meta.correlation_id == "correlation");
  CHECK(event.meta.causation_id == "cause");
  CHECK(event.meta.tags == std::vector<std::string>{"small", "größe"});
  CHECK(event.meta.decision_index == 0);
  CHECK(event.meta.decision_count == 1);
  CHECK(event.payload == payload_1(n));
}

}  // namespace

TEST_CASE("A journal of format 1 is read, whole and by stream, and written on") {
  const bool read_only = GENERATE(true, false);
  const temporary_directory directory;
  const auto store = open_lmdb({.path = copy_of("format-1", directory), .read_only = read_only}).value().journal;

  const auto all = read_all(*store);
  std::map<std::string, positions> streams;
  std::uint64_t position = 0;
  for (const auto& [stream, events] : appends_1) {
    for (int n = 1; n <= events; ++n) {
      INFO("position " << position + 1);
      streams[stream].push_back(++position);
      REQUIRE(all.size() >= position);
      CHECK(all[position - 1].meta.position == position);
      check_event(all[position - 1], stream, streams[stream].size(), n);
    }
  }
  CHECK(all.size() == position);
  CHECK(store->head().value() == position);
  for (const auto& [id, places] : streams) {
    CHECK(store->info(id).value().version == places.size());
    CHECK(positions_of(read_stream(*store, id)) == places);
  }
  if (read_only) return;
  append_one(*store, write_of("order|1", 1, expected_version::exactly(5))).value();
  CHECK(store->head().value() == position + 1);
}

TEST_CASE("Nothing is found damaged in journals of released formats") {
  const auto name = GENERATE("format-1", "old-orders");
  const temporary_directory directory;
  const auto report = verify(copy_of(name, directory)).value();
  for (const auto& each : report.findings) UNSCOPED_INFO(each.message());
  CHECK(report.is_sound());
  CHECK(report.events > 0);
}
