#include "testing/contract_run.hpp"

#include <exception>
#include <stdexcept>
#include <thread>

#include "tyto/printable.hpp"

namespace tyto::testing {
namespace {

constexpr std::size_t max_findings = 20;  // what else is wrong follows from these, as a rule

}  // namespace

std::vector<std::string> contract_run::findings_of(void (*check)(contract_run&)) {
  try {
    begin_anew();
    check(*this);
    opened_ = {};
  } catch (const std::exception& e) {
    report(std::string{"the check ended early: "} + e.what());
  } catch (...) {
    report("the check ended early: something was thrown that is no std::exception");
  }
  opened_ = {};
  for (const auto& answer : answers_) {
    const std::lock_guard lock{answer->mutex};
    if (answer->calls == 1) continue;
    report("an append has called back " + std::to_string(answer->calls) + " times; it must do so once");
  }
  return std::move(findings_);
}

event_store& contract_run::journal() {
  if (!opened_.journal) throw std::runtime_error("the storage has no journal");
  return *opened_.journal;
}

read_model_store& contract_run::rows() {
  if (!opened_.read_models) throw std::runtime_error("the storage has no read models");
  return *opened_.read_models;
}

std::unique_ptr<row_snapshot> contract_run::snapshot(std::string_view model) {
  auto taken = rows().snapshot(model).value();
  if (taken == nullptr) throw std::runtime_error("a snapshot of the read model " + show(model) + " is null");
  return taken;
}

snapshot_store& contract_run::snapshots() {
  if (!opened_.snapshots) throw std::runtime_error("the storage has no snapshots");
  return *opened_.snapshots;
}

void contract_run::begin_anew() {
  opened_ = {};
  place_ = factory_.make ? factory_.make() : nullptr;
  if (place_ == nullptr) throw std::runtime_error("store_factory::make has made no place for a store");
  open();
}

void contract_run::reopen() {
  opened_ = {};
  open();
}

void contract_run::lose_power() {
  place_->lose_power();
  reopen();
}

void contract_run::open() { opened_ = place_->open(); }

std::shared_ptr<append_answer> contract_run::begin_append(append_batch batch) {
  auto answer = std::make_shared<append_answer>();
  {
    const std::lock_guard lock{mutex_};
    answers_.push_back(answer);
  }
  journal().append(std::move(batch), [answer](result<append_outcomes> outcomes) {
    const std::lock_guard lock{answer->mutex};
    if (++answer->calls == 1) answer->first = std::move(outcomes);
    answer->called.notify_all();
  });
  return answer;
}

result<append_outcomes> contract_run::wait_for(append_answer& answer) const {
  std::unique_lock lock{answer.mutex};
  if (!answer.called.wait_for(lock, factory_.patience, [&] { return answer.calls > 0; })) {
    throw std::runtime_error("an append has not called back within " + std::to_string(factory_.patience.count()) +
                             " ms");
  }
  return *answer.first;
}

result<append_outcomes> contract_run::append(append_batch batch) {
  const auto writes = batch.writes.size();
  auto outcomes = wait_for(*begin_append(std::move(batch)));
  if (outcomes && outcomes->size() != writes) {
    throw std::runtime_error("an append of " + std::to_string(writes) + " writes has " +
                             std::to_string(outcomes->size()) + " outcomes");
  }
  return outcomes;
}

append_outcomes contract_run::append_all(std::vector<std::shared_ptr<stream_write>> writes) {
  return append({std::move(writes), {}}).value();
}

result<void> contract_run::append_one(std::shared_ptr<stream_write> write) {
  return append_all({std::move(write)}).at(0);
}

result<void> contract_run::change(std::string id, retention::action what, std::uint64_t first, std::string base) {
  return append_one(change_of(std::move(id), what, first, std::move(base)));
}

void contract_run::on_threads(int threads, const std::function<void(int)>& work) {
  std::vector<std::exception_ptr> thrown(static_cast<std::size_t>(threads));
  std::vector<std::thread> running;
  running.reserve(thrown.size());
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&work, i, &failure = thrown[static_cast<std::size_t>(i)]] {
      try {
        work(i);
      } catch (...) {
        failure = std::current_exception();
      }
    });
  }
  for (auto& each : running) each.join();
  for (const auto& each : thrown) {
    if (each) std::rethrow_exception(each);
  }
}

void contract_run::report(std::string finding) {
  if (findings_.size() < max_findings) findings_.push_back(std::move(finding));
}

void contract_run::expect(bool holds, std::string_view what) {
  if (!holds) report("this does not hold: " + std::string{what});
}

void contract_run::conflicts(std::string_view what, const result<void>& got, std::uint64_t actual_version) {
  fails(what, got, errc::conflict);
  if (got || got.error().code() != errc::conflict) return;
  const auto& conflict = got.error().conflict();
  same("the actual version in the conflict of " + std::string{what},
       conflict ? std::optional{conflict->actual} : std::nullopt, actual_version);
}

std::string show(bool value) { return value ? "true" : "false"; }

std::string show(std::uint64_t value) { return std::to_string(value); }

std::string show(std::string_view value) {
  constexpr std::size_t max_shown = 40;
  if (value.size() <= max_shown) return "'" + printable(value) + "'";
  return "'" + printable(value.substr(0, max_shown)) + "…' (" + std::to_string(value.size()) + " bytes)";
}

std::string show(errc value) { return std::string{tyto::name(value)}; }

std::string show(stream_state value) {
  switch (value) {
    case stream_state::open:
      return "open";
    case stream_state::closed:
      return "closed";
    case stream_state::deleted:
      return "deleted";
  }
  return "?";
}

std::string show(const delivery_id& value) {
  return std::to_string(value.position) + (value.part ? "." + std::to_string(*value.part) : "");
}

std::string show(const row_checkpoint& value) {
  return "position " + std::to_string(value.position) + ", released " + show(value.released) + ", shape " +
         show(value.shape);
}

contract_check make_check(std::string name, std::set<capability> needs, void (*check)(contract_run&)) {
  return {std::move(name), std::move(needs),
          [check](const store_factory& store) { return contract_run{store}.findings_of(check); }};
}

}  // namespace tyto::testing
