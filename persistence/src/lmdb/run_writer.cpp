#include "lmdb/run_writer.hpp"

#include <cstring>

namespace tyto {
namespace {

int put(lmdb::cursor& at, std::string_view key, std::string_view value, unsigned flags) {
  char* room = nullptr;
  const int code = at.reserve(key, value.size(), flags, room);
  if (code == 0) std::memcpy(room, value.data(), value.size());
  return code;
}

}  // namespace

run_writer::run_writer(lmdb::transaction& transaction, lmdb::table table, filter_shape shape)
    : cursor_(transaction, table), shape_(shape) {}

int run_writer::last(std::string_view& key, std::string_view& value) {
  key = {};
  int code = cursor_.move(MDB_LAST);
  // Pieces come with the entries behind them, so that only a finished run can end with one.
  while (code == 0 && !run_key::is_entry(cursor_.key())) code = cursor_.move(MDB_PREV);
  if (code != 0) return code == MDB_NOTFOUND ? 0 : code;
  key = cursor_.key();
  value = cursor_.value();
  return 0;
}

int run_writer::find_place() {
  if (has_place_) return 0;
  std::string_view key;
  std::string_view value;
  if (const int code = last(key, value); code != 0) return code;
  if (!key.empty()) {
    const auto parts = run_key::parse(key);
    if (!parts) return MDB_CORRUPTED;
    const auto piece = shape_.piece_of(parts->hash);
    const int code = cursor_.seek(shape_.key_of(piece), MDB_SET_KEY);
    if (code != 0 && code != MDB_NOTFOUND) return code;
    piece_.emplace(shape_, piece, code == 0 ? cursor_.value() : std::string_view{});
  }
  has_place_ = true;
  return 0;
}

// Begins the pieces from the next one on, and stores those in hand on the way.
int run_writer::begin_pieces(std::uint32_t up_to) {
  for (auto next = piece_ ? piece_->number() + 1 : 0; next <= up_to; ++next) {
    if (const int code = put_piece(true); code != 0) return code;
    piece_.emplace(shape_, next);
    // Its room, before the entries that it is for.
    if (const int code = put(cursor_, piece_->key(), piece_->value(false), MDB_APPEND); code != 0) return code;
  }
  return 0;
}

int run_writer::add(const run_key& key, std::uint64_t hash, const position_packer& positions) {
  int code = find_place();
  if (code == 0) code = begin_pieces(shape_.piece_of(hash));
  if (code != 0) return code;
  piece_->add(hash);
  const auto value = positions.value(key.bytes());
  ++entries_;
  bytes_ += key.bytes().size() + value.size();
  return put(cursor_, key.bytes(), value, MDB_APPEND);
}

int run_writer::put_piece(bool is_finished) {
  return piece_ ? put(cursor_, piece_->key(), piece_->value(is_finished), 0) : 0;
}

int run_writer::flush() { return put_piece(false); }

int run_writer::finish() {
  int code = find_place();
  if (code == 0) code = begin_pieces(shape_.pieces() - 1);
  return code == 0 ? put_piece(true) : code;
}

}  // namespace tyto
