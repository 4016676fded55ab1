// What an environment says of itself in its table `meta`: that it is ours, in which format, and which journal it is or
// was derived from. Written when an environment is created, checked whenever one is opened.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lmdb/lmdb.hpp"
#include "tyto/clock.hpp"
#include "tyto/result.hpp"

namespace tyto {

namespace meta_key {
inline constexpr std::string_view kind = "kind";
inline constexpr std::string_view format = "format";          // u32
inline constexpr std::string_view journal_id = "journal_id";  // 32 hexadecimal digits
inline constexpr std::string_view created = "created";        // i64, microseconds since 1970, UTC
inline constexpr std::string_view checksum = "checksum";      // u64, of the entries above
inline constexpr std::string_view folded_to = "folded_to";    // u64, sealed; of format 1
inline constexpr std::string_view runs = "runs";              // which runs make up the index, see run_catalog.hpp
}  // namespace meta_key

inline constexpr std::string_view journal_kind = "tyto journal";
inline constexpr std::string_view read_models_kind = "tyto read models";

/// The formats that this version writes; newer ones are refused.
inline constexpr std::uint32_t journal_format = 2;
inline constexpr std::uint32_t read_models_format = 1;

/// Returns the journal id in an environment of `kind`, or nothing if the environment is new. Fails with errc::foreign,
/// errc::newer_format or errc::damaged.
result<std::optional<std::string>> read_journal_id(lmdb::environment& environment, std::string_view kind);

/// What an environment has said of itself since it was created.
struct store_identity {
  std::string journal_id;
  std::uint32_t format = 0;
  timestamp created;
};
/// Returns it; fails like read_journal_id(), and with errc::invalid_argument if the environment is new.
result<store_identity> read_identity(lmdb::environment& environment, std::string_view kind);

/// Makes a new environment one of `kind`.
result<void> write_meta(lmdb::environment& environment, std::string_view kind, const std::string& journal_id);

/// Raises an older journal to the format that this version writes, durably, before anything of that format is written.
result<void> raise_format(lmdb::environment& journal);

/// Returns an environment's format.
result<std::uint32_t> read_format(const lmdb::transaction& transaction, lmdb::table meta);

/// Returns the position up to which the index of a journal of format 1 is complete.
result<std::uint64_t> read_folded_to(const lmdb::transaction& transaction, lmdb::table meta);

/// Returns a random journal id.
std::string new_journal_id();

/// Returns the journal's last position, as the environment shows it, also if its event was removed; 0 if there was
/// none.
result<std::uint64_t> last_position(lmdb::environment& journal);

}  // namespace tyto
