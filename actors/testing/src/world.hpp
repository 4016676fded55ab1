// One run of a simulation: a program that is started, used, killed and started again, until everything has come to
// rest.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "recorded_choices.hpp"
#include "scheduler.hpp"
#include "simulated_storage.hpp"
#include "tyto/runtime.hpp"
#include "tyto/testing/simulation.hpp"
#include "tyto/testing/test_clock.hpp"

namespace tyto::testing {

/// Everything that a run is drawn from. Kept apart, so that what is taken from one list leaves the others as they are.
struct script {
  std::size_t most_actions = 0;
  std::vector<std::uint64_t> actions;
  std::vector<std::uint64_t> schedule;
  std::vector<std::uint64_t> faults;
};

/// What was wrong in a run.
struct finding {
  std::string name;    // of the check
  std::string detail;  // what it said
};

struct run_outcome {
  std::optional<finding> failure;
  script drawn;
  std::uint64_t steps = 0;
  std::uint64_t crashes = 0;
  std::uint64_t operations = 0;  // of the storage
  std::vector<std::string> story;
};

/// What a run is besides its script.
struct run_settings {
  bool has_faults = true;
  std::optional<std::uint64_t> crash_point = {};  // see simulated_storage::crash_at()
  bool loses_power = false;                       // there
  bool tells_story = false;
  std::atomic<std::uint64_t>* heartbeat = nullptr;  // beats now and then, for who watches from another thread
};

class world {
 public:
  world(const detail::world_definition& of, std::uint64_t seed, run_settings settings);
  world(const detail::world_definition& of, const script& drawn, run_settings settings);

  /// To be called once. What it throws is a failure of the run.
  run_outcome run();

 private:
  world(const detail::world_definition& of, run_settings settings, std::size_t most_actions, recorded_choices actions,
        recorded_choices schedule, recorded_choices faults);

  void live();
  [[nodiscard]] runtime_options limits();
  void start_program();
  void end_program(bool loses_power);
  void stop_program();
  void crash(bool loses_power);
  void use_program();
  void bring_to_rest();
  void rest(const std::string& when);
  void settle();
  void begin_action();
  void step();
  scheduler::outcome run_to_end(const std::string& what, const std::function<result<void>()>& work);
  void see_through(const std::string& what, const std::function<result<void>()>& work);
  void draw_next_crash();
  void draw_next_jump();
  void disturb();
  void look(const std::vector<detail::world_definition::check>& checks);
  void look_always();
  void fail(std::string name, std::string detail);
  void tell(const std::string& what);
  [[nodiscard]] std::function<void(std::string)> teller();

  const detail::world_definition& of_;
  const run_settings settings_;
  const std::size_t most_actions_;
  recorded_choices actions_;
  recorded_choices schedule_;
  recorded_choices faults_;

  test_clock clock_{std::chrono::sys_days{std::chrono::year{2030} / 1 / 1}};
  scheduler scheduler_;
  simulated_storage storage_;
  std::shared_ptr<void> model_;
  runtime_options limits_;
  std::unique_ptr<runtime> program_;
  bool has_started_ = false;  // and has not ended or begun to stop

  std::size_t begun_ = 0;
  std::size_t under_way_ = 0;
  std::uint64_t starts_ = 0;
  std::uint64_t idle_until_ = 0;  // steps
  std::optional<std::uint64_t> next_crash_;
  std::optional<std::uint64_t> next_jump_;
  bool has_changed_ = false;
  std::uint64_t changes_seen_ = 0;
  run_outcome outcome_;
};

/// Runs one world; `from` is a seed or a script. Where the world cannot even be made, the run fails with what was
/// thrown.
template <class From>
run_outcome run_world(const detail::world_definition& of, const From& from, const run_settings& settings) {
  try {
    return world{of, from, settings}.run();
  } catch (const std::exception& thrown) {
    run_outcome none;
    none.failure = finding{"the world begins", thrown.what()};
    return none;
  }
}

}  // namespace tyto::testing
