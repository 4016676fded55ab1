#include "lmdb/old_index.hpp"

#include <fmt/format.h>

#include <cstring>
#include <limits>

namespace tyto {
namespace {

constexpr std::size_t number_bytes = sizeof(std::uint64_t);

}  // namespace

old_index_reader::old_index_reader(const lmdb::transaction& transaction, lmdb::table streams,
                                   std::string_view persistence_id, std::uint64_t complete_to)
    : cursor_(transaction, streams), key_(persistence_id), complete_to_(complete_to) {}

error old_index_reader::failure(int code) const {
  return lmdb::to_error(code, fmt::format("looking up the stream {}", key_.persistence_id()));
}

std::vector<std::uint64_t> old_index_reader::positions_in(std::string_view value) {
  std::vector<std::uint64_t> positions(value.size() % number_bytes == 0 ? value.size() / number_bytes : 0);
  if (!positions.empty()) std::memcpy(positions.data(), value.data(), value.size());
  return positions;
}

// Returns the entry where the cursor has arrived, if it is one of the stream's. One that was written early comes last.
result<stream_positions> old_index_reader::shown(int code) const {
  if (code == MDB_NOTFOUND) return stream_positions{};
  if (code != 0) return failure(code);
  if (!key_.is_sibling(cursor_.key())) return stream_positions{};
  auto positions = positions_in(cursor_.value());
  if (positions.empty()) {
    return error{errc::damaged, fmt::format("looking up the stream {}", key_.persistence_id()),
                 fmt::format("an index entry has {} bytes", cursor_.value().size())};
  }
  if (positions.front() > complete_to_) return stream_positions{};
  return stream_positions{stream_key::number_in(cursor_.key()), std::move(positions)};
}

result<stream_positions> old_index_reader::seek_below(std::uint64_t from) {
  key_.set(from);
  const int code = cursor_.seek(key_.bytes(), MDB_SET_RANGE);
  if (code != 0 && code != MDB_NOTFOUND) return failure(code);
  return shown(cursor_.move(code == MDB_NOTFOUND ? MDB_LAST : MDB_PREV));
}

result<last_event> old_index_reader::last() {
  auto last = seek_below(std::numeric_limits<std::uint64_t>::max());
  if (last && last->empty()) last = shown(cursor_.move(MDB_PREV));  // before an early one
  if (!last) return std::move(last).error();
  return last->empty() ? last_event{} : last_event{last->end() - 1, last->positions.back()};
}

result<stream_positions> old_index_reader::seek(std::uint64_t from) {
  auto below = seek_below(from);
  if (!below || (!below->empty() && from < below->end())) return below;
  key_.set(from);
  return shown(cursor_.seek(key_.bytes(), MDB_SET_RANGE));
}

result<stream_positions> old_index_reader::next() { return shown(cursor_.move(MDB_NEXT)); }

}  // namespace tyto
