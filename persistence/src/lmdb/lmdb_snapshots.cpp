#include "lmdb/lmdb_snapshots.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <cstring>
#include <limits>

#include "lmdb/stream_key.hpp"
#include "write_checks.hpp"

namespace tyto {
namespace {

constexpr std::size_t checksum_bytes = sizeof(std::uint64_t);
constexpr std::uint64_t last_number = std::numeric_limits<std::uint64_t>::max();

// The sequence number is the seed, so that an image which turns up under another one does not pass.
std::uint64_t checksum_of(std::string_view image, std::uint64_t sequence_number) {
  return XXH3_64bits_withSeed(image.data(), image.size(), sequence_number);
}

// Moves to the stream's last entry at or below the one that `key` names; MDB_NOTFOUND if there is none.
int seek_last(lmdb::cursor& entries, const stream_key& key) {
  int code = entries.seek(key.bytes(), MDB_SET_RANGE);
  if (code == 0 && entries.key() == key.bytes()) return 0;
  if (code == 0 || code == MDB_NOTFOUND) code = entries.move(code == 0 ? MDB_PREV : MDB_LAST);
  return code == 0 && !key.is_sibling(entries.key()) ? MDB_NOTFOUND : code;
}

int previous(lmdb::cursor& entries, const stream_key& key) {
  const int code = entries.move(MDB_PREV);
  return code == 0 && !key.is_sibling(entries.key()) ? MDB_NOTFOUND : code;
}

}  // namespace

result<std::string_view> snapshot_image(std::string_view stored, std::string_view persistence_id,
                                        std::uint64_t sequence_number) {
  std::uint64_t checksum = 0;
  if (stored.size() >= checksum_bytes) std::memcpy(&checksum, stored.data(), checksum_bytes);
  if (stored.size() >= checksum_bytes && checksum == checksum_of(stored.substr(checksum_bytes), sequence_number)) {
    return stored.substr(checksum_bytes);
  }
  return error{errc::damaged, fmt::format("reading the snapshot of {} after event {}", persistence_id, sequence_number),
               "its checksum is wrong"};
}

result<std::shared_ptr<lmdb_snapshots>> lmdb_snapshots::open(std::shared_ptr<lmdb::environment> environment,
                                                             std::shared_ptr<const void> writer_lock, bool read_only) {
  std::shared_ptr<lmdb_snapshots> opened{new lmdb_snapshots{std::move(environment), std::move(writer_lock), read_only}};
  if (!opened->environment_) return opened;
  auto& in = *opened->environment_;
  auto tables = in.with_tables(!read_only, [&](lmdb::transaction& transaction) -> result<void> {
    const int code = transaction.open_table("snapshots", read_only ? 0 : MDB_CREATE, opened->table_);
    opened->exists_ = code == 0;
    if (code == 0 || (read_only && code == MDB_NOTFOUND)) return {};
    return lmdb::to_error(code, fmt::format("opening the table of snapshots in '{}'", in.directory().string()));
  });
  if (!tables) return std::move(tables).error();
  return opened;
}

result<void> lmdb_snapshots::save(const std::vector<snapshot>& snapshots) {
  const std::string doing = "saving snapshots";
  if (read_only_) return error{errc::permission, doing, "the storage is open for reading only"};
  auto transaction = environment_->begin_write();
  if (!transaction) return std::move(transaction).error();
  for (const auto& each : snapshots) {
    if (auto saved = save(*transaction, each); !saved) return saved;
  }
  const int code = transaction->commit();
  return code == 0 ? result<void>{} : lmdb::to_error(code, doing);
}

result<void> lmdb_snapshots::save(lmdb::transaction& transaction, const snapshot& saved) {
  if (auto usable = check_snapshot(saved); !usable) return usable;
  const auto checksum = checksum_of(saved.image, saved.sequence_number);
  char* room = nullptr;
  int code = 0;
  {
    lmdb::cursor entries{transaction, table_};
    const stream_key key{saved.persistence_id, saved.sequence_number};
    code = entries.reserve(key.bytes(), checksum_bytes + saved.image.size(), 0, room);
    if (code == 0) {
      std::memcpy(room, &checksum, checksum_bytes);
      saved.image.copy(room + checksum_bytes, saved.image.size());
    }
  }
  if (code == 0) code = drop(transaction, saved.persistence_id, saved.keep);
  if (code == 0) return {};
  return lmdb::to_error(code, fmt::format("saving a snapshot of {}", saved.persistence_id));
}

int lmdb_snapshots::drop(lmdb::transaction& transaction, std::string_view persistence_id, std::size_t keep) const {
  const stream_key end{persistence_id, last_number};
  for (;;) {
    std::string key;
    {
      lmdb::cursor entries{transaction, table_};
      int code = seek_last(entries, end);
      for (std::size_t kept = 0; code == 0 && kept < keep; ++kept) code = previous(entries, end);
      if (code != 0) return code == MDB_NOTFOUND ? 0 : code;
      key = entries.key();
    }
    if (const int code = transaction.erase(table_, key); code != 0) return code;
  }
}

result<void> lmdb_snapshots::erase(std::string_view persistence_id) {
  const auto doing = fmt::format("dropping the snapshots of {}", persistence_id);
  if (read_only_) return error{errc::permission, doing, "the storage is open for reading only"};
  if (auto usable = check_persistence_id(persistence_id); !usable) return usable;
  auto transaction = environment_->begin_write();
  if (!transaction) return std::move(transaction).error();
  int code = drop(*transaction, persistence_id, 0);
  if (code == 0) code = transaction->commit();
  return code == 0 ? result<void>{} : lmdb::to_error(code, doing);
}

result<void> lmdb_snapshots::load(std::string_view persistence_id, const snapshot_visitor& visitor) const {
  if (!exists_ || !check_persistence_id(persistence_id)) return {};
  auto transaction = environment_->begin_read();
  if (!transaction) return std::move(transaction).error();
  const stream_key end{persistence_id, last_number};
  lmdb::cursor entries{*transaction, table_};
  int code = seek_last(entries, end);
  for (; code == 0; code = previous(entries, end)) {
    const auto number = stream_key::number_in(entries.key());
    if (visitor(number, snapshot_image(entries.value(), persistence_id, number)) == visit::stop) return {};
  }
  if (code == MDB_NOTFOUND) return {};
  return lmdb::to_error(code, fmt::format("looking for snapshots of {}", persistence_id));
}

}  // namespace tyto
