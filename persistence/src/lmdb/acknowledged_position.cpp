#include "lmdb/acknowledged_position.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "lmdb/sealed_value.hpp"

namespace tyto {
namespace {

constexpr std::size_t held_bytes = 2 * sizeof(std::uint64_t);  // the position and its checksum

std::filesystem::path file_in(const std::filesystem::path& directory) { return directory / "journal.head"; }

}  // namespace

std::string acknowledged_position::read(const std::filesystem::path& directory) {
  lmdb::descriptor file;
  std::string bytes(held_bytes, '\0');
  const bool is_open = lmdb::open_file(file_in(directory), O_RDONLY, file) == 0;
  const auto size = is_open ? ::pread(file.number(), bytes.data(), bytes.size(), 0) : 0;
  bytes.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return bytes;
}

std::optional<acknowledged_position::loss> acknowledged_position::find_loss(const std::filesystem::path& directory,
                                                                            std::string_view held,
                                                                            std::string_view journal_id,
                                                                            std::uint64_t head) {
  // What is not readable says nothing: the file may be another journal's, or its content lost with the power.
  if (held.size() != held_bytes) return {};
  const auto acknowledged = unsealed_number(journal_id, held, "");
  if (!acknowledged || *acknowledged <= head) return {};
  return loss{fmt::format("the journal ends at position {}, but appends up to {} have been acknowledged: its last "
                          "commits are lost, or an older copy has taken its place",
                          head, *acknowledged),
              fmt::format("restore a newer copy, or delete '{}' and read_models/ to go on without these events",
                          file_in(directory).string())};
}

result<void> acknowledged_position::check(const std::filesystem::path& directory, std::string_view held,
                                          std::string_view journal_id, std::uint64_t head) {
  auto lost = find_loss(directory, held, journal_id, head);
  if (!lost) return {};
  return error{errc::damaged, fmt::format("opening the storage in '{}'", directory.string()),
               fmt::format("{}; {}", lost->what, lost->advice)};
}

result<std::shared_ptr<acknowledged_position>> acknowledged_position::open(const std::filesystem::path& directory,
                                                                           std::string journal_id) {
  lmdb::descriptor file;
  if (const int code = lmdb::open_file(file_in(directory), O_RDWR | O_CREAT, file); code != 0) {
    return lmdb::to_error(code, fmt::format("opening '{}'", file_in(directory).string()));
  }
  return std::shared_ptr<acknowledged_position>{new acknowledged_position{std::move(file), std::move(journal_id)}};
}

void acknowledged_position::advance(std::uint64_t position) {
  if (position == position_) return;
  position_ = position;
  const auto bytes = sealed(journal_id_, position);
  // If it cannot be written, less is on record.
  [[maybe_unused]] const auto ignored = ::pwrite(file_.number(), bytes.data(), bytes.size(), 0);
}

}  // namespace tyto
