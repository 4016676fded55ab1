// Journals that were written by released formats are still read, event by event. docs/storage-format.md says how they
// were made; a file that is here never changes.

#include "contract/lmdb_support.hpp"
#include "contract/raw_index.hpp"
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

// What was appended to it for format-2, one process each.
std::vector<golden_append> appends_2() {
  auto appends = appends_1;
  for (int i = 1; i <= 244; ++i) appends.push_back({"order|" + std::to_string(i * 5 % 13), 1});
  return appends;
}

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

// Checks each event that was appended, as the journal is read whole and by stream; returns what each stream has.
std::map<std::string, positions> check_golden(const event_store& journal, const std::vector<golden_append>& appends) {
  const auto all = read_all(journal);
  std::map<std::string, positions> streams;
  std::uint64_t position = 0;
  for (const auto& [stream, events] : appends) {
    for (int n = 1; n <= events; ++n) {
      INFO("position " << position + 1);
      streams[stream].push_back(++position);
      REQUIRE(all.size() >= position);
      CHECK(all[position - 1].meta.position == position);
      check_event(all[position - 1], stream, streams[stream].size(), n);
    }
  }
  CHECK(all.size() == position);
  CHECK(journal.head().value() == position);
  for (const auto& [id, places] : streams) {
    CHECK(journal.info(id).value().version == places.size());
    CHECK(positions_of(read_stream(journal, id)) == places);
    CHECK(positions_of(read_stream(journal, id, places.size())) == positions{places.back()});
  }
  return streams;
}

std::string format_of(const std::filesystem::path& storage) { return raw_value(storage / "journal", "meta", "format"); }

}  // namespace

TEST_CASE("Journals of all formats are read, whole and by stream, and written on") {
  const auto name = GENERATE(as<std::string>{}, "format-1", "format-2");
  const bool read_only = GENERATE(true, false);
  const temporary_directory directory;
  const auto path = copy_of(name.c_str(), directory);
  {
    const auto store = open_lmdb({.path = path, .read_only = read_only}).value().journal;
    const auto streams = check_golden(*store, name == "format-1" ? appends_1 : appends_2());
    if (!read_only) {
      const auto head = store->head().value();
      append_one(*store, write_of("order|1", 1, expected_version::exactly(streams.at("order|1").size()))).value();
      CHECK(store->head().value() == head + 1);
    }
  }
  CHECK(format_of(path)[0] == (read_only && name == "format-1" ? 1 : 2));
}

TEST_CASE("A journal of format 1 keeps its index as the oldest run, and readers that were there before read on") {
  const temporary_directory directory;
  const auto path = copy_of("format-1", directory);
  run_store_program("read", path, "order|1");  // which creates the files of readers
  const auto reader = open_lmdb({.path = path, .read_only = true}).value().journal;
  auto streams = check_golden(*reader, appends_1);
  std::uint64_t head = reader->head().value();
  const auto check = [&](const event_store& journal) {
    for (const auto& [id, places] : streams) {
      CHECK(journal.info(id).value().version == places.size());
      CHECK(positions_of(read_stream(journal, id)) == places);
    }
  };
  for (int i = 0; i < 40; ++i) {
    const auto id = "order|" + std::to_string(i % 6);
    run_store_program("append", path, id, 3, 4);  // another process
    for (int n = 0; n < 3; ++n) streams[id].push_back(++head);
    check(*reader);
  }
  CHECK(run_store_program("compact", path, "order|1").find("version") == 0);
  check(*reader);
  const auto report = verify(path).value();
  for (const auto& each : report.findings) UNSCOPED_INFO(each.message());
  CHECK(report.is_sound());
}

TEST_CASE("An index of format 1 that names other events than the journal has is found before a number is given twice") {
  const temporary_directory directory;
  const auto path = copy_of("format-1", directory);
  // The last entry of order|2 that counts ends with an event of order|1.
  const auto key = std::string("order|2\0\0\0\0\0\0\0\0\1", 16);
  auto entry = raw_value(path / "journal", "streams", key);
  entry.replace(entry.size() - 8, 8, bytes_of(1));
  put_raw(path / "journal", "streams", key, entry);
  const auto store = open_lmdb({.path = path}).value();
  const auto read = store.journal->read_stream("order|2", 1, [](const event_view&) { return visit::next; });
  CHECK(read.error().code() == errc::damaged);
  CHECK(store.journal->info("order|2").error().code() == errc::damaged);
  CHECK(append_and_wait(*store.journal, {{write_of("order|2")}, {}}).error().code() == errc::damaged);
  CHECK(store.journal->info("order|1").value().version == 5);
}

TEST_CASE("Nothing is found damaged in journals of released formats") {
  const auto name = GENERATE("format-1", "format-2", "old-orders");
  const temporary_directory directory;
  const auto report = verify(copy_of(name, directory)).value();
  for (const auto& each : report.findings) UNSCOPED_INFO(each.message());
  CHECK(report.is_sound());
  CHECK(report.events > 0);
}
