// The index of streams as docs/storage-format.md describes it, read and changed with LMDB alone: what the tests look at
// that want to see, or to damage, how it lies on the disk.
#pragma once

#include <xxhash.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lmdb_support.hpp"

namespace tyto::test {

struct raw_run {
  std::string table;
  int level = 0;
  bool is_complete = false;
  std::uint32_t filter_blocks = 0;
  std::uint64_t after = 0;
  std::uint64_t up_to = 0;
};

template <class Number>
Number number_at(const std::string& bytes, std::size_t at) {
  Number number{};
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

inline std::string bytes_of(std::uint64_t number) { return {reinterpret_cast<const char*>(&number), sizeof number}; }

inline std::uint64_t hash_of(const std::string& bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

/// Returns the value of `key`, sealed like the small values of a journal.
inline std::string with_seal(const std::string& key, const std::string& bytes) {
  return bytes + bytes_of(XXH3_64bits_withSeed(bytes.data(), bytes.size(), hash_of(key)));
}

/// Returns the entry's value of a run.
inline std::string with_entry_seal(const std::string& key, const std::string& bytes) {
  return bytes + bytes_of(XXH3_64bits_withSeed(bytes.data(), bytes.size(), hash_of(key))).substr(0, 4);
}

inline std::vector<raw_run> raw_runs(const std::filesystem::path& journal) {
  std::vector<raw_run> runs;
  const auto stored = raw_value(journal, "meta", "runs");
  for (std::size_t at = 0; at + 24 < stored.size(); at += 24) {
    const auto slot = static_cast<unsigned char>(stored[at]);
    std::string table = "streams";
    if (slot != 0xff) table = slot < 10 ? "run0" + std::to_string(slot) : "run" + std::to_string(slot);
    runs.push_back({table, static_cast<unsigned char>(stored[at + 1]), stored[at + 2] == 1,
                    number_at<std::uint32_t>(stored, at + 4), number_at<std::uint64_t>(stored, at + 8),
                    number_at<std::uint64_t>(stored, at + 16)});
  }
  return runs;
}

inline std::uint64_t raw_folded_to(const std::filesystem::path& journal) {
  std::uint64_t folded_to = 0;
  for (const auto& run : raw_runs(journal)) {
    if (run.is_complete) folded_to = run.up_to;
  }
  return folded_to;
}

inline std::map<std::string, std::string> raw_table(const std::filesystem::path& environment,
                                                    const std::string& table) {
  std::map<std::string, std::string> all;
  with_raw_table(environment, table.c_str(), 0, [&](MDB_txn* txn, MDB_dbi dbi) {
    MDB_cursor* cursor = nullptr;
    MDB_val key{};
    MDB_val value{};
    if (mdb_cursor_open(txn, dbi, &cursor) != 0) throw std::runtime_error("no cursor");
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
      all[{static_cast<const char*>(key.mv_data), key.mv_size}] = {static_cast<const char*>(value.mv_data),
                                                                   value.mv_size};
    }
    mdb_cursor_close(cursor);
  });
  return all;
}

inline bool is_entry_key(const std::string& key) { return key.size() > 16; }
inline std::string name_in(const std::string& key) { return key.substr(8, key.size() - 17); }
inline std::uint64_t number_in_key(const std::string& key) {
  return __builtin_bswap64(number_at<std::uint64_t>(key, key.size() - 8));
}

/// Returns the positions in an entry's value.
inline positions positions_in_entry(const std::string& value) {
  std::size_t at = 0;
  const auto number = [&] {
    std::uint64_t all = 0;
    for (unsigned bits = 0;; bits += 7) {
      const auto byte = static_cast<unsigned char>(value.at(at++));
      all |= static_cast<std::uint64_t>(byte & 0x7f) << bits;
      if (byte < 0x80) return all;
    }
  };
  positions all(number());
  std::uint64_t position = 0;
  for (auto& each : all) each = position += number();
  return all;
}

/// The entries of all complete runs: table, name and first number, and the positions.
struct raw_entry {
  std::string table;
  std::string key;
  positions places;
};
inline std::vector<raw_entry> raw_entries(const std::filesystem::path& journal) {
  std::vector<raw_entry> entries;
  for (const auto& run : raw_runs(journal)) {
    if (!run.is_complete || run.table == "streams") continue;
    for (const auto& [key, value] : raw_table(journal, run.table)) {
      if (is_entry_key(key)) entries.push_back({run.table, key, positions_in_entry(value)});
    }
  }
  return entries;
}

/// Returns the newest entry of a stream.
inline raw_entry raw_entry_of(const std::filesystem::path& journal, const std::string& id) {
  raw_entry found;
  for (const auto& each : raw_entries(journal)) {
    if (name_in(each.key) == id) found = each;
  }
  if (found.key.empty()) throw std::runtime_error("no entry of " + id);
  return found;
}

inline std::string entry_key(const std::string& id, std::uint64_t number) {
  return bytes_of(__builtin_bswap64(hash_of(id))) + id + '\0' + bytes_of(__builtin_bswap64(number));
}

}  // namespace tyto::test
