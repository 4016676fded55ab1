#include "lmdb/store_meta.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "lmdb/event_scan.hpp"
#include "lmdb/run_catalog.hpp"
#include "lmdb/sealed_value.hpp"
#include "lmdb/stored_number.hpp"
#include "tyto/clock.hpp"

namespace tyto {
namespace {

template <class Number>
std::string_view bytes_of(const Number& number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

std::string checksum_of(std::string_view identity) {
  return std::string{as_key(XXH3_64bits(identity.data(), identity.size()))};
}

error foreign(const lmdb::environment& environment, std::string_view kind) {
  return {errc::foreign, fmt::format("opening '{}'", environment.directory().string()),
          fmt::format("an LMDB environment, but not of {}: choose another directory", kind)};
}

std::uint32_t format_of(std::string_view kind) { return kind == journal_kind ? journal_format : read_models_format; }

// What does not change once it is written, one after the other; nothing if an entry is missing.
std::optional<std::string> identity(const lmdb::transaction& transaction, lmdb::table meta) {
  std::string all;
  for (const auto key : {meta_key::kind, meta_key::format, meta_key::journal_id, meta_key::created}) {
    std::string_view stored;
    if (transaction.get(meta, key, stored) != 0) return std::nullopt;
    all += stored;
  }
  return all;
}

result<void> check_meta(const lmdb::environment& environment, const lmdb::transaction& transaction, lmdb::table meta,
                        std::string_view kind, std::string& journal_id) {
  const auto doing = fmt::format("opening '{}'", environment.directory().string());
  std::string_view stored;
  // Written by every version but the first ones.
  if (const auto all = identity(transaction, meta); all && transaction.get(meta, meta_key::checksum, stored) == 0) {
    if (stored != checksum_of(*all)) {
      return error{errc::damaged, doing,
                   "what the file says of itself does not match its checksum: restore it from a copy"};
    }
  }
  if (transaction.get(meta, meta_key::kind, stored) != 0 || stored != kind) return foreign(environment, kind);
  std::uint32_t format = 0;
  if (transaction.get(meta, meta_key::format, stored) != 0 || stored.size() != sizeof format) {
    return foreign(environment, kind);
  }
  std::memcpy(&format, stored.data(), sizeof format);
  if (const auto known = format_of(kind); format > known) {
    return error{
        errc::newer_format, doing,
        fmt::format("it has format {}, this version of Tyto reads up to {}: use a newer version", format, known)};
  }
  if (transaction.get(meta, meta_key::journal_id, stored) != 0) return foreign(environment, kind);
  journal_id = stored;
  return {};
}

}  // namespace

result<std::optional<std::string>> read_journal_id(lmdb::environment& environment, std::string_view kind) {
  std::optional<std::string> id;
  auto checked = environment.with_tables(false, [&](lmdb::transaction& transaction) -> result<void> {
    lmdb::table main = 0;
    lmdb::table meta = 0;
    MDB_stat stat{};
    int code = transaction.open_table(nullptr, 0, main);
    if (code == 0) code = mdb_stat(transaction.handle(), main, &stat);
    if (code != 0) return lmdb::to_error(code, fmt::format("opening '{}'", environment.directory().string()));
    if (stat.ms_entries == 0) return {};
    code = transaction.open_table("meta", 0, meta);
    if (code == MDB_NOTFOUND || code == MDB_INCOMPATIBLE) return foreign(environment, kind);
    if (code != 0) return lmdb::to_error(code, fmt::format("opening '{}'", environment.directory().string()));
    return check_meta(environment, transaction, meta, kind, id.emplace());
  });
  if (!checked) return std::move(checked).error();
  return id;
}

result<store_identity> read_identity(lmdb::environment& environment, std::string_view kind) {
  store_identity read;
  auto id = read_journal_id(environment, kind);
  if (!id) return std::move(id).error();
  const auto doing = fmt::format("opening '{}'", environment.directory().string());
  if (!*id) return error{errc::invalid_argument, doing, "it is just being created: try again"};
  read.journal_id = **std::move(id);
  auto looked = environment.with_tables(false, [&](lmdb::transaction& transaction) -> result<void> {
    lmdb::table meta = 0;
    std::string_view stored;
    std::int64_t created_us = 0;
    int code = transaction.open_table("meta", 0, meta);
    if (code == 0) code = transaction.get(meta, meta_key::format, stored);
    if (code == 0) std::memcpy(&read.format, stored.data(), sizeof read.format);
    if (code == 0) code = transaction.get(meta, meta_key::created, stored);
    if (code != 0) return lmdb::to_error(code, doing);
    if (stored.size() != sizeof created_us) return foreign(environment, kind);
    std::memcpy(&created_us, stored.data(), sizeof created_us);
    read.created = timestamp{std::chrono::microseconds{created_us}};
    return {};
  });
  if (!looked) return std::move(looked).error();
  return read;
}

result<void> write_meta(lmdb::environment& environment, std::string_view kind, const std::string& journal_id) {
  return environment.with_tables(true, [&](lmdb::transaction& transaction) -> result<void> {
    const std::int64_t created_us = system_clock()->now().time_since_epoch().count();
    const auto format = format_of(kind);
    journal_tables tables;
    auto& meta = tables.meta;
    int code = transaction.open_table("meta", MDB_CREATE, meta);
    if (code == 0) code = transaction.put(meta, meta_key::kind, kind);
    if (code == 0) code = transaction.put(meta, meta_key::format, bytes_of(format));
    if (code == 0) code = transaction.put(meta, meta_key::journal_id, journal_id);
    if (code == 0) code = transaction.put(meta, meta_key::created, bytes_of(created_us));
    if (code == 0)
      code = transaction.put(meta, meta_key::checksum, checksum_of(identity(transaction, meta).value_or("")));
    if (code == 0 && kind == journal_kind) code = run_catalog{}.write(transaction, tables);
    if (code == 0) return {};
    return lmdb::to_error(code, fmt::format("creating '{}'", environment.directory().string()));
  });
}

result<void> raise_format(lmdb::environment& journal) {
  bool is_raised = false;
  auto raised = journal.with_tables(true, [&](lmdb::transaction& transaction) -> result<void> {
    const auto doing = fmt::format("raising '{}' to format {}", journal.directory().string(), journal_format);
    journal_tables tables;
    int code = transaction.open_table("meta", 0, tables.meta);
    if (code != 0) return lmdb::to_error(code, doing);
    auto format = read_format(transaction, tables.meta);
    if (!format) return std::move(format).error();
    if (*format == journal_format) return {};
    auto index = run_catalog::read(transaction, tables);  // its index of format 1 becomes the oldest run
    if (!index) return std::move(index).error();
    code = index->write(transaction, tables);
    if (code == 0) code = transaction.put(tables.meta, meta_key::format, bytes_of(journal_format));
    if (code == 0) {
      code = transaction.put(tables.meta, meta_key::checksum,
                             checksum_of(identity(transaction, tables.meta).value_or("")));
    }
    is_raised = code == 0;
    return code == 0 ? result<void>{} : lmdb::to_error(code, doing);
  });
  return raised && is_raised ? journal.sync() : raised;
}

result<std::uint32_t> read_format(const lmdb::transaction& transaction, lmdb::table meta) {
  const std::string doing = "reading which format the journal has";
  std::string_view stored;
  std::uint32_t format = 0;
  const int code = transaction.get(meta, meta_key::format, stored);
  if (code != 0) return lmdb::to_error(code, doing);
  if (stored.size() != sizeof format) return error{errc::damaged, doing, "it is no number"};
  std::memcpy(&format, stored.data(), sizeof format);
  return format;
}

result<std::uint64_t> read_folded_to(const lmdb::transaction& transaction, lmdb::table meta) {
  const std::string doing = "reading how far the index of streams goes";
  std::string_view stored;
  const int code = transaction.get(meta, meta_key::folded_to, stored);
  if (code == MDB_NOTFOUND) return std::uint64_t{0};
  return code != 0 ? lmdb::to_error(code, doing) : unsealed_number(meta_key::folded_to, stored, doing);
}

std::string new_journal_id() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) id += fmt::format("{:08x}", static_cast<std::uint32_t>(random()));
  return id;
}

result<std::uint64_t> last_position(lmdb::environment& journal) {
  result<std::uint64_t> position = std::uint64_t{0};
  auto looked = journal.with_tables(false, [&](lmdb::transaction& transaction) -> result<void> {
    journal_tables tables;
    int code = transaction.open_table("events", MDB_INTEGERKEY, tables.events);
    if (code == MDB_NOTFOUND) return {};
    if (code == 0) code = transaction.open_table("removed", MDB_INTEGERKEY, tables.removed);
    if (code == 0 || code == MDB_NOTFOUND) {
      position = last_position(transaction, tables);
      return {};
    }
    return lmdb::to_error(code, fmt::format("opening the tables of '{}'", journal.directory().string()));
  });
  return looked ? std::move(position) : std::move(looked).error();
}

}  // namespace tyto
