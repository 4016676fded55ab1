#include "stream_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <mutex>

namespace tyto {
namespace {

constexpr std::size_t number_bytes = sizeof(std::uint64_t);

void put_big_endian(char* to, std::uint64_t number) {
  number = __builtin_bswap64(number);
  std::memcpy(to, &number, sizeof number);
}

std::uint64_t get_big_endian(const char* from) {
  std::uint64_t number = 0;
  std::memcpy(&number, from, sizeof number);
  return __builtin_bswap64(number);
}

std::string entry_key(std::string_view persistence_id, std::uint64_t first) {
  std::string key;
  key.reserve(persistence_id.size() + 1 + number_bytes);
  key.append(persistence_id).append(1 + number_bytes, '\0');
  put_big_endian(key.data() + persistence_id.size() + 1, first);
  return key;
}

std::uint64_t count_of(std::string_view positions) { return positions.size() / number_bytes; }

}  // namespace

bool stream_runs::add(std::string_view persistence_id, std::uint64_t sequence_number, std::uint64_t position) {
  auto found = runs_.find(persistence_id);
  if (found == runs_.end()) {
    found = runs_.emplace(persistence_id, stream_run{sequence_number, {}}).first;
  } else if (sequence_number != found->second.version() + 1) {
    return false;
  }
  found->second.positions.push_back(position);
  ++events_;
  return true;
}

void stream_runs::add(const std::string& persistence_id, const stream_run& following) {
  auto& run = runs_.try_emplace(persistence_id, stream_run{following.first, {}}).first->second;
  run.positions.insert(run.positions.end(), following.positions.begin(), following.positions.end());
  events_ += following.positions.size();
}

const stream_run* stream_runs::find(std::string_view persistence_id) const {
  const auto found = runs_.find(persistence_id);
  return found == runs_.end() ? nullptr : &found->second;
}

stream_tail::part stream_tail::copy(std::string_view persistence_id, std::uint64_t from_sequence_number) const {
  const std::shared_lock lock{mutex_};
  const auto* run = runs_.find(persistence_id);
  if (run == nullptr) return {};
  part copied{run->version(), {std::max(run->first, from_sequence_number), {}}};
  if (from_sequence_number <= copied.version) {
    const auto skipped = static_cast<std::ptrdiff_t>(copied.run.first - run->first);
    copied.run.positions.assign(run->positions.begin() + skipped, run->positions.end());
  }
  return copied;
}

void stream_tail::add(const stream_runs& batch, std::uint64_t position) {
  const std::unique_lock lock{mutex_};
  for (const auto& [id, run] : batch) runs_.add(id, run);
  indexed_to_ = position;
}

bool stream_tail::add(std::string_view persistence_id, std::uint64_t sequence_number, std::uint64_t position) {
  const std::unique_lock lock{mutex_};
  if (!runs_.add(persistence_id, sequence_number, position)) return false;
  indexed_to_ = position;
  return true;
}

void stream_tail::clear(std::uint64_t folded_to) {
  const std::unique_lock lock{mutex_};
  runs_.clear();
  folded_to_ = indexed_to_ = folded_to;
}

std::uint64_t stream_tail::events() const {
  const std::shared_lock lock{mutex_};
  return runs_.events();
}

std::uint64_t stream_tail::folded_to() const {
  const std::shared_lock lock{mutex_};
  return folded_to_;
}

std::uint64_t stream_tail::indexed_to() const {
  const std::shared_lock lock{mutex_};
  return indexed_to_;
}

int stream_tail::fold(lmdb::transaction& transaction, lmdb::table streams, const stream_runs& batch) const {
  const std::shared_lock lock{mutex_};
  struct entry {
    std::string_view id;
    const stream_run* first;
    const stream_run* rest;  // maybe null
  };
  std::vector<entry> entries;
  for (const auto& [id, run] : runs_) entries.push_back({id, &run, batch.find(id)});
  for (const auto& [id, run] : batch) {
    if (runs_.find(id) == nullptr) entries.push_back({id, &run, nullptr});
  }
  std::ranges::sort(entries, {}, &entry::id);

  lmdb::cursor cursor{transaction, streams};
  const auto bytes_of = [](const stream_run& run) { return run.positions.size() * number_bytes; };
  for (const auto& [id, first, rest] : entries) {
    const auto size = bytes_of(*first) + (rest != nullptr ? bytes_of(*rest) : 0);
    char* room = nullptr;
    if (const int code = cursor.reserve(entry_key(id, first->first), size, MDB_NOOVERWRITE, room); code != 0) {
      return code;
    }
    std::memcpy(room, first->positions.data(), bytes_of(*first));
    if (rest != nullptr) std::memcpy(room + bytes_of(*first), rest->positions.data(), bytes_of(*rest));
  }
  return 0;
}

stream_entries::stream_entries(const lmdb::transaction& transaction, lmdb::table streams,
                               std::string_view persistence_id)
    : cursor_(transaction, streams), key_(entry_key(persistence_id, 0)), prefix_bytes_(persistence_id.size() + 1) {}

std::string_view stream_entries::key(std::uint64_t first) {
  put_big_endian(key_.data() + prefix_bytes_, first);
  return key_;
}

error stream_entries::failure(int code) const {
  return lmdb::to_error(code, fmt::format("looking up the stream {}", key_.substr(0, prefix_bytes_ - 1)));
}

bool stream_entries::belongs() const {
  const auto found = cursor_.key();
  return found.size() == key_.size() &&
         found.substr(0, prefix_bytes_) == std::string_view{key_}.substr(0, prefix_bytes_);
}

result<stream_entries::entry> stream_entries::current(int code) const {
  if (code == MDB_NOTFOUND) return entry{};
  if (code != 0) return failure(code);
  if (!belongs()) return entry{};
  const auto positions = cursor_.value();
  if (positions.empty() || positions.size() % number_bytes != 0) {
    return error{errc::damaged, fmt::format("looking up the stream {}", key_.substr(0, prefix_bytes_ - 1)),
                 fmt::format("an index entry has {} bytes", positions.size())};
  }
  return entry{get_big_endian(cursor_.key().data() + prefix_bytes_), positions};
}

result<stream_entries::entry> stream_entries::seek_below(std::uint64_t from) {
  const int code = cursor_.seek(key(from), MDB_SET_RANGE);
  if (code != 0 && code != MDB_NOTFOUND) return failure(code);
  return current(cursor_.move(code == MDB_NOTFOUND ? MDB_LAST : MDB_PREV));
}

result<std::uint64_t> stream_entries::version() {
  auto last = seek_below(std::numeric_limits<std::uint64_t>::max());
  if (!last) return std::move(last).error();
  return last->positions.empty() ? std::uint64_t{0} : last->first + count_of(last->positions) - 1;
}

result<stream_entries::entry> stream_entries::seek(std::uint64_t from) {
  auto below = seek_below(from);
  if (!below) return below;
  if (!below->positions.empty() && from - below->first < count_of(below->positions)) return below;
  return current(cursor_.seek(key(from), MDB_SET_RANGE));
}

result<stream_entries::entry> stream_entries::next() { return current(cursor_.move(MDB_NEXT)); }

}  // namespace tyto
