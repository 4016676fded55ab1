#include "lmdb/run_reader.hpp"

#include <fmt/format.h>

#include <limits>

namespace tyto {

error run_reader::failure(int code) const {
  return lmdb::to_error(code, fmt::format("looking up the stream {}", key_.name()));
}

error run_reader::damaged() const {
  return {errc::damaged, fmt::format("looking up the stream {}", key_.name()),
          "an index entry is damaged: look for what else is with tyto::verify()"};
}

std::optional<packed_positions> run_reader::unpacked() const {
  const auto packed = packed_positions::unpack(cursor_.key(), cursor_.value());
  return packed && packed->first > after_ && packed->last <= up_to_ ? packed : std::nullopt;
}

result<void> run_reader::check_neighbour(int code) const {
  if (code == MDB_NOTFOUND) return {};
  if (code != 0) return failure(code);
  if (!run_key::is_entry(cursor_.key())) return {};  // a piece of the filter
  return unpacked() ? result<void>{} : damaged();
}

// Returns the entry where the cursor has arrived, if it is one of the name's.
result<stream_positions> run_reader::shown(int code) const {
  const bool is_ours = code == 0 && key_.is_sibling(cursor_.key());
  if (!is_ours) {
    auto whole = check_neighbour(code);
    return whole ? result<stream_positions>{stream_positions{}} : std::move(whole).error();
  }
  const auto packed = unpacked();
  if (!packed) return damaged();
  return stream_positions{run_key::parse(cursor_.key())->number, packed->positions()};
}

result<last_event> run_reader::last() {
  key_.set(std::numeric_limits<std::uint64_t>::max());
  int code = cursor_.seek(key_.bytes(), MDB_SET_RANGE);
  if (auto whole = check_neighbour(code); !whole) return std::move(whole).error();
  code = cursor_.move(code == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
  if (code != 0 || !key_.is_sibling(cursor_.key())) {
    auto whole = check_neighbour(code);
    return whole ? result<last_event>{last_event{}} : std::move(whole).error();
  }
  const auto packed = unpacked();
  if (!packed) return damaged();
  return last_event{run_key::parse(cursor_.key())->number + packed->count - 1, packed->last};
}

result<stream_positions> run_reader::seek(std::uint64_t from) {
  key_.set(from);
  const int code = cursor_.seek(key_.bytes(), MDB_SET_RANGE);
  if (code == 0 && cursor_.key() == key_.bytes()) return shown(code);
  if (auto whole = check_neighbour(code); !whole) return std::move(whole).error();
  auto below = shown(cursor_.move(code == MDB_NOTFOUND ? MDB_LAST : MDB_PREV));
  if (!below || (!below->empty() && from < below->end())) return below;
  if (code == MDB_NOTFOUND) return stream_positions{};
  return shown(cursor_.seek(key_.bytes(), MDB_SET_RANGE));
}

result<stream_positions> run_reader::next() { return shown(cursor_.move(MDB_NEXT)); }

}  // namespace tyto
