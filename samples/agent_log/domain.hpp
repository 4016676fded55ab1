// The domain: tasks that an AI agent works on, each an aggregate that records what the agent did and holds it to its
// budget of tokens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tyto/decision.hpp>
#include <tyto/event.hpp>
#include <variant>
#include <vector>

namespace agent {

struct task_started {
  std::string goal;
  std::string model;
  std::int64_t budget_tokens = 0;
};
struct tool_called {
  std::string tool;
  std::string input;
  std::string output;
  std::int64_t tokens = 0;  // read and written by the model to get there
};
struct task_finished {
  std::string answer;
  std::int64_t tokens = 0;
};
struct task_stopped {
  std::string reason;
};
TYTO_EVENT(task_started, "task.started", goal, model, budget_tokens)
TYTO_EVENT(tool_called, "task.tool_called", tool, input, output, tokens)
TYTO_EVENT(task_finished, "task.finished", answer, tokens)
TYTO_EVENT(task_stopped, "task.stopped", reason)

inline constexpr std::string_view out_of_tokens = "the budget is used up";

struct task {
  static constexpr std::string_view category = "task";

  struct start {
    std::string goal;
    std::string model;
    std::int64_t budget_tokens = 0;
  };
  struct record_call {
    tool_called call;
  };
  struct finish {
    std::string answer;
    std::int64_t tokens = 0;
  };

  using command = std::variant<start, record_call, finish>;
  using event = std::variant<task_started, tool_called, task_finished, task_stopped>;

  enum class phase {
    unknown,  // next: running
    running,  // next: over
    over,     // finished or stopped
  };
  struct state {
    phase at = phase::unknown;
    std::int64_t left_tokens = 0;
  };

  static tyto::decision<event> decide(const state& now, const start& c) {
    if (now.at != phase::unknown) return tyto::reject("the task was started before");
    if (c.budget_tokens < 1) return tyto::reject("a task needs a budget");
    return task_started{c.goal, c.model, c.budget_tokens};
  }
  // What was called was called, also if it used more than there was: then it was the last call.
  static tyto::decision<event> decide(const state& now, const record_call& c) {
    if (now.at != phase::running) return tyto::reject("the task is not running");
    if (c.call.tokens < now.left_tokens) return c.call;
    return std::vector<event>{c.call, task_stopped{std::string{out_of_tokens}}};
  }
  static tyto::decision<event> decide(const state& now, const finish& c) {
    if (now.at != phase::running) return tyto::reject("the task is not running");
    return task_finished{c.answer, c.tokens};
  }

  static state evolve(const state&, const task_started& e) { return {phase::running, e.budget_tokens}; }
  static state evolve(state now, const tool_called& e) {
    now.left_tokens -= e.tokens;
    return now;
  }
  static state evolve(const state&, const task_finished&) { return {phase::over, 0}; }
  static state evolve(const state&, const task_stopped&) { return {phase::over, 0}; }
};

}  // namespace agent
