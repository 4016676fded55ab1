// What the tests of the store in LMDB share: the store's files as raw LMDB, and other processes.
#pragma once

#include <lmdb.h>
#include <stdio.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <sstream>
#include <stdexcept>

#include "store_support.hpp"

namespace tyto::test {

/// Runs store_program and returns what it printed.
inline std::string run_store_program(const std::string& verb, const std::filesystem::path& directory,
                                     const std::string& stream, int events = 1, int fold_events = 3) {
  const auto command = std::string{TYTO_STORE_PROGRAM} + " " + verb + " '" + directory.string() + "' '" + stream +
                       "' " + std::to_string(events) + " " + std::to_string(fold_events);
  FILE* output = ::popen(command.c_str(), "r");
  if (output == nullptr) throw std::runtime_error("cannot run " + command);
  std::string text;
  std::array<char, 256> part{};
  while (std::fgets(part.data(), part.size(), output) != nullptr) text += part.data();
  ::pclose(output);
  return text;
}

/// Calls `change` in a transaction on one table of an LMDB environment, which nobody else may have open.
inline void with_raw_table(const std::filesystem::path& environment, const char* table, unsigned flags,
                           const std::function<void(MDB_txn*, MDB_dbi)>& change) {
  const auto check = [](int code) {
    if (code != 0) throw std::runtime_error(mdb_strerror(code));
  };
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  MDB_dbi dbi = 0;
  check(mdb_env_create(&env));
  check(mdb_env_set_maxdbs(env, 16));
  check(mdb_env_set_mapsize(env, std::size_t{1} << 30));
  check(mdb_env_open(env, environment.c_str(), 0, 0644));
  check(mdb_txn_begin(env, nullptr, 0, &txn));
  check(mdb_dbi_open(txn, table, flags, &dbi));
  change(txn, dbi);
  check(mdb_txn_commit(txn));
  mdb_env_close(env);
}

/// Changes the stored form of the event at `position`.
inline void change_record(const std::filesystem::path& store, std::uint64_t position,
                          const std::function<void(std::string&)>& change) {
  with_raw_table(store / "journal", "events", MDB_INTEGERKEY, [&](MDB_txn* txn, MDB_dbi dbi) {
    MDB_val key{sizeof position, &position};
    MDB_val value{};
    if (mdb_get(txn, dbi, &key, &value) != 0) throw std::runtime_error("no such event");
    std::string bytes{static_cast<const char*>(value.mv_data), value.mv_size};
    change(bytes);
    value = {bytes.size(), bytes.data()};
    if (mdb_put(txn, dbi, &key, &value, 0) != 0) throw std::runtime_error("cannot change the event");
  });
}

inline void put_raw(const std::filesystem::path& environment, const char* table, std::string key, std::string value) {
  with_raw_table(environment, table, MDB_CREATE, [&](MDB_txn* txn, MDB_dbi dbi) {
    MDB_val k{key.size(), key.data()};
    MDB_val v{value.size(), value.data()};
    if (mdb_put(txn, dbi, &k, &v, 0) != 0) throw std::runtime_error("cannot put");
  });
}

inline std::string raw_value(const std::filesystem::path& environment, const char* table, std::string key) {
  std::string value;
  with_raw_table(environment, table, 0, [&](MDB_txn* txn, MDB_dbi dbi) {
    MDB_val k{key.size(), key.data()};
    MDB_val v{};
    if (mdb_get(txn, dbi, &k, &v) != 0) throw std::runtime_error("no such entry");
    value.assign(static_cast<const char*>(v.mv_data), v.mv_size);
  });
  return value;
}

inline void erase_raw(const std::filesystem::path& environment, const char* table, std::string key) {
  with_raw_table(environment, table, 0, [&](MDB_txn* txn, MDB_dbi dbi) {
    MDB_val k{key.size(), key.data()};
    if (mdb_del(txn, dbi, &k, nullptr) != 0) throw std::runtime_error("cannot erase");
  });
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ostringstream content;
  content << std::ifstream{path, std::ios::binary}.rdbuf();
  return content.str();
}

inline void write_file(const std::filesystem::path& path, std::string_view content) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream{path, std::ios::binary}.write(content.data(), static_cast<std::streamsize>(content.size()));
}

/// Returns every path below `directory`, to see that nothing came or went.
inline std::vector<std::string> list_files(const std::filesystem::path& directory) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{directory}) {
    paths.push_back(entry.path().lexically_relative(directory).string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace tyto::test
