#include "lmdb/retention_table.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>

namespace tyto {
namespace {

// The stored form: a checksum of what follows it, with the hash of the persistence id as seed; the first number that
// stays; the version when the row was written, for the events that tell it may go; the state; then the base.
struct row_header {
  std::uint64_t checksum;
  std::uint64_t first;
  std::uint64_t version;
  std::uint32_t state;
  std::uint32_t reserved;
};
static_assert(sizeof(row_header) == 32);

std::uint64_t checksum_of(std::string_view row, std::string_view persistence_id) {
  const auto covered = row.substr(sizeof(std::uint64_t));
  const auto seed = XXH3_64bits(persistence_id.data(), persistence_id.size());
  return XXH3_64bits_withSeed(covered.data(), covered.size(), seed);
}

bool is_state(std::uint32_t number) { return number <= static_cast<std::uint32_t>(stream_state::deleted); }

}  // namespace

retention_rows::retention_rows(const lmdb::transaction& transaction, lmdb::table table)
    : transaction_(transaction), table_(table), is_empty_(table == 0 || transaction.size_of(table).entries == 0) {}

result<void> retention_rows::complete(std::string_view persistence_id, stream_info& known) const {
  if (is_empty_) return {};
  std::string_view row;
  const auto doing = [&] { return fmt::format("looking up what is kept of the stream {}", persistence_id); };
  const int code = transaction_.get(table_, persistence_id, row);
  if (code == MDB_NOTFOUND) return {};
  if (code != 0) return lmdb::to_error(code, doing());
  row_header header{};
  if (row.size() >= sizeof header) std::memcpy(&header, row.data(), sizeof header);
  if (row.size() < sizeof header || header.checksum != checksum_of(row, persistence_id)) {
    return error{errc::damaged, doing(), "its checksum is wrong"};
  }
  if (!is_state(header.state) || header.reserved != 0) {
    return error{errc::newer_format, doing(), "only newer versions of Tyto can read it"};
  }
  known.first = header.first;
  known.version = std::max(known.version, header.version);
  known.state = static_cast<stream_state>(header.state);
  if (known.state == stream_state::deleted) known.first = known.version + 1;
  known.base = row.substr(sizeof header);
  return {};
}

result<std::uint64_t> retention_rows::first_kept(std::string_view persistence_id) {
  if (is_empty_) return std::uint64_t{1};
  if (persistence_id != last_id_) {
    stream_info known;
    if (auto completed = complete(persistence_id, known); !completed) return std::move(completed).error();
    last_id_ = persistence_id;
    last_first_ = known.first;
  }
  return last_first_;
}

int retention_rows::put(lmdb::transaction& transaction, lmdb::table table, std::string_view persistence_id,
                        const stream_info& known) {
  row_header header{0, known.first, known.version, static_cast<std::uint32_t>(known.state), 0};
  std::string row(sizeof header, '\0');
  std::memcpy(row.data(), &header, sizeof header);
  row += known.base;
  header.checksum = checksum_of(row, persistence_id);
  std::memcpy(row.data(), &header, sizeof header);
  return transaction.put(table, persistence_id, row);
}

}  // namespace tyto
