// One run of a simulation: a program that is started, used, killed and started again, until everything has come to
// rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scheduler.hpp"
#include "simulated_storage.hpp"
#include "tyto/runtime.hpp"
#include "tyto/testing/choices.hpp"
#include "tyto/testing/simulation.hpp"

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
};

class world {
 public:
  world(const detail::world_definition& of, std::uint64_t seed, run_settings settings);
  world(const detail::world_definition& of, const script& drawn, run_settings settings);

  run_outcome run();

 private:
  world(const detail::world_definition& of, run_settings settings, std::size_t most_actions, recorded_choices actions,
        recorded_choices schedule, recorded_choices faults);

  [[nodiscard]] runtime_options limits();
  void start_program();
  void stop_program();
  void crash(bool loses_power);
  void use_program();
  void bring_to_rest();
  void begin_action();
  void step();
  bool run_to_end(const std::string& what, const std::function<result<void>()>& work);
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

  world_clock clock_;
  scheduler scheduler_;
  simulated_storage storage_;
  std::shared_ptr<void> model_;
  runtime_options limits_;
  std::unique_ptr<runtime> program_;

  std::size_t begun_ = 0;
  std::size_t under_way_ = 0;
  std::uint64_t starts_ = 0;
  std::uint64_t idle_until_ = 0;  // steps
  std::optional<std::uint64_t> next_crash_;
  std::optional<std::uint64_t> next_jump_;
  bool has_changed_ = false;
  std::uint64_t operations_seen_ = 0;
  bool is_disturbed_ = true;
  run_outcome outcome_;
};

}  // namespace tyto::testing
