#include "consumer/projection_work.hpp"

#include <algorithm>
#include <future>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include "actor/threads.hpp"
#include "consumer/partition.hpp"
#include "tyto/detail/watched_rows.hpp"

namespace tyto::detail {
namespace {

// A thread of its own takes about 20 us to start, as long as it takes to handle a few events.
constexpr std::size_t worth_a_thread = 16;

}  // namespace

// The rows that one thread works on.
class projection_work::share {
 public:
  share(std::unique_ptr<row_snapshot> rows, bool is_watched) : rows_(std::move(rows)) {
    if (is_watched) watched_.emplace(*rows_);
    changed_.emplace(is_watched ? static_cast<const row_reader&>(*watched_) : *rows_);
  }

  void add(const recorded_event& event) { waiting_.push_back(&event); }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

  // Handles what waits, up to the first event that fails.
  std::optional<failed_event> run(const projection_definition& definition) {
    for (const auto* event : std::exchange(waiting_, {})) {
      if (auto done = project(definition, *event, *changed_); !done) {
        return failed_event{event, std::move(done).error()};
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] row_buffer& rows() { return *changed_; }
  [[nodiscard]] const watched_rows& watched() const { return *watched_; }

 private:
  std::unique_ptr<row_snapshot> rows_;
  std::optional<watched_rows> watched_;
  std::optional<row_buffer> changed_;
  std::vector<const recorded_event*> waiting_;
};

projection_work::projection_work(const projection_definition& definition, const read_model_store& store)
    : definition_(definition), store_(store), shares_(definition.partitions) {}

projection_work::~projection_work() = default;

result<void> projection_work::take(const recorded_event& event) {
  const auto count = shares_.size();
  auto mine = share_of(count == 1 || is_alone_ ? 0 : partition_of(key_of(definition_, event).text, count));
  if (!mine) return std::move(mine).error();
  if (count == 1 || is_alone_) return project(definition_, event, (*mine)->rows());
  (*mine)->add(event);
  collected_.push_back(&event);
  return {};
}

result<projection_work::share*> projection_work::share_of(std::size_t part) {
  auto& found = shares_[part];
  if (!found) {
    auto rows = store_.snapshot(definition_.name);
    if (!rows) return std::move(rows).error();
    found = std::make_unique<share>(*std::move(rows), shares_.size() > 1);
  }
  return found.get();
}

std::optional<failed_event> projection_work::finish() {
  if (auto failed = run()) return failed;
  return shares_.size() > 1 && !is_alone_ && have_clashed() ? run_alone() : std::nullopt;
}

std::optional<failed_event> projection_work::run() {
  if (shares_.size() == 1 || is_alone_) return std::nullopt;
  std::vector<std::future<std::optional<failed_event>>> elsewhere;
  std::vector<share*> here;
  for (const auto& each : shares_) {
    if (!each || each->waiting() == 0) continue;
    here.push_back(each.get());
    // One of them is for this thread.
    if (here.size() == 1 || each->waiting() < worth_a_thread || simulated_threads::here() != nullptr) continue;
    try {
      elsewhere.push_back(
          std::async(std::launch::async, [this, taken = each.get()] { return taken->run(definition_); }));
      here.pop_back();
    } catch (const std::system_error&) {
      // There are too many threads already.
    }
  }
  std::optional<failed_event> first;
  const auto note = [&first](std::optional<failed_event> failed) {
    if (!failed || (first && first->event->meta.position < failed->event->meta.position)) return;
    first = std::move(failed);
  };
  for (auto* each : here) note(each->run(definition_));
  for (auto& each : elsewhere) note(each.get());
  // It may have missed what another share has made of an earlier event.
  return first ? run_alone() : std::nullopt;
}

bool projection_work::have_clashed() const {
  std::map<std::string_view, const share*> changed_by;
  for (const auto& each : shares_) {
    if (!each) continue;
    for (const auto& [key, value] : each->rows().changes()) {
      if (!changed_by.emplace(key, each.get()).second) return true;
    }
  }
  const auto changed_by_another = [&](const share& looking, const auto& change) {
    return change != changed_by.end() && change->second != &looking;
  };
  return std::ranges::any_of(shares_, [&](const auto& each) {
    if (!each) return false;
    const auto& seen = each->watched();
    if (seen.saw_all()) return changed_by.size() != each->rows().changes().size();
    return std::ranges::any_of(seen.keys(),
                               [&](const auto& key) { return changed_by_another(*each, changed_by.find(key)); });
  });
}

std::optional<failed_event> projection_work::run_alone() {
  const auto events = std::exchange(collected_, {});
  forget();
  is_alone_ = true;
  for (const auto* event : events) {
    if (auto done = take(*event); !done) return failed_event{event, std::move(done).error()};
  }
  return std::nullopt;
}

bool projection_work::has_changes() const {
  return std::ranges::any_of(shares_, [](const auto& each) { return each && !each->rows().changes().empty(); });
}

row_changes projection_work::take_changes() {
  row_changes all;
  for (const auto& each : shares_) {
    if (each) all.merge(each->rows().take_changes());
  }
  forget();
  return all;
}

void projection_work::forget() {
  for (auto& each : shares_) each.reset();
  collected_.clear();
  is_alone_ = false;
}

}  // namespace tyto::detail
