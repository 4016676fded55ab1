#include "record.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

namespace tyto::record {
namespace {

// The fixed part. Records may begin at any even address, so it is copied in and out as a whole.
struct header {
  std::uint64_t checksum = 0;
  std::uint16_t version = format_version;
  std::uint16_t flags = 0;
  std::uint32_t schema_version = 0;
  std::uint64_t sequence_number = 0;
  std::int64_t time_us = 0;
  std::uint32_t decision_index = 0;
  std::uint32_t decision_count = 0;
  std::uint32_t encryption_key = 0;
  std::uint32_t payload_bytes = 0;
  std::uint16_t type_bytes = 0;
  std::uint16_t persistence_id_bytes = 0;
  std::uint16_t command_id_bytes = 0;
  std::uint16_t correlation_id_bytes = 0;
  std::uint16_t causation_id_bytes = 0;
  std::uint16_t tag_count = 0;
  std::uint32_t reserved = 0;
};
static_assert(sizeof(header) == 64 && offsetof(header, type_bytes) == 48 && offsetof(header, reserved) == 60);

constexpr std::size_t after_checksum = sizeof(header::checksum);

constexpr auto lengths_differ = "the record's lengths do not add up";

std::uint64_t checksum_of(std::string_view bytes, std::uint64_t position) {
  return XXH3_64bits_withSeed(bytes.data() + after_checksum, bytes.size() - after_checksum, position);
}

template <class Unsigned>
Unsigned narrow(std::size_t size) {
  return static_cast<Unsigned>(size);  // check_write() has seen to it that it fits
}

// Takes lengths of bytes off the front of what is left; once one is missing, everything is empty and ok() is false.
class reader {
 public:
  explicit reader(std::string_view bytes) : rest_(bytes) {}

  std::string_view take(std::size_t size) {
    if (size > rest_.size()) ok_ = false;
    if (!ok_) return {};
    const auto taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  std::string_view take_tag() {
    std::uint16_t size = 0;
    if (const auto length = take(sizeof size); ok_) std::memcpy(&size, length.data(), sizeof size);
    return take(size);
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }
  [[nodiscard]] bool at_end() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

class writer {
 public:
  explicit writer(char* to) : to_(to) {}

  void put(std::string_view bytes) {
    if (!bytes.empty()) std::memcpy(to_, bytes.data(), bytes.size());
    to_ += bytes.size();
  }
  void put_tag(std::string_view tag) {
    const auto size = narrow<std::uint16_t>(tag.size());
    std::memcpy(to_, &size, sizeof size);
    to_ += sizeof size;
    put(tag);
  }
  [[nodiscard]] char* end() const { return to_; }

 private:
  char* to_;
};

bool read_header(std::string_view bytes, header& h) {
  if (bytes.size() < sizeof h) return false;
  std::memcpy(&h, bytes.data(), sizeof h);
  return true;
}

std::optional<identity> identity_in(const header& h, std::string_view bytes) {
  reader in{bytes.substr(sizeof h)};
  identity who;
  who.type = in.take(h.type_bytes);
  who.persistence_id = in.take(h.persistence_id_bytes);
  who.sequence_number = h.sequence_number;
  return in.ok() ? std::optional{who} : std::nullopt;
}

// Reads what follows the header; returns whether it is exactly what the header announces.
bool read_fields(const header& h, std::string_view bytes, metadata& meta, std::string_view& payload) {
  reader in{bytes.substr(sizeof(header))};
  meta.type.assign(in.take(h.type_bytes));
  meta.persistence_id.assign(in.take(h.persistence_id_bytes));
  meta.command_id.assign(in.take(h.command_id_bytes));
  meta.correlation_id.assign(in.take(h.correlation_id_bytes));
  meta.causation_id.assign(in.take(h.causation_id_bytes));
  if (h.tag_count * sizeof(std::uint16_t) > in.left()) return false;  // before memory is taken for so many
  meta.tags.resize(h.tag_count);
  for (auto& tag : meta.tags) tag.assign(in.take_tag());
  payload = in.take(h.payload_bytes);
  return in.at_end();
}

bool is_legible(std::string_view text) {
  return !text.empty() && text.size() <= max_persistence_id_bytes &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

std::uint64_t size_of(const recorded_event& event, std::string_view persistence_id) {
  const auto& m = event.meta;
  std::uint64_t size = sizeof(header) + m.type.size() + persistence_id.size() + m.command_id.size() +
                       m.correlation_id.size() + m.causation_id.size() + event.payload.size();
  for (const auto& tag : m.tags) size += sizeof(std::uint16_t) + tag.size();
  return size;
}

void write(char* to, const recorded_event& event) {
  const auto& m = event.meta;
  header h;
  h.schema_version = m.schema_version;
  h.sequence_number = m.sequence_number;
  h.time_us = m.time.time_since_epoch().count();
  h.decision_index = m.decision_index;
  h.decision_count = m.decision_count;
  h.payload_bytes = narrow<std::uint32_t>(event.payload.size());
  h.type_bytes = narrow<std::uint16_t>(m.type.size());
  h.persistence_id_bytes = narrow<std::uint16_t>(m.persistence_id.size());
  h.command_id_bytes = narrow<std::uint16_t>(m.command_id.size());
  h.correlation_id_bytes = narrow<std::uint16_t>(m.correlation_id.size());
  h.causation_id_bytes = narrow<std::uint16_t>(m.causation_id.size());
  h.tag_count = narrow<std::uint16_t>(m.tags.size());

  std::memcpy(to, &h, sizeof h);
  writer out{to + sizeof h};
  for (const std::string* text : {&m.type, &m.persistence_id, &m.command_id, &m.correlation_id, &m.causation_id}) {
    out.put(*text);
  }
  for (const auto& tag : m.tags) out.put_tag(tag);
  out.put(event.payload);
  const auto checksum = checksum_of({to, static_cast<std::size_t>(out.end() - to)}, m.position);
  std::memcpy(to, &checksum, sizeof checksum);
}

result<identity> verify(std::uint64_t position, std::string_view bytes) {
  const auto fail = [&](errc code, const char* why) { return error{code, reading(position, bytes), why}; };
  // Checksum and version stay where they are in every version of the format.
  header h;
  if (!read_header(bytes, h)) return fail(errc::damaged, "the record is too short");
  if (h.checksum != checksum_of(bytes, position)) return fail(errc::damaged, "the record's checksum does not match");
  if (h.version == 0) return fail(errc::damaged, "the record has a version that there never was");
  if (h.version > format_version || h.flags != 0) {
    return fail(errc::newer_format, "the record was written by a newer version of Tyto");
  }
  if (h.encryption_key != 0) return fail(errc::newer_format, "the record is encrypted, which this version cannot read");
  const auto who = identity_in(h, bytes);
  return who ? result<identity>{*who} : fail(errc::damaged, lengths_differ);
}

result<std::string_view> decode(std::uint64_t position, std::string_view bytes, metadata& meta) {
  header h;
  std::string_view payload;
  if (!read_header(bytes, h) || !read_fields(h, bytes, meta, payload)) {
    return error{errc::damaged, reading(position, bytes), lengths_differ};
  }
  meta.position = position;
  meta.sequence_number = h.sequence_number;
  meta.schema_version = h.schema_version;
  meta.time = timestamp{std::chrono::microseconds{h.time_us}};
  meta.decision_index = h.decision_index;
  meta.decision_count = h.decision_count;
  return payload;
}

result<std::string_view> read(std::uint64_t position, std::string_view bytes, metadata& meta) {
  auto whole = verify(position, bytes);
  return whole ? decode(position, bytes, meta) : std::move(whole).error();
}

std::optional<identity> guess_identity(std::string_view bytes) {
  header h;
  const auto guess = read_header(bytes, h) ? identity_in(h, bytes) : std::nullopt;
  if (!guess || !is_legible(guess->type) || !is_legible(guess->persistence_id)) return std::nullopt;
  if (!check_persistence_id(guess->persistence_id)) return std::nullopt;
  return guess;
}

std::string reading(std::uint64_t position, std::string_view bytes) {
  const auto guess = guess_identity(bytes);
  if (!guess) return fmt::format("reading the event at position {}", position);
  return fmt::format("reading the event at position {} ({}, {})", position, guess->persistence_id, guess->type);
}

}  // namespace tyto::record
