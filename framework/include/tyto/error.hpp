// What went wrong in the infrastructure, as a value. Errors come out of stores, codecs and the runtime and travel in
// result<T> to whoever asked. The domain's "no" is a different thing: see rejection in decision.hpp.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tyto {

enum class errc {
  invalid_argument,    // the caller passed something that can never work
  conflict,            // the stream is not at the expected version
  overloaded,          // a queue is full, or there is no thread to be had; try again later
  timeout,             // no answer in time; the work may still be done
  stopped,             // the runtime or the store has been stopped
  handler_failed,      // a user's decide, evolve, react, project or query threw
  unknown_event_type,  // a stored event whose type nobody registered
  undecodable,         // bytes that are not what their type says
  missing_upcaster,    // a stored event of an older version from which no upcaster leads on
  closed,              // the stream takes no more events: it was closed or deleted
  truncated,           // events that are needed were removed on purpose
  damaged,             // a record whose checksum or structure is wrong
  newer_format,        // written by a newer version of Tyto
  foreign,             // not a file of Tyto, or one that belongs to another journal
  locked,              // another process or handle writes here
  full,                // the map or the disk is full
  permission,          // the operating system refuses access
  io,                  // any other failure of the operating system or of LMDB
};

/// Returns the stable name of `code`, for example "unknown_event_type".
std::string_view name(errc code);

/// The versions of a stream that did not match.
struct version_conflict {
  std::uint64_t actual = 0;  // the stream's last sequence number, 0 if it has no events
};

/// An infrastructure failure: a code for programs, a sentence for people, and what caused it. Cheap to copy.
class error {
 public:
  /// `doing` says what was attempted and on what ("appending to order|1042"), `detail` what was wrong and what to do.
  error(errc code, std::string doing, std::string detail = {});

  [[nodiscard]] errc code() const { return code_; }
  [[nodiscard]] const std::string& doing() const { return doing_; }
  [[nodiscard]] const std::string& detail() const { return detail_; }

  /// The failure below this one, or nullptr.
  [[nodiscard]] const error* cause() const { return cause_.get(); }

  /// Set when code() is errc::conflict and the store knows the stream's version.
  [[nodiscard]] const std::optional<version_conflict>& conflict() const { return conflict_; }

  /// Returns one line, printable(): what was being done, what was wrong, and every cause below it.
  [[nodiscard]] std::string message() const;

  /// Returns this error with `cause` below it.
  [[nodiscard]] error because(error cause) &&;
  /// Returns this error with the stream's actual version attached.
  [[nodiscard]] error with(version_conflict conflict) &&;

 private:
  errc code_;
  std::string doing_;
  std::string detail_;
  std::optional<version_conflict> conflict_;
  std::shared_ptr<const error> cause_;
};

}  // namespace tyto
