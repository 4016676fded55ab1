#include "world.hpp"

#include <exception>
#include <utility>

#include "tyto/id_source.hpp"

namespace tyto::testing {
namespace {

constexpr std::chrono::milliseconds restart_takes{500};
constexpr int most_starts = 200;

std::string text_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& known) {
    return known.what();
  } catch (...) {
    return "something that is no std::exception";
  }
}

}  // namespace

world::world(const detail::world_definition& of, std::uint64_t seed, run_settings settings)
    : world(of, settings, of.options.actions, recorded_choices{seed * 3}, recorded_choices{seed * 3 + 1},
            recorded_choices{seed * 3 + 2}) {}

world::world(const detail::world_definition& of, const script& drawn, run_settings settings)
    : world(of, settings, drawn.most_actions, recorded_choices{drawn.actions}, recorded_choices{drawn.schedule},
            recorded_choices{drawn.faults}) {}

world::world(const detail::world_definition& of, run_settings settings, std::size_t most_actions,
             recorded_choices actions, recorded_choices schedule, recorded_choices faults)
    : of_(of),
      settings_(settings),
      most_actions_(most_actions),
      actions_(std::move(actions)),
      schedule_(std::move(schedule)),
      faults_(std::move(faults)),
      scheduler_(schedule_, clock_),
      storage_(faults_, settings.has_faults ? of.options.faults : storage_faults{},
               {[this](std::chrono::microseconds delay, std::function<void()> work) {
                  scheduler_.later(delay, std::move(work));
                },
                teller(), teller()},
               of.options.storage ? of.options.storage() : storage_opener{}) {}

std::function<void(std::string)> world::teller() {
  if (!settings_.tells_story) return {};
  return [this](const std::string& line) { tell(line); };
}

run_outcome world::run() {
  const detail::simulated_threads::installed here{scheduler_};
  model_ = of_.make_model();
  limits_ = limits();
  if (settings_.crash_point) storage_.crash_at(*settings_.crash_point);
  draw_next_crash();
  draw_next_jump();
  start_program();
  use_program();
  bring_to_rest();
  // What failed may have left threads that wait.
  scheduler_.kill();
  program_.reset();
  model_.reset();
  outcome_.steps = scheduler_.steps();
  outcome_.operations = storage_.operations();
  outcome_.drawn = {most_actions_, actions_.drawn(), schedule_.drawn(), faults_.drawn()};
  return std::move(outcome_);
}

runtime_options world::limits() {
  auto made = of_.options.runtime;
  made.log = [this](std::string_view line) { tell("the program logs: " + std::string{line}); };
  made.time = std::shared_ptr<const clock>{std::shared_ptr<void>{}, &clock_};
  if (!of_.options.varies_limits || !actions_.one_in(2)) return made;
  made.max_live_aggregates = 1;
  made.passivate_after = std::chrono::milliseconds{actions_.between(1, 1'000)};
  made.max_recent_events = actions_.between(1, 32);
  made.max_consumer_batch = actions_.between(1, 8);
  made.max_commit_events = actions_.between(1, 16);
  return made;
}

void world::start_program() {
  for (int attempt = 0; !outcome_.failure; ++attempt) {
    auto options = limits_;
    options.ids = counted_ids("run" + std::to_string(++starts_) + "-");
    program_ = std::make_unique<runtime>(storage_.ports(), std::move(options));
    try {
      of_.program(*program_, model_.get());
    } catch (...) {
      return fail("the program is defined", text_of(std::current_exception()));
    }
    auto started = result<void>{};
    bool has_started = false;
    scheduler_.start([&] {
      started = program_->start();
      has_started = true;
    });
    while (!has_started && !storage_.is_down() && scheduler_.step()) continue;
    const bool is_down = storage_.is_down();
    if (has_started && started && !is_down) return tell("the program has started");
    scheduler_.kill();
    storage_.crash(is_down && settings_.loses_power);
    program_.reset();
    scheduler_.revive();
    if (is_down) {
      ++outcome_.crashes;
      continue;
    }
    tell("the program does not start: " + started.error().message());
    if (attempt == most_starts) return fail("the program starts", started.error().message());
    scheduler_.pass(restart_takes);
  }
}

void world::crash(bool loses_power) {
  ++outcome_.crashes;
  tell(loses_power ? "power is lost" : "the program is killed");
  scheduler_.kill();
  storage_.crash(loses_power);
  program_.reset();
  scheduler_.revive();
  under_way_ = 0;
  scheduler_.pass(restart_takes);
  start_program();
}

void world::use_program() {
  while (!outcome_.failure && (begun_ < most_actions_ || under_way_ > 0)) {
    if (begun_ < most_actions_ && under_way_ < of_.options.actions_at_once && !of_.actions.empty() &&
        scheduler_.steps() >= idle_until_) {
      begin_action();
    }
    if (of_.actions.empty()) begun_ = most_actions_;
    step();
    disturb();
  }
}

void world::begin_action() {
  if (under_way_ > 0 && !actions_.one_in(8)) return;
  if (actions_.one_in(4)) {
    idle_until_ = scheduler_.steps() + actions_.between(1, 128);
    return;
  }
  ++begun_;
  ++under_way_;
  const auto& chosen = actions_.pick(of_.actions);
  tell("begins: " + chosen.name);
  scheduler_.start([this, &chosen, killed_by = outcome_.crashes] {
    try {
      chosen.run(*program_, model_.get(), actions_);
    } catch (...) {
      if (scheduler_.is_dead()) throw;
      fail(chosen.name, "it has thrown: " + text_of(std::current_exception()));
    }
    --under_way_;
    has_changed_ = true;
    tell("ends: " + chosen.name);
  });
}

void world::step() {
  if (!scheduler_.step()) return fail("the world goes on", "nothing is left that could happen");
  if (storage_.is_down()) return crash(settings_.loses_power);
  if (scheduler_.steps() > of_.options.max_steps) {
    return fail("the world comes to an end", "it has made " + std::to_string(scheduler_.steps()) + " steps");
  }
  look_always();
}

void world::draw_next_crash() {
  next_crash_.reset();
  if (!settings_.has_faults || of_.options.crashes == 0) return;
  const auto drawn = faults_.below(std::uint64_t{2} * of_.options.crashes);
  if (drawn > 0) next_crash_ = scheduler_.steps() + drawn;
}

void world::draw_next_jump() {
  next_jump_.reset();
  if (!settings_.has_faults || of_.options.clock_jumps == 0) return;
  const auto drawn = faults_.below(std::uint64_t{2} * of_.options.clock_jumps);
  if (drawn > 0) next_jump_ = scheduler_.steps() + drawn;
}

void world::disturb() {
  if (outcome_.failure) return;
  if (next_jump_ && scheduler_.steps() >= *next_jump_) {
    const std::chrono::minutes far{faults_.between(1, 24 * 60)};
    const bool goes_back = faults_.one_in(2);
    tell("the clock is set " + std::to_string(far.count()) + " min " + (goes_back ? "back" : "forth"));
    clock_.move(goes_back ? -far : far);
    draw_next_jump();
  }
  if (next_crash_ && scheduler_.steps() >= *next_crash_) {
    crash(faults_.one_in(2));
    draw_next_crash();
  }
}

// Steps until `work`, on a simulated thread of its own, has ended; returns whether it was well.
bool world::run_to_end(const std::string& what, const std::function<result<void>()>& work) {
  result<void> done;
  bool has_ended = false;
  const auto crashes_before = outcome_.crashes;
  const auto begin = [&] {
    scheduler_.start([&] {
      try {
        done = work();
      } catch (...) {
        if (scheduler_.is_dead()) throw;
        fail(what, "it has thrown: " + text_of(std::current_exception()));
      }
      has_ended = true;
    });
  };
  begin();
  auto crashes = crashes_before;
  while (!has_ended && !outcome_.failure) {
    step();
    if (std::exchange(crashes, outcome_.crashes) != outcome_.crashes && !outcome_.failure) begin();
  }
  if (!done && !outcome_.failure) fail(what, done.error().message());
  return !outcome_.failure;
}

void world::bring_to_rest() {
  storage_.heal();
  // What has failed pauses for so long at most before it is tried again.
  const auto settle = [this] {
    let_pass(limits_.max_backoff);
    return program_->settle(of_.options.patience);
  };
  const std::string resting = "the program comes to rest";
  for (const auto* const when : {"before", "after"}) {
    if (outcome_.failure) return;
    tell(std::string{"everything comes to rest, "} + when + " a last restart");
    if (!run_to_end(resting, settle)) return;
    clock_.move(of_.options.afterwards);
    program_->check_clock();
    if (!run_to_end(resting, settle)) return;
    const auto look_at_rest = [this]() -> result<void> {
      look(of_.at_rest);
      return {};
    };
    if (!run_to_end("what holds at rest", look_at_rest)) return;
    stop_program();
    if (std::string_view{when} == "before") start_program();
  }
}

void world::stop_program() {
  if (!run_to_end("the program stops", [this] { return program_->stop(); })) return;
  scheduler_.kill();
  program_.reset();
  scheduler_.revive();
}

void world::look_always() {
  const auto operations = storage_.operations();
  if (!has_changed_ && operations == operations_seen_) return;
  operations_seen_ = operations;
  has_changed_ = false;
  if (program_) look(of_.always);
}

void world::look(const std::vector<detail::world_definition::check>& checks) {
  for (const auto& each : checks) {
    if (outcome_.failure) return;
    try {
      if (auto wrong = each.look({*program_, storage_.stored()}, model_.get()); !wrong.empty())
        fail(each.name, std::move(wrong));
    } catch (...) {
      if (scheduler_.is_dead()) throw;
      fail(each.name, "it has thrown: " + text_of(std::current_exception()));
    }
  }
}

void world::fail(std::string name, std::string detail) {
  if (outcome_.failure) return;
  tell("fails: " + name + ": " + detail);
  outcome_.failure = finding{std::move(name), std::move(detail)};
}

void world::tell(const std::string& what) {
  if (!settings_.tells_story || outcome_.failure) return;
  const auto at = std::chrono::floor<std::chrono::milliseconds>(scheduler_.now().time_since_epoch()) -
                  std::chrono::milliseconds{std::chrono::hours{1}};
  const auto ms = std::to_string(at.count());
  outcome_.story.push_back(std::string(ms.size() < 8 ? 8 - ms.size() : 0, ' ') + ms + " ms  " + what);
}

}  // namespace tyto::testing
