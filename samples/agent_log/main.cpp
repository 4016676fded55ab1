// An AI agent's tasks as events. Plays back a scripted morning of an agent, then reads the journal in three ways: the
// trail of one task, the use of tokens per hour, and everything as JSON Lines in agent_log.jsonl, for training and
// analysis, and in agent_spans.jsonl under the names that OpenTelemetry has for what agents do. Keeps its journal in
// ./agent_journal. The clock is the script's and the commands carry ids, so every run prints and exports the same.
//
// `agent_log errand` sends three letters with a tool, and `agent_log errand N` is killed at the N-th moment of that.
#include <fmt/chrono.h>
#include <fmt/core.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <tyto/testing/test_clock.hpp>
#include <tyto/tyto.hpp>
#include <variant>

#include "domain.hpp"
#include "errand.hpp"
#include "post_office.hpp"
#include "spans.hpp"
#include "usage_per_hour.hpp"

namespace {

using namespace agent;

constexpr tyto::timestamp nine{std::chrono::sys_days{std::chrono::year{2026} / 3 / 2} + std::chrono::hours{9}};

// What the agent did, and at which minute after nine. In a real agent, the loop around the model sends these commands.
struct scripted {
  int minute;
  const char* task_id;
  task::command what;
};

std::vector<scripted> morning() {
  using start = task::start;
  using call = task::record_call;
  using finish = task::finish;
  return {
      {2, "T1", start{"Which of our tests is slowest?", "owl-2", 4'000}},
      {3, "T1", call{{"shell", "ctest --show-only", "106 tests", 350}}},
      {5, "T1", call{{"shell", "ctest", "106 passed, slowest: kills leave no trace, 4.1 s", 900}}},
      {6, "T1", finish{"The one that kills the simulation: 4.1 s.", 420}},
      {40, "T2", start{"Why is the build red?", "owl-2", 2'000}},
      {41, "T2", call{{"read_file", "build.log", "error: no member named 'approves'", 800}}},
      {75, "T2", call{{"search", "approves", "3 places", 500}}},
      {76, "T3", start{"Translate the manual into Latin", "owl-2-small", 1'000}},
      {77, "T3", call{{"read_file", "manual.md", "(24 pages)", 1'200}}},
      {78, "T3", finish{"Gallia est omnis divisa in partes tres.", 90}},
      {80, "T2", finish{"A function was renamed, a test was not.", 310}},
      {190, "T4", start{"Draft the release notes", "owl-2", 3'000}},
      {194, "T4", call{{"shell", "git log", "16 commits", 700}}},
      {201, "T4", finish{"Process managers, dead letters, compaction.", 650}},
  };
}

void play(tyto::runtime& rt, tyto::testing::test_clock& clock) {
  fmt::print("Refused, and on record:\n");
  for (const auto& each : morning()) {
    clock.set(nine + std::chrono::minutes{each.minute});
    tyto::command_options options;
    options.command_id = fmt::format("{}/minute-{}", each.task_id, each.minute);
    options.correlation_id = each.task_id;
    options.record_rejection = true;
    const auto done = std::visit([&](const auto& c) { return rt.execute<task>(each.task_id, c, options); }, each.what);
    if (!done) fmt::print("  {}  {}\n", each.task_id, done.error().message());
  }
}

std::string in_words(const task_started& e) { return fmt::format("asked: {} ({})", e.goal, e.model); }
std::string in_words(const tool_called& e) { return fmt::format("{}: {} -> {}", e.tool, e.input, e.output); }
std::string in_words(const task_finished& e) { return "answered: " + e.answer; }
std::string in_words(const task_stopped& e) { return "stopped: " + e.reason; }

// What people and tools have said may hold anything.
void print_trail(const tyto::event_store& journal, const std::string& task_id) {
  fmt::print("\nThe trail of {}:\n", task_id);
  const auto trail = tyto::history<task>(journal, task_id).value();
  for (const auto& [event, meta] : trail) {
    fmt::print("  {:>2}  {:%H:%M}  {}\n", meta.position, meta.time,
               tyto::printable(std::visit([](const auto& e) { return in_words(e); }, event)));
  }
}

void print_usage(tyto::runtime& rt, std::uint64_t head) {
  fmt::print("\n{:>7}{:>9}{:>10}{:>9}{:>7}{:>8}\n", "hour", "started", "finished", "stopped", "calls", "tokens");
  const usage_per_hour::between today{nine, nine + std::chrono::hours{9}};
  const auto hours = rt.query<usage_per_hour>(today, {head}).value();
  for (const auto& [hour, row] : hours) {
    fmt::print("  {:%H:%M}{:>9}{:>10}{:>9}{:>7}{:>8}\n", hour, row.started, row.finished, row.stopped, row.calls,
               row.tokens);
  }
}

void flush_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    throw std::runtime_error("the standard output cannot be written");
  }
}

// Kills the program at a moment that was chosen before, without any chance to put something away.
class killer {
 public:
  explicit killer(std::uint64_t at) : left_(at) {}
  void pass_moment() {
    if (left_ > 0 && --left_ == 0) {
      flush_output();
      std::raise(SIGKILL);
    }
  }

 private:
  std::uint64_t left_;
};

// Begins the errand, or goes on where the journal says that it was.
void run_errand(std::uint64_t kill_at) {
  const auto stores = tyto::open_lmdb({.path = "errand_journal"}).value();
  tyto::runtime rt{stores};
  rt.aggregate<errand>().start().value();
  killer killing{kill_at};
  const post_office post{[&] { killing.pass_moment(); }, [&] { killing.pass_moment(); }};

  rt.execute<errand>("E1", errand::begin{{"to Ann", "to Ben", "to Carol"}}).value();
  const auto known = tyto::state_at<errand>(*stores.journal, "E1", tyto::at_time{tyto::timestamp::max()}).value();
  for (std::uint64_t i = 0; i < known.letters.size(); ++i) {
    if (i < known.receipts.size()) {
      fmt::print("the letter {}: {}, as the journal has it\n", known.letters[i], known.receipts[i]);
      continue;
    }
    killing.pass_moment();
    const bool was_under_way = i == known.receipts.size() && known.is_under_way;
    rt.execute<errand>("E1", errand::request_call{i}).value();
    killing.pass_moment();
    const auto receipt = post.send(fmt::format("E1/{}", i), known.letters[i]);
    rt.execute<errand>("E1", errand::record_answer{i, receipt}).value();
    fmt::print("the letter {}: {}{}\n", known.letters[i], receipt,
               was_under_way ? ", asked for again: it was under way when the agent was killed" : "");
    killing.pass_moment();
  }
  flush_output();
}

// Returns at which moment the program is to be killed, 0: at none; or nothing if the command line makes no sense.
std::optional<std::uint64_t> parse_errand(int argc, char** argv) {
  if (argc < 2 || argc > 3 || std::string_view{argv[1]} != "errand") return std::nullopt;
  std::uint64_t kill_at = 0;
  if (argc == 2) return kill_at;
  const std::string_view text{argv[2]};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), kill_at);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return kill_at;
}

}  // namespace

int main(int argc, char** argv) {
  const auto kill_at = parse_errand(argc, argv);
  if (argc > 1 && !kill_at) {
    std::fputs(
        "usage: agent_log [errand [N]]; it keeps its journal in ./agent_journal, the errand's in "
        "./errand_journal\n",
        stderr);
    return 2;
  }
  try {
    if (kill_at) {
      run_errand(*kill_at);
      return 0;
    }
    tyto::lmdb_options where;
    where.path = "agent_journal";
    const auto stores = tyto::open_lmdb(where).value();
    const auto clock = std::make_shared<tyto::testing::test_clock>(nine);
    tyto::runtime_options options;
    options.time = clock;
    tyto::runtime rt{stores, options};
    rt.aggregate<task>().projection<usage_per_hour>().start().value();
    play(rt, *clock);
    print_trail(*stores.journal, "T3");
    print_usage(rt, rt.status().head);
    flush_output();  // before a file is opened: it would take the place of a standard output that is closed

    std::ofstream file{"agent_log.jsonl"};
    const auto lines = tyto::export_json_lines(*stores.journal, file).value();
    if (!file.flush()) throw std::runtime_error("agent_log.jsonl cannot be written");
    std::ofstream spans_file{"agent_spans.jsonl"};
    const auto spans = write_spans(*stores.journal, spans_file).value();
    if (!spans_file.flush()) throw std::runtime_error("agent_spans.jsonl cannot be written");
    fmt::print("\n{} events are in agent_log.jsonl, {} of them in agent_spans.jsonl\n", lines, spans);
    flush_output();
  } catch (const std::exception& failed) {
    std::fputs(fmt::format("agent_log: {}\n", tyto::printable(failed.what())).c_str(), stderr);
    return 1;
  }
}
