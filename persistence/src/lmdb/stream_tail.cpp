#include "lmdb/stream_tail.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <mutex>

namespace tyto {
namespace {

constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint32_t chunk_streams = 1024;

// Writes the positions of a run, in as many entries as they take.
int write(run_writer& into, const stream_name& name, std::uint64_t first, const std::vector<std::uint64_t>& positions) {
  run_key key{name.id, name.hash, first};
  position_packer packer;
  for (const auto position : positions) {
    if (packer.add(position)) continue;
    if (const int code = into.add(key, name.hash, packer); code != 0) return code;
    key.set(first += packer.count());
    packer.clear();
    packer.add(position);
  }
  return into.add(key, name.hash, packer);
}

}  // namespace

std::size_t stream_runs::slot_of(const stream_name& name) const {
  const auto mask = slots_.size() - 1;
  for (auto slot = name.hash & mask;; slot = (slot + 1) & mask) {
    if (slots_[slot] == 0) return slot;
    const auto& candidate = streams_[slots_[slot] - 1];
    if (candidate.hash == name.hash && name_of(candidate) == name.id) return slot;
  }
}

void stream_runs::grow() {
  slots_.assign(std::max<std::size_t>(slots_.size() * 2, 16), 0);
  const auto mask = slots_.size() - 1;
  for (std::uint32_t i = 0; i < streams_.size(); ++i) {
    auto slot = streams_[i].hash & mask;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = i + 1;
  }
}

void stream_runs::keep_sorted() {
  sorted_.push_back(static_cast<std::uint32_t>(sorted_.size()));
  if (sorted_.size() % chunk_streams != 0) return;
  std::ranges::sort(sorted_.end() - chunk_streams, sorted_.end(), {}, [this](std::uint32_t i) { return order_of(i); });
}

stream_runs::stream& stream_runs::find_or_add(const stream_name& name, std::uint64_t first) {
  if (streams_.size() * 2 >= slots_.size()) grow();
  const auto slot = slot_of(name);
  if (slots_[slot] == 0) {
    auto& added = streams_.emplace_back();
    added.first = first;
    added.last = none;
    added.hash = name.hash;
    added.name_offset = names_.size();
    added.name_bytes = static_cast<std::uint32_t>(name.id.size());
    names_ += name.id;
    slots_[slot] = static_cast<std::uint32_t>(streams_.size());
    keep_sorted();
  }
  return streams_[slots_[slot] - 1];
}

bool stream_runs::add(const stream_name& name, std::uint64_t sequence_number) {
  auto& to = find_or_add(name, sequence_number);
  if (to.first + to.count != sequence_number) return false;
  links_.push_back(to.last);
  to.last = static_cast<std::uint32_t>(links_.size() - 1);
  ++to.count;
  return true;
}

void stream_runs::skip(std::uint64_t positions) { links_.insert(links_.end(), positions, none); }

void stream_runs::add(const stream_runs& following) {
  const auto offset = static_cast<std::uint32_t>(links_.size());
  for (const auto link : following.links_) links_.push_back(link == none ? none : link + offset);
  for (const auto& theirs : following.streams_) {
    auto& ours = find_or_add({following.name_of(theirs), theirs.hash}, theirs.first);
    auto earliest = theirs.last;
    while (following.links_[earliest] != none) earliest = following.links_[earliest];
    links_[offset + earliest] = ours.last;
    ours.last = offset + theirs.last;
    ours.count += theirs.count;
  }
}

const stream_runs::run* stream_runs::find(const stream_name& name) const {
  if (slots_.empty()) return nullptr;
  const auto slot = slot_of(name);
  return slots_[slot] == 0 ? nullptr : &streams_[slots_[slot] - 1];
}

void stream_runs::copy_positions(const run& of, std::uint64_t from, std::uint64_t* end) const {
  auto link = of.last;
  for (auto number = of.version(); number >= std::max(from, of.first); --number, link = links_[link]) {
    *--end = begin_ + link + 1;
  }
}

stream_runs::walk::walk(const stream_runs& over) : over_(&over) {
  // The last chunk is not full, so it has not been sorted yet: it is merged one by one.
  const auto end = static_cast<std::uint32_t>(over.sorted_.size());
  const auto full = end / chunk_streams * chunk_streams;
  for (std::uint32_t at = 0; at < full; at += chunk_streams) heads_.push_back({at, at + chunk_streams});
  for (auto at = full; at < end; ++at) heads_.push_back({at, at + 1});
  std::ranges::make_heap(heads_, std::greater{}, [this](const head& h) { return order_of(h); });
}

std::pair<stream_name, const stream_runs::run*> stream_runs::walk::next() {
  const auto order = [this](const head& h) { return order_of(h); };
  std::ranges::pop_heap(heads_, std::greater{}, order);
  auto& first = heads_.back();
  const auto& found = over_->streams_[over_->sorted_[first.at]];
  if (++first.at == first.end) {
    heads_.pop_back();
  } else {
    std::ranges::push_heap(heads_, std::greater{}, order);
  }
  return {stream_name{over_->name_of(found), found.hash}, &found};
}

stream_tail::part stream_tail::copy(const stream_name& stream, std::uint64_t from_sequence_number) const {
  const std::shared_lock lock{mutex_};
  const std::array<const stream_runs*, 3> places{folding_ ? &folding_->runs : nullptr, &active_, published_};
  std::array<const stream_runs::run*, 3> runs{};
  part copied;
  copied.withdrawn = withdrawn_;
  for (std::size_t i = 0; i < places.size(); ++i) {
    runs[i] = places[i] != nullptr ? places[i]->find(stream) : nullptr;
    if (runs[i] == nullptr) continue;
    if (copied.version == 0) copied.run.first = std::max(runs[i]->first, from_sequence_number);
    copied.version = runs[i]->version();
    if (places[i] != published_) copied.settled_version = copied.version;
  }
  if (runs.back() != nullptr) copied.published_end = published_->end_position();
  if (copied.version == 0 || copied.version < copied.run.first) return copied;
  auto& positions = copied.run.positions;
  positions.resize(copied.version - copied.run.first + 1);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i] == nullptr || runs[i]->version() < copied.run.first) continue;
    auto* const end = positions.data() + (runs[i]->version() - copied.run.first + 1);
    places[i]->copy_positions(*runs[i], copied.run.first, end);
  }
  return copied;
}

void stream_tail::part::limit_to(std::uint64_t head) {
  if (published_end <= head) return;
  version = settled_version;
  run.positions.resize(version == 0 || version < run.first ? 0 : version - run.first + 1);
}

std::uint64_t stream_tail::version(const stream_name& stream) const {
  const std::shared_lock lock{mutex_};
  if (const auto* run = active_.find(stream)) return run->version();
  const auto* run = folding_ ? folding_->runs.find(stream) : nullptr;
  return run == nullptr ? 0 : run->version();
}

void stream_tail::publish(const stream_runs& batch) {
  const std::unique_lock lock{mutex_};
  published_ = &batch;
}

void stream_tail::withdraw() {
  const std::unique_lock lock{mutex_};
  published_ = nullptr;
  ++withdrawn_;
}

std::uint64_t stream_tail::withdrawn() const {
  const std::shared_lock lock{mutex_};
  return withdrawn_;
}

bool stream_tail::add(const stream_name& stream, std::uint64_t sequence_number) {
  const std::unique_lock lock{mutex_};
  return active_.add(stream, sequence_number);
}

void stream_tail::skip_to(std::uint64_t position) {
  const std::unique_lock lock{mutex_};
  active_.skip(position - active_.end_position());
}

void stream_tail::clear(std::uint64_t folded_to) {
  const std::unique_lock lock{mutex_};
  folding_.reset();
  active_ = stream_runs{folded_to};
  folded_to_ = folded_to;
}

std::uint64_t stream_tail::folded_to() const {
  const std::shared_lock lock{mutex_};
  return folded_to_;
}

std::uint64_t stream_tail::indexed_to() const {
  const std::shared_lock lock{mutex_};
  return active_.end_position();
}

void stream_tail::begin_fold(std::uint64_t fold_events) {
  const std::unique_lock lock{mutex_};
  if (folding_ || active_.events() < fold_events) return;
  folding_ = std::make_unique<folding_generation>();
  folding_->runs = std::exchange(active_, stream_runs{active_.end_position()});
  folding_->rest = stream_runs::walk{folding_->runs};
  // Not more than two generations' worth in memory, or to be read when opening, also where every process that opens the
  // journal appends too little to end a fold.
  const auto events = folding_->runs.events();
  folding_->room = events < 2 * fold_events ? 2 * fold_events - events : 0;
  folding_->at_least = std::clamp<std::uint64_t>(fold_events / 2048, 1, 32);
}

std::uint64_t stream_tail::entries_due(const folding_generation& generation, std::uint64_t events) {
  if (events == 0) return 0;  // an append of checkpoints alone
  const auto half = generation.room / 2;
  if (events >= half) return generation.runs.streams();
  return std::max(generation.at_least, generation.runs.streams() * events / half + 1);
}

std::optional<stream_tail::folding> stream_tail::being_folded() const {
  const std::shared_lock lock{mutex_};
  if (!folding_) return std::nullopt;
  return folding{folding_->runs.streams(), folding_->runs.end_position()};
}

int stream_tail::fold(run_writer& into, std::uint64_t events, fold_step& step) const {
  const std::shared_lock lock{mutex_};
  auto& rest = step.rest.emplace(folding_->rest);
  std::vector<std::uint64_t> positions;
  for (auto due = entries_due(*folding_, events); due > 0 && !rest.at_end(); --due) {
    const auto [name, run] = rest.next();
    positions.resize(run->count);
    folding_->runs.copy_positions(*run, run->first, positions.data() + positions.size());
    if (const int code = write(into, name, run->first, positions); code != 0) return code;
  }
  return 0;
}

void stream_tail::settle(fold_step step) {
  std::unique_ptr<folding_generation> done;  // given up after the lock
  const std::unique_lock lock{mutex_};
  active_.add(*published_);
  published_ = nullptr;
  if (!step.rest) return;
  folding_->rest = *std::move(step.rest);
  if (!folding_->rest.at_end()) return;
  folded_to_ = folding_->runs.end_position();
  done = std::move(folding_);
}

}  // namespace tyto
