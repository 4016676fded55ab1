// Where in a storage directory what lies, and how many tables it may have.
#pragma once

#include <cstddef>
#include <filesystem>

namespace tyto {

inline constexpr std::size_t run_tables_max = 64;
inline constexpr unsigned journal_tables_max = 8 + run_tables_max;
inline constexpr unsigned read_models_max = 1024;

inline std::filesystem::path journal_in(const std::filesystem::path& directory) { return directory / "journal"; }
inline std::filesystem::path read_models_in(const std::filesystem::path& directory) {
  return directory / "read_models";
}

}  // namespace tyto
