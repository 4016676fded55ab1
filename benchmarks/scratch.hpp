// A directory for one measurement, and the storage in it. A signal removes it, too.
#pragma once

#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>

#include "measurement.hpp"
#include "tyto/lmdb_store.hpp"

namespace bench {

class scratch {
 public:
  scratch() {
    // Not in /tmp, which may be memory: what is measured is a disk.
    auto pattern = (std::filesystem::current_path() / "tyto_bench-XXXXXX").string();
    const std::lock_guard lock{all().mutex};  // before the directory is there, or a signal would not find it
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a directory in the current one");
    path_ = pattern;
    all().paths.insert(path_);
  }
  ~scratch() {
    const std::lock_guard lock{all().mutex};
    remove(path_);
    all().paths.erase(path_);
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] tyto::storage open(const settings& how,
                                   std::uint64_t map_bytes = tyto::lmdb_options{}.map_bytes) const {
    tyto::lmdb_options options;
    options.map_bytes = map_bytes;
    options.path = path_ / "tyto";
    options.mode = how.durability;
    return tyto::open_lmdb(options).value();
  }

  /// Removes every directory that is in use, and keeps others from being given up: the caller ends the program.
  static void remove_all_for_good() {
    all().mutex.lock();
    for (const auto& each : all().paths) remove(each);
  }

 private:
  struct directories {
    std::mutex mutex;
    std::set<std::filesystem::path> paths;
  };
  static directories& all() {
    static auto* const instance = new directories;  // never destroyed: the program may end at any time
    return *instance;
  }

  // Whoever still writes there may add a file meanwhile.
  static void remove(const std::filesystem::path& path) {
    std::error_code failed;
    for (int attempt = 0; attempt < 100; ++attempt) {
      std::filesystem::remove_all(path, failed);
      if (!std::filesystem::exists(path, failed)) return;
    }
  }

  std::filesystem::path path_;
};

}  // namespace bench
