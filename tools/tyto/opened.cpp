#include "opened.hpp"

namespace tyto::tool {

result<storage> open_for_reading(const std::filesystem::path& directory) {
  return open_lmdb({.path = directory, .read_only = true});
}

result<storage> open_for_writing(const std::filesystem::path& directory) {
  // A writer would create what is missing, and a misspelt name would become a storage.
  if (auto there = describe(directory); !there) return std::move(there).error();
  return open_lmdb({.path = directory});
}

}  // namespace tyto::tool
