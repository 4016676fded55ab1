#include "aggregate/aggregate_shard.hpp"

#include <utility>

namespace tyto::detail {
namespace {

struct recover_now {};

// Reads the stream of one aggregate, however long it is, and ends.
class long_recovery final : public actor_of<recover_now> {
 public:
  long_recovery(const rebuild_sources& from, const aggregate_definition& definition, std::string persistence_id,
                address<shard_message> shard)
      : from_(from), definition_(definition), persistence_id_(std::move(persistence_id)), shard_(std::move(shard)) {}

 protected:
  void on(recover_now&&) override {
    auto memory = std::make_shared<result<aggregate_memory>>(rebuild(from_, definition_, persistence_id_));
    shard_.post(recovered_memory{persistence_id_, std::move(memory)});
    self().close();
  }

 private:
  const rebuild_sources& from_;
  const aggregate_definition& definition_;
  const std::string persistence_id_;
  const address<shard_message> shard_;
};

}  // namespace

aggregate_shard::aggregate_shard(const aggregate_surroundings& around, host& runs_on, std::size_t max_live,
                                 std::atomic<std::size_t>& live, aggregate_counts& counts)
    : around_(around), host_(runs_on), max_live_(max_live), live_count_(live), counts_(counts) {}

void aggregate_shard::on(shard_message&& message) {
  std::visit(
      overloaded{
          [this](run_command& command) { run(command); }, [this](const writes_answered& answer) { tell(answer); },
          // It is there: commands wait in it.
          [this](const recovered_memory& found) {
            live_.find(aggregate_key{found.persistence_id})->second.aggregate->recovered(std::move(*found.memory));
          },
          [this](const passivate_unused& asked) {
            for (auto left = by_use_.size(); left > 0 && by_use_.back()->second.last_used < asked.since; --left) {
              passivate_oldest();
            }
          }},
      message);
}

void aggregate_shard::run(run_command& command) {
  auto& used = find_or_start(command);
  used.last_used = now();
  used.aggregate->run(command);
  // Two for each command, which may have brought one to life, so that the number comes down to the limit again after a
  // time in which all were busy.
  for (int i = 0; i < 2 && live_.size() > max_live_; ++i) passivate_oldest();
}

aggregate_shard::entry& aggregate_shard::find_or_start(const run_command& command) {
  const auto [found, is_new] = live_.try_emplace(command.aggregate);
  auto& used = found->second;
  if (is_new) {
    used.aggregate.emplace(around_, static_cast<aggregate_home&>(*this), *command.target, found->first.persistence_id);
    used.place = by_use_.insert(by_use_.begin(), found);
    ++live_count_;
  } else {
    by_use_.splice(by_use_.begin(), by_use_, used.place);
  }
  return used;
}

// One that is busy moves to the front, so that it is not asked again before all others.
void aggregate_shard::passivate_oldest() {
  const auto oldest = by_use_.back();
  by_use_.splice(by_use_.begin(), by_use_, oldest->second.place);
  if (!oldest->second.aggregate->is_idle()) return;
  by_use_.pop_front();
  live_.erase(oldest);
  --live_count_;
}

void aggregate_shard::store(aggregate_actor& from, std::shared_ptr<stream_write> write, bool caller_waits) {
  decided_.push_back(std::move(write));
  caller_waits_ |= caller_waits;
  unanswered_.push_back(&from);
}

void aggregate_shard::recover(const aggregate_definition& definition, const std::string& persistence_id) {
  spawn<long_recovery>(host_, placement::shared, around_.stored, definition, persistence_id, self())
      .post(recover_now{});
}

void aggregate_shard::turn_is_over() {
  now_.reset();
  if (decided_.empty()) return;
  const auto count = decided_.size();
  around_.committer.post(store_writes{std::exchange(decided_, {}), self(), std::exchange(caller_waits_, false)});
  decided_.reserve(count);  // the next turn is likely to be like this one
}

void aggregate_shard::tell(const writes_answered& answer) {
  for (const auto& run : answer.runs) {
    for (auto left = run.writes; left > 0; --left) {
      auto& first = *unanswered_.front();
      unanswered_.pop_front();
      first.answered(run.outcome);
    }
  }
}

std::chrono::steady_clock::time_point aggregate_shard::now() {
  if (!now_) now_ = around_.runs_on.now();
  return *now_;
}

}  // namespace tyto::detail
