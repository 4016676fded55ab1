// What every store refuses before it stores anything, so that all of them refuse the same. The limits are those of the
// stored form, see record.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tyto/event_store.hpp"
#include "tyto/read_model_store.hpp"
#include "tyto/snapshot_store.hpp"

namespace tyto {

/// The longest string of an event's metadata, and the largest number of tags.
inline constexpr std::size_t max_field_bytes = 0xffff;

/// The largest stored event, all in all, and the largest value of a row or snapshot: just under 2 GiB. LMDB writes such
/// a value and 16 bytes of its own in one call, and Linux writes less than 2 GiB at a time, whole memory pages of at
/// most 64 KiB.
inline constexpr std::uint64_t max_record_bytes = 0x7fff'0000 - 16;

/// The longest name of a checkpoint or a read model; both become keys in LMDB.
inline constexpr std::size_t max_name_bytes = 500;

/// Fails with errc::invalid_argument if `write` can never be stored: its stream's name, no events, too long fields.
result<void> check_write(const stream_write& write);

/// Fails with errc::invalid_argument unless `name` can name a checkpoint or a read model.
result<void> check_name(std::string_view name);

/// Says that `what`, which takes `bytes`, is too large to be stored.
error too_large(std::uint64_t bytes, std::string_view what, std::string doing);
/// Fails with too_large() if it is; `doing` makes the text of what failed.
template <class Doing>
result<void> check_size(std::uint64_t bytes, std::string_view what, const Doing& doing) {
  return bytes <= max_record_bytes ? result<void>{} : result<void>{too_large(bytes, what, doing())};
}

/// Fails with errc::invalid_argument unless `changes` can be committed to the read model `name`.
result<void> check_commit(std::string_view name, const row_changes& changes);

/// Fails with errc::invalid_argument unless `saved` can be stored.
result<void> check_snapshot(const snapshot& saved);

/// Fails with errc::conflict or errc::closed if the stream does not take `write` as it is now, or with
/// errc::invalid_argument if it has not so many events as are to be truncated.
result<void> check_stream(const stream_write& write, const stream_info& now);

/// Returns whether `why` concerns one write alone, so that the others of its batch can be stored.
inline bool is_refusal(const error& why) {
  return why.code() == errc::conflict || why.code() == errc::closed || why.code() == errc::invalid_argument;
}

/// Applies `change`, which check_stream() has let pass, to what is known of a stream.
void retain(stream_info& known, const retention& change);

/// Fills in what append() owes to the events of `write`; `version` is that of the stream before them, `head` the last
/// position before them.
void number_events(stream_write& write, std::uint64_t version, std::uint64_t head);

}  // namespace tyto
