// What the subcommands do, each a function of what its command line says. They return the exit status, or the error
// that main() prints.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "event_reader.hpp"
#include "event_selection.hpp"
#include "terminal.hpp"
#include "tyto/result.hpp"

namespace tyto::tool {

/// How the program ends, for scripts.
enum exit_status : int {
  done = 0,
  answer_is_no = 1,  // what was asked for is not there, differs, is damaged, or is not healthy
  bad_usage = 2,     // the command line is wrong
  failed = 3,        // it could not be done; standard error says why
};

/// What holds for every command.
struct setting {
  std::filesystem::path directory = ".";
  std::filesystem::path socket;  // of the program that runs on it; empty: control.sock in the directory
  style how;
};

/// Which events, as the command line says it.
struct selection_request {
  std::vector<std::string> types;
  std::vector<std::string> categories;
  std::string since;
  std::string until;
  std::string correlation;
  std::vector<std::string> where;

  [[nodiscard]] result<event_selection> parsed(const style& how) const;
};

struct tail_request {
  selection_request which;
  std::size_t count = 10;
  bool follow = false;
  bool full = false;  // nothing is cut to the width of the terminal
};
struct export_request {
  selection_request which;
  std::string format = "jsonl";
  position_range range;
  std::string file;  // empty: standard output
};
struct discard_request {
  std::string consumer;
  std::uint64_t position = 0;
};
struct serve_request {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8421;
  bool may_act = false;
  std::filesystem::path token_file;  // empty: nobody is asked for one
  std::filesystem::path certificate;
  std::filesystem::path private_key;
  std::vector<std::string> names;
};
struct replay_request {
  std::string consumer;
  std::optional<std::string> key;
};
struct restore_request {
  std::filesystem::path backup;
  bool replace = false;
};
struct change_request {
  std::string stream;
  std::uint64_t before = 0;  // for truncate
  bool is_confirmed = false;
};

using outcome = result<exit_status>;

outcome show_info(const setting& given);
outcome show_streams(const setting& given, const std::vector<std::string>& categories);
outcome show_stream(const setting& given, const std::string& stream, std::uint64_t from);
outcome show_tail(const setting& given, const tail_request& request);
outcome show_stats(const setting& given, const selection_request& which);
outcome show_consumers(const setting& given);
outcome show_health(const setting& given);
outcome show_deadlines(const setting& given);
enum class trace_form { tree, json, chrome };
outcome show_trace(const setting& given, const std::string& correlation, trace_form form);
outcome show_state(const setting& given, const std::string& stream, const std::string& at);
outcome verify_storage(const setting& given);
outcome export_events(const setting& given, const export_request& request);
outcome compare_journals(const setting& given, const std::filesystem::path& other);

outcome list_dead_letters(const setting& given, const std::string& consumer);
outcome replay_dead_letters(const setting& given, const replay_request& request);
outcome discard_dead_letter(const setting& given, const discard_request& request);
outcome pause_consumer(const setting& given, const std::string& consumer);
outcome resume_consumer(const setting& given, const std::string& consumer);
outcome reset_consumer(const setting& given, const std::string& consumer);

outcome back_up(const setting& given, const std::filesystem::path& to);
outcome restore(const setting& given, const restore_request& request);
outcome compact_journal(const setting& given);
enum class stream_change { close, truncate, remove };
outcome change_stream(const setting& given, stream_change what, const change_request& request);

outcome run_sql(const setting& given, const std::string& query, std::uint64_t max_rows);
outcome serve_mcp(const setting& given);
/// Only where the page is built: TYTO_HAS_PAGE.
outcome serve_page(const setting& given, const serve_request& request);

}  // namespace tyto::tool
