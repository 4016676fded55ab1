#include "lmdb/store_meta.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "lmdb/stored_number.hpp"
#include "tyto/clock.hpp"

namespace tyto {
namespace {

template <class Number>
std::string_view bytes_of(const Number& number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

error foreign(const lmdb::environment& environment, std::string_view kind) {
  return {errc::foreign, fmt::format("opening '{}'", environment.directory().string()),
          fmt::format("an LMDB environment, but not of {}: choose another directory", kind)};
}

result<void> check_meta(const lmdb::environment& environment, const lmdb::transaction& transaction, lmdb::table meta,
                        std::string_view kind, std::string& journal_id) {
  std::string_view stored;
  if (transaction.get(meta, meta_key::kind, stored) != 0 || stored != kind) return foreign(environment, kind);
  std::uint32_t format = 0;
  if (transaction.get(meta, meta_key::format, stored) != 0 || stored.size() != sizeof format) {
    return foreign(environment, kind);
  }
  std::memcpy(&format, stored.data(), sizeof format);
  if (format > store_format) {
    return error{errc::newer_format, fmt::format("opening '{}'", environment.directory().string()),
                 fmt::format("it has format {}, this version of Tyto reads up to {}: use a newer version", format,
                             store_format)};
  }
  if (transaction.get(meta, meta_key::journal_id, stored) != 0) return foreign(environment, kind);
  journal_id = stored;
  return {};
}

// Opens a table and visits its entry at `op`, and those that follow if `onward`; a missing table has none.
template <class Visit>
result<void> visit_entries(lmdb::environment& environment, const char* name, unsigned flags, MDB_cursor_op op,
                           const Visit& visit_entry) {
  return environment.with_tables(false, [&](lmdb::transaction& transaction) -> result<void> {
    lmdb::table table = 0;
    int code = transaction.open_table(name, flags, table);
    if (code == 0) {
      lmdb::cursor entries{transaction, table};
      for (code = entries.move(op); code == 0 && visit_entry(entries); code = entries.move(MDB_NEXT)) continue;
    }
    if (code == 0 || code == MDB_NOTFOUND) return {};
    return lmdb::to_error(code, fmt::format("reading the table {} of '{}'", name, environment.directory().string()));
  });
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

result<void> write_meta(lmdb::environment& environment, std::string_view kind, const std::string& journal_id) {
  return environment.with_tables(true, [&](lmdb::transaction& transaction) -> result<void> {
    const std::int64_t created_us = system_clock()->now().time_since_epoch().count();
    lmdb::table meta = 0;
    int code = transaction.open_table("meta", MDB_CREATE, meta);
    if (code == 0) code = transaction.put(meta, meta_key::kind, kind);
    if (code == 0) code = transaction.put(meta, meta_key::format, bytes_of(store_format));
    if (code == 0) code = transaction.put(meta, meta_key::journal_id, journal_id);
    if (code == 0) code = transaction.put(meta, meta_key::created, bytes_of(created_us));
    if (code == 0) return {};
    return lmdb::to_error(code, fmt::format("creating '{}'", environment.directory().string()));
  });
}

std::string new_journal_id() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) id += fmt::format("{:08x}", static_cast<std::uint32_t>(random()));
  return id;
}

result<std::uint64_t> last_position(lmdb::environment& journal) {
  std::uint64_t position = 0;
  auto visited = visit_entries(journal, "events", MDB_INTEGERKEY, MDB_LAST, [&](const lmdb::cursor& event) {
    position = number_in(event.key());
    return false;
  });
  if (!visited) return std::move(visited).error();
  visited = visit_entries(journal, "removed", MDB_INTEGERKEY, MDB_LAST, [&](const lmdb::cursor& range) {
    position = std::max(position, number_in(range.key()) + number_in(range.value()) - 1);
    return false;
  });
  if (!visited) return std::move(visited).error();
  return position;
}

result<std::uint64_t> last_checkpoint(lmdb::environment& read_models) {
  std::uint64_t position = 0;
  auto visited = visit_entries(read_models, "checkpoints", 0, MDB_FIRST, [&](const lmdb::cursor& entry) {
    position = std::max(position, number_in(entry.value()));
    return true;
  });
  if (!visited) return std::move(visited).error();
  return position;
}

}  // namespace tyto
