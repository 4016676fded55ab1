// The storage that a command works on.
#pragma once

#include "commands.hpp"
#include "tyto/lmdb_store.hpp"
#include "tyto/storage.hpp"

namespace tyto::tool {

/// Opens the storage for reading, also beside a writer.
result<storage> open_for_reading(const std::filesystem::path& directory);

/// Opens a storage that is there for writing; errc::locked while a program runs on it.
result<storage> open_for_writing(const std::filesystem::path& directory);

}  // namespace tyto::tool
