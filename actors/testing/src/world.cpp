#include "world.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "tyto/aggregate.hpp"
#include "tyto/id_source.hpp"
#include "tyto/printable.hpp"

namespace tyto::testing {
namespace {

constexpr std::chrono::milliseconds restart_takes{500};
constexpr int most_starts = 200;

// How many steps it takes, about, until somebody starts a program again that cannot store any more.
constexpr std::uint32_t notices_broken_journal = 64;

// What a check or an exception says may be of several lines.
std::string printable_lines(std::string_view text) {
  std::string lines;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    lines += (begin == 0 ? "" : "\n") + printable(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// To be called where an exception is handled.
std::string thrown_now() { return "it has thrown: " + detail::handler_failure({}).detail(); }

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
      scheduler_(schedule_, clock_, {of.options.stalls, of.options.longest_stall}),
      storage_(faults_, settings.has_faults ? of.options.faults : storage_faults{},
               {[this](std::chrono::microseconds delay, std::function<void()> work) {
                  scheduler_.later(delay, std::move(work));
                },
                teller()},
               of.options.storage ? of.options.storage() : storage_opener{}) {}

std::function<void(std::string)> world::teller() {
  if (!settings_.tells_story) return {};
  return [this](const std::string& line) { tell(line); };
}

run_outcome world::run() {
  const detail::simulated_threads::installed here{scheduler_};
  try {
    live();
  } catch (...) {
    fail("the world goes on", thrown_now());
  }
  // What failed may have left threads that wait.
  scheduler_.kill();
  program_.reset();
  model_.reset();
  outcome_.steps = scheduler_.steps();
  outcome_.operations = storage_.operations();
  outcome_.drawn = {most_actions_, actions_.drawn(), schedule_.drawn(), faults_.drawn()};
  return std::move(outcome_);
}

void world::live() {
  model_ = of_.make_model();
  limits_ = limits();
  if (settings_.crash_point) storage_.crash_at(*settings_.crash_point);
  draw_next_crash();
  draw_next_jump();
  start_program();
  use_program();
  bring_to_rest();
}

runtime_options world::limits() {
  auto made = of_.options.runtime;
  made.log = [this](std::string_view line) { tell("the program logs: " + std::string{line}); };
  made.time = std::shared_ptr<const clock>{std::shared_ptr<void>{}, &clock_};
  if (!of_.options.varies_limits || !actions_.one_in(2)) return made;
  made.max_live_aggregates = 1;
  // Shorter times make for worlds in which hardly anything else happens.
  made.passivate_after = std::chrono::milliseconds{actions_.between(10, 1'000)};
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
      return fail("the program is defined", thrown_now());
    }
    const auto started = run_to_end("starting the program", [this] { return program_->start(); });
    if (outcome_.failure) return;
    const bool is_down = storage_.is_down();
    if (!is_down && **started) {
      has_started_ = has_changed_ = true;
      tell("the program has started");
      return look_always();
    }
    end_program(is_down && settings_.loses_power);
    if (is_down) {
      ++outcome_.crashes;
      continue;
    }
    const auto why = (**started).error().message();
    tell("the program does not start: " + why);
    if (attempt == most_starts) return fail("the program starts", why);
  }
}

void world::end_program(bool loses_power) {
  has_started_ = false;
  scheduler_.kill();
  storage_.crash(loses_power);
  program_.reset();
  scheduler_.revive();
  under_way_ = 0;
  scheduler_.pass(restart_takes);
}

void world::crash(bool loses_power) {
  ++outcome_.crashes;
  tell(loses_power ? "power is lost" : "the program is killed");
  end_program(loses_power);
  start_program();
}

void world::use_program() {
  if (of_.actions.empty()) begun_ = most_actions_;
  while (!outcome_.failure && (begun_ < most_actions_ || under_way_ > 0)) {
    if (begun_ < most_actions_ && under_way_ < of_.options.actions_at_once && scheduler_.steps() >= idle_until_) {
      begin_action();
    }
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
  scheduler_.start([this, &chosen] {
    try {
      chosen.run(*program_, model_.get(), actions_);
    } catch (...) {
      if (scheduler_.is_dead()) throw;
      fail(chosen.name, thrown_now());
    }
    if (scheduler_.is_dead()) return;
    --under_way_;
    has_changed_ = true;
    tell("ends: " + chosen.name);
  });
}

// One step of whatever goes on. The program may be down after it.
void world::step() {
  // Threads share the counter: it is not worth a cache miss each step.
  if (settings_.heartbeat != nullptr && scheduler_.steps() % 64 == 0) ++*settings_.heartbeat;
  if (!scheduler_.step())
    return fail("the world goes on", "everything waits for something that cannot happen any more");
  if (scheduler_.steps() > of_.options.max_steps) {
    return fail("the world comes to rest", "it has made " + std::to_string(scheduler_.steps()) + " steps and goes on");
  }
  if (!storage_.is_down()) look_always();
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
  if (storage_.is_down()) return crash(settings_.loses_power);
  if (next_jump_ && scheduler_.steps() >= *next_jump_) {
    const std::chrono::minutes far{faults_.between(1, 24 * 60)};
    const bool goes_back = faults_.one_in(2);
    tell("the clock is set " + std::to_string(far.count()) + " min " + (goes_back ? "back" : "forth"));
    clock_.advance(goes_back ? -far : far);
    draw_next_jump();
  }
  if (next_crash_ && scheduler_.steps() >= *next_crash_) {
    crash(faults_.one_in(2));
    draw_next_crash();
  }
  // Somebody notices sooner or later.
  if (storage_.is_broken() && faults_.one_in(notices_broken_journal)) crash(false);
}

// Steps until `work`, on a simulated thread of its own, has ended, or the program is down, or something has failed.
scheduler::outcome world::run_to_end(const std::string& what, const std::function<result<void>()>& work) {
  auto done = scheduler_.begin(what, work);
  while (!*done && !outcome_.failure && !storage_.is_down()) step();
  return done;
}

// The same for what has to succeed. It is begun again if the program has died meanwhile.
void world::see_through(const std::string& what, const std::function<result<void>()>& work) {
  while (!outcome_.failure) {
    const auto done = run_to_end(what, work);
    if (outcome_.failure) return;
    if (storage_.is_down()) {
      crash(settings_.loses_power);
    } else if (**done) {
      return;
    } else {
      fail(what, (**done).error().message());
    }
  }
}

void world::bring_to_rest() {
  if (outcome_.failure) return;
  storage_.heal();
  scheduler_.calm();
  if (storage_.is_broken()) crash(false);
  rest("before a last restart");
  if (!outcome_.failure) start_program();
  rest("after it");
}

void world::rest(const std::string& when) {
  if (outcome_.failure) return;
  tell("everything comes to rest, " + when);
  settle();
  if (outcome_.failure) return;
  clock_.advance(of_.options.afterwards);
  program_->check_clock();
  settle();
  for (const auto& each : of_.finally) {
    see_through(each.name, [this, &each]() -> result<void> {
      each.run(*program_, model_.get(), actions_);
      return {};
    });
  }
  if (!of_.finally.empty()) settle();
  see_through("looking at what holds", [this]() -> result<void> {
    look(of_.always);
    look(of_.at_rest);
    return {};
  });
  stop_program();
}

void world::settle() {
  see_through("the program comes to rest", [this] {
    // What has failed pauses for so long at most before it is tried again.
    let_pass(limits_.max_backoff);
    return program_->settle(of_.options.patience);
  });
}

void world::stop_program() {
  has_started_ = false;
  see_through("the program stops", [this] { return program_->stop(); });
  if (outcome_.failure) return;
  scheduler_.kill();
  program_.reset();
  scheduler_.revive();
}

void world::look_always() {
  if (!has_started_ || (!has_changed_ && storage_.changes() == changes_seen_)) return;
  changes_seen_ = storage_.changes();
  has_changed_ = false;
  look(of_.always);
}

void world::look(const std::vector<detail::world_definition::check>& checks) {
  for (const auto& each : checks) {
    if (outcome_.failure) return;
    try {
      if (auto wrong = each.look({*program_, storage_.stored()}, model_.get()); !wrong.empty())
        fail(each.name, std::move(wrong));
    } catch (...) {
      if (scheduler_.is_dead()) throw;
      fail(each.name, thrown_now());
    }
  }
}

void world::fail(std::string name, std::string detail) {
  if (outcome_.failure) return;
  tell("fails: " + name + ": " + detail);
  outcome_.failure = finding{printable(name), printable_lines(detail)};
}

void world::tell(const std::string& what) {
  if (!settings_.tells_story || outcome_.failure) return;
  const auto at = std::chrono::floor<std::chrono::milliseconds>(scheduler_.now().time_since_epoch()) -
                  std::chrono::milliseconds{std::chrono::hours{1}};
  const auto ms = std::to_string(at.count());
  outcome_.story.push_back(std::string(ms.size() < 8 ? 8 - ms.size() : 0, ' ') + ms + " ms  " + printable(what));
}

}  // namespace tyto::testing
