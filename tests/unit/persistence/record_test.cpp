// The stored form of an event, byte for byte as docs/storage-format.md has it.
#include "record.hpp"

#include "contract/store_support.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

recorded_event sample() {
  auto event = event_of("t.ype", "\x81\xa1x\x01");
  auto& m = event.meta;
  m.position = 7;
  m.persistence_id = "o|1";
  m.sequence_number = 0x0102030405060708;
  m.schema_version = 3;
  m.time = timestamp{std::chrono::microseconds{-2}};
  m.command_id = "cmd";
  m.correlation_id = "corr";
  m.causation_id = "c";
  m.tags = {"x", ""};
  m.decision_index = 1;
  m.decision_count = 2;
  return event;
}

std::string written(const recorded_event& event) {
  std::string bytes(record::size_of(event, event.meta.persistence_id), '?');
  record::write(bytes.data(), event);
  return bytes;
}

}  // namespace

TEST_CASE("A record has the bytes that the format says") {
  const auto bytes = written(sample());
  const std::string header(
      "\x01\0\0\0"                            // version, flags
      "\x03\0\0\0"                            // schema version
      "\x08\x07\x06\x05\x04\x03\x02\x01"      // sequence number
      "\xfe\xff\xff\xff\xff\xff\xff\xff"      // time
      "\x01\0\0\0\x02\0\0\0"                  // place in the decision
      "\0\0\0\0\x04\0\0\0"                    // encryption key, payload bytes
      "\x05\0\x03\0\x03\0\x04\0\x01\0\x02\0"  // lengths and number of tags
      "\0\0\0\0",                             // reserved
      56);
  CHECK(bytes.substr(8, 56) == header);
  CHECK(bytes.substr(64) == std::string("t.ypeo|1cmdcorrc\x01\0x\0\0\x81\xa1x\x01", 25));
}

TEST_CASE("A record is only read under its own position") {
  const auto bytes = written(sample());
  metadata meta;
  CHECK(record::read(7, bytes, meta).value() == "\x81\xa1x\x01");
  CHECK(meta.tags == sample().meta.tags);
  CHECK(record::read(8, bytes, meta).error().code() == errc::damaged);
}

TEST_CASE("Lengths that do not add up are damage even if the checksum fits") {
  auto event = sample();
  for (const std::size_t at : {44, 48, 50, 52, 54, 56, 58}) {
    for (const char change : {'\x01', '\x7f'}) {
      auto bytes = written(event);
      bytes[at] = static_cast<char>(bytes[at] ^ change);
      bytes.replace(0, 8, test_checksum(bytes, 7));
      metadata meta;
      const auto read = record::read(7, bytes, meta);
      INFO("byte " << at);
      REQUIRE_FALSE(read);
      CHECK(read.error().code() == errc::damaged);
    }
  }
}

TEST_CASE("Flags and encryption keys that this version does not know are a newer format") {
  for (const std::size_t at : {8, 10, 11, 40}) {
    auto bytes = written(sample());
    bytes[at] = '\x04';
    bytes.replace(0, 8, test_checksum(bytes, 7));
    metadata meta;
    CHECK(record::read(7, bytes, meta).error().code() == errc::newer_format);
  }
}
