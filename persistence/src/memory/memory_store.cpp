// The ports in memory, and the example to read before writing a store. The journal is a list of events that only grows
// and, for each stream, the list of its positions; a read model is a map that is copied when it changes while
// somebody looks at it, who so keeps what they saw.
#include "tyto/memory_store.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <iterator>
#include <mutex>
#include <unordered_map>

#include "tyto/event_store.hpp"
#include "write_checks.hpp"

namespace tyto {
namespace {

using stored_event = std::shared_ptr<const recorded_event>;

class memory_journal final : public event_store {
 public:
  void append(append_batch batch, append_done done) override { done(store(batch)); }

  result<stream_info> read_stream(std::string_view persistence_id, std::uint64_t from_sequence_number,
                                  const event_visitor& visitor) const override {
    auto known = info(persistence_id);
    if (!known) return known;
    visit_chunks({.from = std::max(from_sequence_number, known->first)}, visitor,
                 [this, id = std::string{persistence_id}](std::uint64_t number) -> const stored_event* {
                   const auto stream = streams_.find(id);
                   if (stream == streams_.end() || number > stream->second.positions.size()) return nullptr;
                   return &events_[stream->second.positions[number - 1] - 1];
                 });
    return known;
  }

  result<std::uint64_t> read_all(const journal_range& range, const event_visitor& visitor) const override {
    return visit_chunks(range, visitor, [this](std::uint64_t number) -> const stored_event* {
      return number > events_.size() ? nullptr : &events_[number - 1];
    });
  }

  result<stream_info> info(std::string_view persistence_id) const override {
    const std::lock_guard lock{mutex_};
    const auto found = streams_.find(std::string{persistence_id});
    return found == streams_.end() ? stream_info{} : found->second.known;
  }

  result<std::uint64_t> head() const override {
    const std::lock_guard lock{mutex_};
    return std::uint64_t{events_.size()};
  }

  [[nodiscard]] result<std::vector<checkpoint>> checkpoints() const override {
    const std::lock_guard lock{mutex_};
    std::vector<checkpoint> all;
    for (const auto& [name, position] : checkpoints_) all.push_back({name, position});
    return all;
  }

  result<std::uint64_t> load_checkpoint(std::string_view name) const override {
    if (auto usable = check_name(name); !usable) return std::move(usable).error();
    const std::lock_guard lock{mutex_};
    const auto found = checkpoints_.find(name);
    return found == checkpoints_.end() ? std::uint64_t{0} : found->second;
  }

  result<std::uint64_t> size_bytes() const override {
    const std::lock_guard lock{mutex_};
    return bytes_;
  }

 private:
  result<append_outcomes> store(append_batch& batch) {
    for (const auto& each : batch.checkpoints) {
      if (auto usable = check_name(each.name); !usable) return std::move(usable).error();
    }
    append_outcomes outcomes;
    const std::lock_guard lock{mutex_};
    for (const auto& write : batch.writes) outcomes.push_back(store(*write));
    for (const auto& [name, position] : batch.checkpoints) checkpoints_.insert_or_assign(name, position);
    return outcomes;
  }

  result<void> store(stream_write& write) {
    if (auto fits = check_write(write); !fits) return fits;
    auto& stream = streams_[write.persistence_id];
    auto& known = stream.known;
    if (auto allowed = check_stream(write, known); !allowed) return allowed;
    number_events(write, known.version, events_.size());
    for (const auto& event : write.events) {
      // The bytes alone: an event that is read back is decoded anew, here as in a store on disk.
      events_.push_back(std::make_shared<const recorded_event>(recorded_event{event.meta, event.payload, {}, nullptr}));
      stream.positions.push_back(event.meta.position);
      bytes_ += sizeof(recorded_event) + event.payload.size();
    }
    known.version += write.events.size();
    if (!write.retain) return {};
    const auto first_before = known.first;
    retain(known, *write.retain);
    for (auto number = first_before; number < known.first; ++number) {
      auto& gone = events_[stream.positions[number - 1] - 1];
      bytes_ -= sizeof(recorded_event) + gone->payload.size();
      gone.reset();
    }
    return {};
  }

  // Visits the events that `at` knows under the numbers `range.from`, `range.from` + 1, … What is stored never changes,
  // so it is enough to hold the mutex while some of it is listed, and to stop at the head that was found first: a
  // visitor may take its time, and may call the store. Removed events are passed over. Returns the position up to which
  // all were.
  template <class At>
  std::uint64_t visit_chunks(const journal_range& range, const event_visitor& visitor, const At& at) const {
    constexpr std::size_t chunk_events = 256;
    std::uint64_t next = std::max<std::uint64_t>(range.from, 1);
    std::uint64_t left = range.max_events;
    if (left == 0) return next - 1;
    std::uint64_t last_position = 0;
    std::vector<stored_event> chunk;
    do {
      chunk.clear();
      {
        const std::lock_guard lock{mutex_};
        if (last_position == 0) last_position = events_.size();
        for (const stored_event* event = at(next); event != nullptr && chunk.size() < chunk_events;
             event = at(++next)) {
          if (*event && (*event)->meta.position > last_position) break;
          if (*event) chunk.push_back(*event);
        }
      }
      for (const auto& event : chunk) {
        const auto& meta = event->meta;
        const bool is_wanted = range.only.takes(meta.type, meta.persistence_id);
        if (is_wanted && visitor({meta, event->payload}) == visit::stop) return meta.position;
        if (--left == 0) return meta.position;
      }
    } while (chunk.size() == chunk_events);
    return last_position;
  }

  struct stream_of_events {
    stream_info known;
    std::vector<std::uint64_t> positions;  // of all its events, the removed ones too
  };

  mutable std::mutex mutex_;          // guards all below
  std::vector<stored_event> events_;  // nullptr where one was removed
  std::unordered_map<std::string, stream_of_events> streams_;
  std::map<std::string, std::uint64_t, std::less<>> checkpoints_;
  std::uint64_t bytes_ = 0;
};

using row_map = std::map<std::string, std::string, std::less<>>;

struct shared_rows {
  row_map rows = {};
  std::atomic<std::size_t> snapshots = 0;  // that look at them
};

struct read_model {
  std::shared_ptr<shared_rows> shared = std::make_shared<shared_rows>();
  row_checkpoint checkpoint = {};
};

class memory_snapshot final : public row_snapshot {
 public:
  explicit memory_snapshot(read_model model) : model_(std::move(model)) { ++model_.shared->snapshots; }
  ~memory_snapshot() override { --model_.shared->snapshots; }
  memory_snapshot(const memory_snapshot&) = delete;
  memory_snapshot& operator=(const memory_snapshot&) = delete;

  result<std::optional<std::string>> get(std::string_view key) const override {
    const auto found = rows().find(key);
    if (found == rows().end()) return std::optional<std::string>{};
    return std::optional{found->second};
  }

  result<void> scan(std::string_view from, const row_visitor& visitor) const override {
    for (auto row = rows().lower_bound(from); row != rows().end(); ++row) {
      if (visitor(row->first, row->second) == visit::stop) break;
    }
    return {};
  }

  result<void> scan_back(std::string_view before, const row_visitor& visitor) const override {
    const auto end = before.empty() ? rows().end() : rows().lower_bound(before);
    for (auto row = std::make_reverse_iterator(end); row != rows().rend(); ++row) {
      if (visitor(row->first, row->second) == visit::stop) break;
    }
    return {};
  }

  result<std::uint64_t> count() const override { return std::uint64_t{rows().size()}; }

  const row_checkpoint& checkpoint() const override { return model_.checkpoint; }

 private:
  [[nodiscard]] const row_map& rows() const { return model_.shared->rows; }

  read_model model_;
};

class memory_read_models final : public read_model_store {
 public:
  result<std::unique_ptr<row_snapshot>> snapshot(std::string_view name) const override {
    if (auto usable = check_name(name); !usable) return std::move(usable).error();
    const std::lock_guard lock{mutex_};
    const auto found = models_.find(name);
    return std::unique_ptr<row_snapshot>{
        std::make_unique<memory_snapshot>(found == models_.end() ? read_model{} : found->second)};
  }

  result<void> commit(std::string_view name, const row_changes& changes, const row_checkpoint& checkpoint) override {
    if (auto usable = check_commit(name, changes); !usable) return usable;
    const std::lock_guard lock{mutex_};
    auto& model = models_[std::string{name}];
    if (model.shared->snapshots > 0) {
      auto copy = std::make_shared<shared_rows>();
      copy->rows = model.shared->rows;
      model.shared = std::move(copy);
    }
    for (const auto& [key, value] : changes) {
      if (value) {
        model.shared->rows.insert_or_assign(key, *value);
      } else {
        model.shared->rows.erase(key);
      }
    }
    model.checkpoint = checkpoint;
    return {};
  }

  result<void> clear(std::string_view name) override {
    if (auto usable = check_name(name); !usable) return usable;
    const std::lock_guard lock{mutex_};
    if (const auto found = models_.find(name); found != models_.end()) models_.erase(found);
    return {};
  }

  [[nodiscard]] result<std::vector<checkpoint>> checkpoints() const override {
    const std::lock_guard lock{mutex_};
    std::vector<checkpoint> all;
    for (const auto& [name, model] : models_) all.push_back({name, model.checkpoint.position});
    return all;
  }

  result<void> sync() override { return {}; }  // nothing here survives the program

 private:
  mutable std::mutex mutex_;
  std::map<std::string, read_model, std::less<>> models_;
};

class memory_snapshots final : public snapshot_store {
  using images = std::map<std::uint64_t, std::string, std::greater<>>;  // by sequence number, the latest first

 public:
  result<void> save(const std::vector<snapshot>& snapshots) override {
    for (const auto& each : snapshots) {
      if (auto usable = check_snapshot(each); !usable) return usable;
    }
    const std::lock_guard lock{mutex_};
    for (const auto& each : snapshots) {
      auto& kept = snapshots_[each.persistence_id];
      kept.insert_or_assign(each.sequence_number, each.image);
      while (kept.size() > each.keep) kept.erase(std::prev(kept.end()));
    }
    return {};
  }

  result<void> load(std::string_view persistence_id, const snapshot_visitor& visitor) const override {
    images kept;
    {
      const std::lock_guard lock{mutex_};
      const auto found = snapshots_.find(persistence_id);
      if (found != snapshots_.end()) kept = found->second;
    }
    for (const auto& [sequence_number, image] : kept) {
      if (visitor(sequence_number, std::string_view{image}) == visit::stop) break;
    }
    return {};
  }

  result<void> erase(std::string_view persistence_id) override {
    if (auto usable = check_persistence_id(persistence_id); !usable) return usable;
    const std::lock_guard lock{mutex_};
    if (const auto found = snapshots_.find(persistence_id); found != snapshots_.end()) snapshots_.erase(found);
    return {};
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, images, std::less<>> snapshots_;
};

}  // namespace

storage open_memory() {
  return {std::make_shared<memory_journal>(), std::make_shared<memory_read_models>(),
          std::make_shared<memory_snapshots>()};
}

}  // namespace tyto
