// The stored form of events: what lies in a journal's file, whatever somebody has done to it.
#include <xxhash.h>

#include <cstring>

#include "harness.hpp"
#include "record.hpp"

namespace tyto::fuzz {
namespace {

constexpr std::uint64_t position = 7;

recorded_event some_event(std::size_t tags) {
  recorded_event event;
  event.meta.type = "order.created";
  event.meta.persistence_id = "order|1042";
  event.meta.command_id = "command";
  event.meta.correlation_id = "correlation";
  event.meta.position = position;
  event.meta.sequence_number = 3;
  event.meta.tags.assign(tags, "urgent");
  event.payload = "\x81\xa5total\x2a";
  return event;
}

std::string stored(const recorded_event& event) {
  std::string bytes(record::size_of(event, event.meta.persistence_id), '\0');
  record::write(bytes.data(), event);
  return bytes;
}

}  // namespace

std::vector<std::string> seeds() { return {stored(some_event(0)), stored(some_event(3)), stored(some_event(300))}; }

void run(std::string_view input) {
  metadata meta;
  (void)record::read(position, input, meta);
  (void)record::guess_identity(input);

  // With a checksum that is right, so that what is behind it is reached.
  std::string bytes{input};
  constexpr auto checksum_bytes = sizeof(std::uint64_t);
  if (bytes.size() < checksum_bytes) return;
  const std::uint64_t checksum =
      XXH3_64bits_withSeed(bytes.data() + checksum_bytes, bytes.size() - checksum_bytes, position);
  std::memcpy(bytes.data(), &checksum, sizeof checksum);
  const auto payload = record::read(position, bytes, meta);
  if (!payload) return;
  recorded_event event;
  event.meta = meta;
  event.payload = *payload;
  require(record::size_of(event, meta.persistence_id) == bytes.size(), "a record is filled by its fields");
  const auto again = stored(event);
  // The reserved field is written as 0 and not looked at.
  constexpr std::size_t reserved = 60;
  require(again.substr(64) == bytes.substr(64), "what is read can be written as it was");
  require(again.substr(8, reserved - 8) == bytes.substr(8, reserved - 8), "a header that is read can be written");
}

}  // namespace tyto::fuzz
