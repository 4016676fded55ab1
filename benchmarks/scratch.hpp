// A directory for one measurement, and the storage in it.
#pragma once

#include <stdlib.h>

#include <filesystem>
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
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a directory in the current one");
    path_ = pattern;
  }
  ~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] tyto::storage open(const settings& how) const {
    tyto::lmdb_options options;
    options.path = path_ / "tyto";
    options.mode = how.durability;
    return tyto::open_lmdb(options).value();
  }

 private:
  std::filesystem::path path_;
};

}  // namespace bench
