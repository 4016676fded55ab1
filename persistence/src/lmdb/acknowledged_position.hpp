// The file `journal.head`: up to which position appends have been acknowledged. LMDB keeps no such thing. If its newest
// meta page is lost or damaged, it takes the one before, and the journal looks whole without its last commit; likewise
// if an older copy takes the journal's place.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lmdb/lmdb.hpp"
#include "tyto/result.hpp"

namespace tyto {

class acknowledged_position {
 public:
  /// What a journal has lost, and what to do about it.
  struct loss {
    std::string what;
    std::string advice;
  };

  /// Returns what the file in the storage `directory` holds, for find_loss(); nothing if there is none. For a journal
  /// that others write, read before opening it: its end only moves ahead.
  static std::string read(const std::filesystem::path& directory);
  /// Returns what the journal of that id in `directory`, which ends at `head`, has lost of what `held` says, if it has.
  static std::optional<loss> find_loss(const std::filesystem::path& directory, std::string_view held,
                                       std::string_view journal_id, std::uint64_t head);
  /// Fails with errc::damaged if it has lost anything.
  static result<void> check(const std::filesystem::path& directory, std::string_view held, std::string_view journal_id,
                            std::uint64_t head);

  /// Opens the file to write to it, and creates it if it is missing.
  static result<std::shared_ptr<acknowledged_position>> open(const std::filesystem::path& directory,
                                                             std::string journal_id);

  /// Puts on record that everything up to `position` is on the disk. Not synced itself: after the machine lost power
  /// the file may tell of an earlier position, never of a later one. Not synchronised.
  void advance(std::uint64_t position);

 private:
  acknowledged_position(lmdb::descriptor file, std::string journal_id)
      : file_(std::move(file)), journal_id_(std::move(journal_id)) {}

  lmdb::descriptor file_;
  std::string journal_id_;
  std::uint64_t position_ = 0;
};

}  // namespace tyto
