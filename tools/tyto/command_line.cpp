#include "command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "output.hpp"
#include "tyto/tyto.hpp"

namespace tyto::tool {
namespace {

// Everything that a command line can say. CLI11 writes to these.
struct arguments {
  setting given;
  std::string colour = "auto";
  selection_request which;
  tail_request tail;
  export_request exported;
  discard_request discard;
  replay_request replay;
  restore_request restored;
  serve_request serve;
  change_request change;
  std::vector<std::string> categories;
  std::string stream;
  std::uint64_t from = 1;
  std::string moment;
  std::string correlation;
  std::string form = "tree";
  std::string consumer;
  std::string key;
  std::filesystem::path path;
  std::string query;
  std::uint64_t max_rows = 0;
};

class commands {
 public:
  explicit commands(arguments& read) : read_(read) {}

  void declare(CLI::App& app);
  /// Runs what was asked for.
  outcome run() { return chosen_(); }

 private:
  using action = std::function<outcome(const setting&)>;

  CLI::App* add(CLI::App& to, const std::string& name, const std::string& what, action act) {
    auto* made = to.add_subcommand(name, what);
    made->fallthrough();
    made->callback([this, act = std::move(act)] { chosen_ = [this, act] { return act(read_.given); }; });
    return made;
  }
  static void add_selection(CLI::App& to, selection_request& which);
  void declare_looking(CLI::App& app);
  void declare_acting(CLI::App& app);
  void declare_upkeep(CLI::App& app);
  void declare_dead_letters(CLI::App& app);
  void declare_page(CLI::App& app);
  void declare_changes(CLI::App& app);

  arguments& read_;
  std::function<outcome()> chosen_;
};

// CLI11 would take "010" for 8, and "-1" for the largest number.
std::string whole_number(const std::string& text) {
  std::uint64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, failed] = std::from_chars(text.data(), end, number);
  const bool has_zeros = text.size() > 1 && text.front() == '0';
  if (failed == std::errc{} && stopped == end && !text.empty() && !has_zeros) return {};
  return "'" + text + "' is not a whole number from 0 to 18446744073709551615, written without leading zeros";
}

std::string not_empty(const std::string& text) { return text.empty() ? "it is empty" : ""; }

void commands::add_selection(CLI::App& to, selection_request& which) {
  to.add_option("--type", which.types, "Events of this type; may be given several times")
      ->check(not_empty)
      ->type_name("TYPE")
      ->take_all();
  to.add_option("--category", which.categories, "Events of streams of this category; may be given several times")
      ->check(not_empty)
      ->type_name("CATEGORY")
      ->take_all();
  to.add_option("--since", which.since, "Events of this time or later: 10m, 2h, 3d, 2026-03-02, 2026-03-02T09:30Z")
      ->type_name("TIME")
      ->check(not_empty);
  to.add_option("--until", which.until, "Events before this time")->type_name("TIME")->check(not_empty);
  to.add_option("--correlation", which.correlation, "Events with this correlation id")
      ->check(not_empty)
      ->type_name("ID");
  to.add_option("--where", which.where,
                "Events whose payload has this value, such as cents=500 or address.city=Oslo; may be given several "
                "times, and then all must hold")
      ->type_name("FIELD=VALUE")
      ->take_all();
}

void commands::declare(CLI::App& app) {
  app.require_subcommand(1);
  app.set_version_flag("--version", fmt::format("tyto {}", TYTO_VERSION));
  app.add_option("-d,--dir", read_.given.directory, "The storage's directory")
      ->type_name("DIR")
      ->envname("TYTO_DIR")
      ->default_str(".")
      ->check(not_empty);
  app.add_option("--socket", read_.given.socket,
                 "The running program's control socket; without it, control.sock in DIR")
      ->type_name("FILE")
      ->check(not_empty);
  app.add_flag("--json", read_.given.how.json, "One JSON object a line instead of a table");
  app.add_flag("--utc", read_.given.how.utc, "Times in UTC instead of the time zone of this machine");
  app.add_option("--color", read_.colour, "Colours: auto, always or never; auto heeds NO_COLOR")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN")
      ->capture_default_str();
  app.parse_complete_callback([this] {
    const std::map<std::string, colour_use> colours{
        {"auto", colour_use::automatic}, {"always", colour_use::always}, {"never", colour_use::never}};
    read_.given.how.colour = wants_colour(colours.at(read_.colour));
  });
  app.footer(
      "Streams are named category|entity, which a shell wants in quotes: tyto cat 'account|alice'.\n"
      "The exit status is 0; 1 if the answer is no (nothing there, damaged, different, not healthy); 2 for a wrong\n"
      "command line or directory; 3 if something failed.");
  declare_looking(app);
  declare_acting(app);
  declare_upkeep(app);
}

void commands::declare_looking(CLI::App& app) {
  add(app, "info", "What the storage says of itself", [](const setting& given) { return show_info(given); });
  add(app, "streams", "Lists the streams",
      [this](const setting& given) { return show_streams(given, read_.categories); })
      ->add_option("--category", read_.categories, "Streams of this category; may be given several times")
      ->check(not_empty)
      ->type_name("CATEGORY")
      ->take_all();
  auto* cat = add(app, "cat", "Prints the events of a stream",
                  [this](const setting& given) { return show_stream(given, read_.stream, read_.from); });
  cat->add_option("STREAM", read_.stream, "Its name, category|entity")->check(not_empty)->required();
  cat->add_option("--from", read_.from, "The first event's number in the stream")
      ->check(whole_number)
      ->type_name("NUMBER");
  auto* tail =
      add(app, "tail", "Prints the last events", [this](const setting& given) { return show_tail(given, read_.tail); });
  tail->add_option("-n,--count", read_.tail.count, "How many")
      ->type_name("COUNT")
      ->check(whole_number)
      ->check(CLI::Range(1'000'000))
      ->capture_default_str();
  tail->add_flag("-f,--follow", read_.tail.follow, "Goes on with what is stored from now on, until Ctrl-C");
  tail->add_flag("--full", read_.tail.full, "Cuts nothing to the width of the terminal");
  add_selection(*tail, read_.tail.which);
  add_selection(*add(app, "stats", "Counts events by type and category, and names the longest streams",
                     [this](const setting& given) { return show_stats(given, read_.which); }),
                read_.which);
  add(app, "consumers", "Lists consumers: how far each is, and how it is doing if the program runs",
      [](const setting& given) { return show_consumers(given); });
  add(app, "health", "Asks the running program whether all is well",
      [](const setting& given) { return show_health(given); });
  add(app, "deadlines", "Lists the deadlines that process managers have set",
      [](const setting& given) { return show_deadlines(given); });
  auto* trace = add(app, "trace", "Prints what one request set off, as a tree", [this](const setting& given) {
    const std::map<std::string, trace_form> forms{
        {"tree", trace_form::tree}, {"json", trace_form::json}, {"chrome", trace_form::chrome}};
    return show_trace(given, read_.correlation, forms.at(read_.form));
  });
  trace->add_option("CORRELATION_ID", read_.correlation, "The correlation id that its events share")
      ->required()
      ->check(not_empty);
  trace->add_option("--format", read_.form, "tree, json, or chrome: the form that chrome://tracing and Perfetto read")
      ->check(CLI::IsMember({"tree", "json", "chrome"}))
      ->capture_default_str();
  auto* state = add(app, "state", "Prints the latest snapshot of an aggregate's state, and what has happened since",
                    [this](const setting& given) { return show_state(given, read_.stream, read_.moment); });
  state->add_option("STREAM", read_.stream, "Its name, category|entity")->check(not_empty)->required();
  state->add_option("--at", read_.moment, "As of the event of this number, or of this time")
      ->check(not_empty)
      ->type_name("NUMBER|TIME");
  auto* exported = add(app, "export", "Writes events as lines",
                       [this](const setting& given) { return export_events(given, read_.exported); });
  exported->add_option("--format", read_.exported.format, "jsonl, cloudevents (CloudEvents 1.0 in JSON) or csv")
      ->check(CLI::IsMember({"jsonl", "cloudevents", "csv"}))
      ->capture_default_str();
  exported->add_option("--from", read_.exported.range.from, "The first position")
      ->check(whole_number)
      ->type_name("POSITION");
  exported->add_option("--to", read_.exported.range.to, "The last position")
      ->check(whole_number)
      ->type_name("POSITION");
  exported->add_option("-o,--output", read_.exported.file, "The file; without it, standard output")
      ->type_name("FILE")
      ->check(not_empty);
  add_selection(*exported, read_.exported.which);
  auto* diff = add(app, "diff", "Compares two journals event by event",
                   [this](const setting& given) { return compare_journals(given, read_.path); });
  diff->add_option("OTHER", read_.path, "The other storage's directory")
      ->check(not_empty)
      ->type_name("DIR")
      ->required();
  auto* sql =
      add(app, "sql", "Asks in SQL: tables events, streams, consumers, dead_letters, and each projection's rows",
          [this](const setting& given) { return run_sql(given, read_.query, read_.max_rows); });
  sql->add_option("QUERY", read_.query, "For example: select type, count(*) from events group by type")
      ->required()
      ->check(not_empty);
  sql->add_option("--max-rows", read_.max_rows, "Stops after so many rows; 0: never")
      ->check(whole_number)
      ->type_name("COUNT")
      ->capture_default_str();
  add(app, "mcp",
      "Serves the journal, read-only, to an AI agent: the Model Context Protocol on standard input and output",
      [](const setting& given) { return serve_mcp(given); });
  declare_page(app);
}

#ifdef TYTO_HAS_PAGE
void commands::declare_page(CLI::App& app) {
  auto* serve = add(app, "serve", "Shows the storage, and the program that runs on it, as a page in the browser",
                    [this](const setting& given) { return serve_page(given, read_.serve); });
  serve->add_option("-p,--port", read_.serve.port, "0 takes one that is free")
      ->check(whole_number)
      ->type_name("PORT")
      ->capture_default_str();
  serve->add_option("--address", read_.serve.address, "One that other machines can reach takes a token and TLS")
      ->type_name("ADDRESS")
      ->capture_default_str();
  serve->add_flag("--act", read_.serve.may_act,
                  "Lets the page replay and discard dead letters, pause, resume and reset consumers");
  serve->add_option("--token-file", read_.serve.token_file, "Who looks must know the first line of this file")
      ->type_name("FILE");
  serve->add_option("--certificate", read_.serve.certificate, "The certificate for TLS, in PEM")->type_name("FILE");
  serve->add_option("--key", read_.serve.private_key, "Its private key, in PEM")->type_name("FILE");
  serve->add_option("--name", read_.serve.names, "A name by which browsers reach it; may be given several times")
      ->check(not_empty)
      ->type_name("HOST")
      ->take_all();
}
#else
void commands::declare_page(CLI::App&) {}
#endif

void commands::declare_dead_letters(CLI::App& app) {
  auto* letters = app.add_subcommand("dead-letters", "Events that a consumer could not handle");
  letters->fallthrough();
  letters->require_subcommand(1);
  auto* list = add(*letters, "list", "Lists them",
                   [this](const setting& given) { return list_dead_letters(given, read_.consumer); });
  list->add_option("CONSUMER", read_.consumer, "Those of this consumer")->check(not_empty);
  auto* replay = add(*letters, "replay", "Has the running program handle them again", [this](const setting& given) {
    read_.replay.consumer = read_.consumer;
    if (!read_.key.empty()) read_.replay.key = read_.key;
    return replay_dead_letters(given, read_.replay);
  });
  replay->add_option("CONSUMER", read_.consumer)->check(not_empty)->required();
  replay->add_option("--key", read_.key, "Only those with this key")->check(not_empty);
  auto* discard = add(*letters, "discard", "Gives one up", [this](const setting& given) {
    read_.discard.consumer = read_.consumer;
    return discard_dead_letter(given, read_.discard);
  });
  discard->add_option("CONSUMER", read_.consumer)->check(not_empty)->required();
  discard->add_option("POSITION", read_.discard.position)->check(whole_number)->required();
}

void commands::declare_acting(CLI::App& app) {
  declare_dead_letters(app);
  const auto for_consumer = [&](const char* name, const char* what,
                                outcome (*act)(const setting&, const std::string&)) {
    add(app, name, what, [this, act](const setting& given) { return act(given, read_.consumer); })
        ->add_option("CONSUMER", read_.consumer, "Its name; `tyto consumers` lists them")
        ->check(not_empty)
        ->required();
  };
  for_consumer("pause", "Has a consumer of the running program take nothing more", pause_consumer);
  for_consumer("resume", "Has a consumer that is paused or has halted go on", resume_consumer);
  for_consumer("reset", "Has a projection forget its rows and begin anew", reset_consumer);
}

void commands::declare_changes(CLI::App& app) {
  const auto for_stream = [&](const char* name, const char* what, stream_change change) {
    auto* made = add(app, name, what,
                     [this, change](const setting& given) { return change_stream(given, change, read_.change); });
    made->add_option("STREAM", read_.change.stream, "Its name, category|entity")->check(not_empty)->required();
    made->add_flag("--yes", read_.change.is_confirmed, "It is meant: this cannot be undone");
    return made;
  };
  for_stream("close", "Has a stream take no more events", stream_change::close);
  for_stream("truncate", "Has the running program remove the first events of a stream", stream_change::truncate)
      ->add_option("--before", read_.change.before, "The number of the first event that stays")
      ->check(whole_number)
      ->type_name("NUMBER")
      ->required();
  for_stream("delete", "Removes a stream", stream_change::remove);
}

void commands::declare_upkeep(CLI::App& app) {
  add(app, "verify", "Reads everything, page by page first, and says what is damaged",
      [](const setting& given) { return verify_storage(given); });
  add(app, "backup", "Copies the journal, also while the program runs",
      [this](const setting& given) { return back_up(given, read_.path); })
      ->add_option("DEST", read_.path, "A directory that is missing or empty")
      ->check(not_empty)
      ->type_name("DIR")
      ->required();
  auto* restored = add(app, "restore", "Puts a backup in the place of the directory",
                       [this](const setting& given) { return restore(given, read_.restored); });
  restored->add_option("BACKUP", read_.restored.backup, "The backup's directory")
      ->check(not_empty)
      ->type_name("DIR")
      ->required();
  restored->add_flag("--replace", read_.restored.replace, "Moves aside what is in the directory");
  add(app, "compact", "Gives back the space of removed events",
      [](const setting& given) { return compact_journal(given); });
  declare_changes(app);
}

}  // namespace

outcome run(int argc, char** argv) {
  arguments read;
  commands all{read};
  CLI::App app{"Looks at a Tyto storage and acts on it: live, at rest, or damaged.", "tyto"};
  all.declare(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {
    app.exit(wanted);
    return done;
  } catch (const CLI::Error& wrong) {
    note(wrong.what());
    note("`tyto --help` lists the commands, `tyto COMMAND --help` what one takes");
    return bad_usage;
  }
  return all.run();
}

}  // namespace tyto::tool
