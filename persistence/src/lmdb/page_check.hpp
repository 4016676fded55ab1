// Whether the pages of one of a storage's two data files are sound, and its tables those that it must have. What
// verify() begins with, and an opening for writing after its last writer did not end in order.
#pragma once

#include <filesystem>

#include "lmdb/finding_list.hpp"
#include "lmdb/page_file.hpp"
#include "tyto/result.hpp"

namespace tyto {

enum class storage_part : std::uint8_t { journal, read_models };

/// Adds to `found` what is wrong with the pages that `meta` leads to. Returns what there is. Nobody may overwrite them
/// meanwhile. Fails if the file cannot be read.
result<verified_file> check_pages(const lmdb::page_file& file, const lmdb::format::meta_page& meta, storage_part part,
                                  finding_list& found);

/// Fails with errc::damaged if the data file in `directory`, which nobody writes to, has damaged pages. Does nothing if
/// there is none.
result<void> check_pages(const std::filesystem::path& directory, storage_part part);

/// Says what to do about damaged pages.
std::string_view page_advice(storage_part part);

}  // namespace tyto
