// order_simulation: a shop in one process. Reads the command line, opens the storage, runs the simulation, audits the
// journal, prints the report. Exits with 0, with 1 after a failure or a failed audit, with 2 after bad input. A signal
// that asks it to stop ends it, once the runtime has stopped and the temporary directory is gone.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <tyto/lmdb_store.hpp>
#include <tyto/printable.hpp>
#ifdef SHOP_HAS_PAGE
#include <tyto/serve.hpp>
#endif

#include "generator.hpp"
#include "import.hpp"
#include "journal_account.hpp"
#include "money.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "simulation.hpp"
#include "stop_signals.hpp"

namespace {

enum exit_status { ok = 0, failure = 1, bad_input = 2 };

struct arguments {
  std::uint64_t orders = 10'000;
  std::string input;
  std::string data_dir;
  std::uint64_t seed = 42;
  double decline_rate = 0.02;
  double lost_payment_rate = 0;
  std::int64_t slow_notification_ms = 0;
  double fail_notification = 0;
  std::int64_t initial_stock = 1'000'000;
  std::uint64_t map_bytes = tyto::lmdb_options{}.map_bytes;
  bool json = false;
  std::optional<std::uint16_t> page_port;  // none: no page
};

// `advice` is a line of its own. Where there is no standard error, the status says it all.
int complain(exit_status status, const std::string& what, std::string_view advice = {}) {
  auto text = fmt::format("order_simulation: {}\n", tyto::printable(what));
  if (!advice.empty()) text += fmt::format("{}\n", advice);
  std::fputs(text.c_str(), stderr);
  return status;
}

std::string_view advice_for(tyto::errc code) {
  switch (code) {
    case tyto::errc::full:
      return "Make room on the disk, or give a larger --map-bytes. In a --data-dir, the program then goes on where it "
             "was.";
    case tyto::errc::io:
    case tyto::errc::permission:
      return "Mend what the message names. In a --data-dir, the program then goes on where it was.";
    case tyto::errc::stopped:
      return "In a --data-dir, the same command line goes on where it was.";
    case tyto::errc::damaged:
    case tyto::errc::foreign:
    case tyto::errc::undecodable:
      return "Unless the message says more: restore the whole data directory from a copy, or choose another "
             "--data-dir.";
    default:
      return {};
  }
}

int complain(const tyto::error& failed) { return complain(failure, failed.message(), advice_for(failed.code())); }

// Returns the exit status if there is nothing left to do.
std::optional<int> parse(int argc, char** argv, arguments& given) {
  CLI::App app{"Simulates a shop's orders on Tyto, then audits the journal.", "order_simulation"};
  const auto named = [](const std::string& text) {
    return text.empty() ? std::string{"the name is empty"} : std::string{};
  };
  const auto whole = [](const std::string& text) {
    std::uint64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool fits = failed == std::errc{} && end == text.data() + text.size();
    return fits ? std::string{} : "'" + text + "' is not a whole number from 0 to 18446744073709551615";
  };
  const auto rate = [](const std::string& text) {
    double value = 0;
    const bool fits = CLI::detail::lexical_cast(text, value) && value >= 0 && value <= 1;
    return fits ? std::string{} : "'" + text + "' is not a number from 0 to 1";
  };
  auto* orders = app.add_option("--orders", given.orders, "How many orders to generate")
                     ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1'000'000'000}))
                     ->capture_default_str();
  app.add_option("--input", given.input, "Take orders and returns from this CSV file instead")
      ->type_name("FILE.csv")
      ->check(named)
      ->excludes(orders);
  app.add_option("--data-dir", given.data_dir, "Where the journal is kept; default: a temporary directory")
      ->type_name("DIR")
      ->check(named);
  app.add_option("--map-bytes", given.map_bytes, "The most bytes that the journal can grow to")
      ->check(CLI::Range(std::uint64_t{1} << 20, std::uint64_t{1} << 46))
      ->capture_default_str();
  app.add_option("--seed", given.seed, "Decides which orders are generated and which payments are declined")
      ->check(whole)
      ->capture_default_str();
  app.add_option("--decline-rate", given.decline_rate, "The share of payments that is declined, from 0 to 1")
      ->check(rate)
      ->capture_default_str();
  app.add_option("--lost-payment-rate", given.lost_payment_rate,
                 "The share of the other payments that never come, from 0 to 1")
      ->check(rate)
      ->capture_default_str();
  app.add_option("--initial-stock", given.initial_stock, "Units of each stock code at the beginning")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1'000'000'000'000}))
      ->capture_default_str();
  app.add_option("--slow-notification", given.slow_notification_ms, "How long it takes to tell a customer")
      ->type_name("MS")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{10'000}))
      ->capture_default_str();
  app.add_option("--fail-notification", given.fail_notification,
                 "The share of customers whom the mail server fails to tell, from 0 to 1")
      ->check(rate)
      ->capture_default_str();
  app.add_flag("--json", given.json, "Print one JSON object instead of the report");
#ifdef SHOP_HAS_PAGE
  std::uint16_t page_port = 8421;
  const auto* serve =
      app.add_option("--serve", page_port, "Show the shop in a browser, until Ctrl-C; 0 takes a port that is free")
          ->type_name("[PORT]")
          ->expected(0, 1)
          ->capture_default_str();
#endif
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {
    return app.exit(done);
  } catch (const CLI::Error& wrong) {
    return complain(bad_input, wrong.what(), "Run order_simulation --help for more.");
  }
#ifdef SHOP_HAS_PAGE
  if (serve->count() > 0) given.page_port = page_port;
#endif
  return std::nullopt;
}

// The directory of the journal; one that we made ourselves is removed at the end.
class data_directory {
 public:
  explicit data_directory(std::string given) : path_(std::move(given)), temporary_(path_.empty()) {}
  ~data_directory() {
    std::error_code ignored;
    if (temporary_ && !path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  data_directory(const data_directory&) = delete;
  data_directory& operator=(const data_directory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] bool is_temporary() const { return temporary_; }

  // Returns what is wrong with the directory, if anything; makes the temporary one.
  std::optional<std::string> prepare() {
    std::error_code failed;
    if (!temporary_) {
      const bool is_there = std::filesystem::exists(path_, failed);
      if (!failed && (!is_there || std::filesystem::is_directory(path_, failed))) return std::nullopt;
      return "--data-dir: " + path_.string() + " is not a directory; name one, or a path where one can be made";
    }
    auto made = (std::filesystem::temp_directory_path(failed) / "order_simulation-XXXXXX").string();
    if (failed || mkdtemp(made.data()) == nullptr) {
      return "no temporary directory can be made (" + std::generic_category().message(errno) + "); use --data-dir";
    }
    path_ = made;
    return std::nullopt;
  }

 private:
  std::filesystem::path path_;
  bool temporary_;
};

std::string describe_source(const arguments& given, std::uint64_t invoices) {
  if (given.input.empty()) return shop::format_count(given.orders) + " generated orders";
  return shop::format_count(invoices) + " invoices from " + given.input;
}

std::string describe_settings(const arguments& given) {
  auto text =
      fmt::format("seed {}, {:g} % of payments declined, {} units of each stock code", given.seed,
                  given.decline_rate * 100, shop::format_count(static_cast<std::uint64_t>(given.initial_stock)));
  if (given.lost_payment_rate > 0) text += fmt::format("; {:g} % never come", given.lost_payment_rate * 100);
  if (given.slow_notification_ms > 0) text += fmt::format("; a notification takes {} ms", given.slow_notification_ms);
  if (given.fail_notification > 0) {
    text += fmt::format("; {:g} % of customers cannot be told at once", given.fail_notification * 100);
  }
  return text;
}

int print(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? ok : complain(failure, "the report cannot be written: " + std::generic_category().message(errno));
}

// Looks at the journal, and prints what has become of it.
int report(const arguments& given, const shop::invoice_source& source, const data_directory& directory,
           const tyto::storage& stores, const std::function<bool()>& stop_asked,
           const shop::simulation_outcome& outcome) {
  shop::report report;
  report.what = describe_source(given, source.count);
  report.settings = describe_settings(given);
  report.data_dir = directory.path();
  report.data_dir_is_temporary = directory.is_temporary();
  report.outcome = outcome;
  report.account = shop::account_for(*stores.journal, stop_asked);
  if (stop_asked()) return failure;  // the report would be one of half a journal
  report.audit_failure = shop::audit(report.account, report.outcome.read_model);
  const auto bytes = stores.journal->size_bytes();
  if (!bytes) return complain(bytes.error());
  report.journal_bytes = *bytes;

  const auto printed = print(given.json ? shop::to_json(report) : shop::to_text(report));
  if (report.audit_failure) return complain(failure, "the audit failed: " + *report.audit_failure);
  return printed;
}

// To whoever watches: what is printed on standard output is the report.
void say(const std::string& line) { std::fputs(("order_simulation: " + line + "\n").c_str(), stderr); }

// Serves the page of `rt`, which may act, on this machine. Its address goes to `address`.
tyto::result<std::shared_ptr<void>> begin_page([[maybe_unused]] tyto::runtime& rt, [[maybe_unused]] std::uint16_t port,
                                               [[maybe_unused]] std::string& address) {
#ifdef SHOP_HAS_PAGE
  auto page = tyto::serve(rt, {.port = port, .may_act = true, .title = "order simulation"});
  if (!page) return std::move(page).error();
  address = (*page)->url();
  say("the page is at " + address);
  return std::shared_ptr<void>{*std::move(page)};
#else
  return std::shared_ptr<void>{};
#endif
}

int run(const arguments& given, const shop::invoice_source& source, const data_directory& directory) {
  tyto::lmdb_options where;
  where.path = directory.path();
  where.map_bytes = given.map_bytes;
  const auto stores = tyto::open_lmdb(where);
  if (!stores) return complain(stores.error());
  const auto foreign = shop::foreign_event(*stores->journal);
  if (!foreign) return complain(foreign.error());
  if (*foreign) {
    return complain(bad_input, "--data-dir: " + directory.path().string() +
                                   " is another program's, its first event is " + **foreign +
                                   "; choose another directory");
  }

  shop::simulation_options options{
      {given.seed, given.decline_rate, given.lost_payment_rate},
      {given.seed, std::chrono::milliseconds{given.slow_notification_ms}, given.fail_notification},
      given.initial_stock,
      shop::at_terminal(),
      [] { return program::noted_signal() != 0; },
      directory.is_temporary() ? std::filesystem::path{} : directory.path() / "control.sock"};
  std::optional<int> reported;
  std::string page;
  if (given.page_port) {
    options.begin_showing = [&](tyto::runtime& rt) { return begin_page(rt, *given.page_port, page); };
    options.before_end = [&](const shop::simulation_outcome& outcome) {
      reported = report(given, source, directory, *stores, options.stop_asked, outcome);
      if (!options.stop_asked()) say(fmt::format("the page is at {}; Ctrl-C ends", page));
      while (!options.stop_asked()) std::this_thread::sleep_for(std::chrono::milliseconds{50});
    };
  }
  const auto outcome = shop::simulate(*stores, source, options);
  if (!outcome) return complain(outcome.error());
  return reported ? *reported : report(given, source, directory, *stores, options.stop_asked, *outcome);
}

int run(int argc, char** argv) {
  arguments given;
  if (const auto status = parse(argc, argv, given)) return *status;

  shop::invoice_source source;
  if (given.input.empty()) {
    source = shop::generate(given.seed, given.orders);
  } else {
    auto invoices = shop::import_invoices(given.input);
    if (!invoices) return complain(bad_input, invoices.error().message());
    source = shop::source_of(*std::move(invoices));
  }
  program::note_stop_signals();
  data_directory directory{given.data_dir};
  if (const auto problem = directory.prepare()) return complain(bad_input, *problem);
  return run(given, source, directory);
}

}  // namespace

int main(int argc, char** argv) {
  int status = failure;
  try {
    status = run(argc, argv);
  } catch (const std::exception& failed) {
    complain(failure, failed.what());
  }
  program::end_by_noted_signal();
  return status;
}
