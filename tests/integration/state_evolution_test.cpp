// A stream is truncated by one version of a program and used by later ones, whose state has another form: the image
// that stands for the removed events follows.
#include <algorithm>
#include <string>

#include "ledger.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

struct pages_printed {
  std::int64_t pages = 0;
};
TYTO_EVENT(pages_printed, "printer.pages_printed", pages)

struct print {
  std::int64_t pages = 0;
};
struct report {};

struct first_state {
  std::int64_t pages = 0;
  std::int64_t jobs = 0;
  std::string tray = "A4";
};
TYTO_VALUE(first_state, pages, jobs, tray)

// A field more, which a new printer has at 100, one less, and the same type.
struct grown_state {
  std::int64_t pages = 0;
  std::int64_t jobs = 0;
  std::int64_t toner_percent = 100;
};
TYTO_VALUE(grown_state, pages, jobs, toner_percent)

// Another name and another unit.
struct changed_state {
  std::int64_t sheets = 0;
  std::string jobs = "0";
};
TYTO_VALUE(changed_state, sheets, jobs)

std::int64_t& pages_of(first_state& s) { return s.pages; }
std::int64_t& pages_of(grown_state& s) { return s.pages; }
std::int64_t& pages_of(changed_state& s) { return s.sheets; }

std::string told(const first_state& s) { return std::to_string(s.pages) + " pages, tray " + s.tray; }
std::string told(const grown_state& s) {
  return std::to_string(s.pages) + " pages, " + std::to_string(s.jobs) + " jobs, " + std::to_string(s.toner_percent);
}
std::string told(const changed_state& s) { return std::to_string(s.sheets) + " sheets, " + s.jobs + " jobs"; }

template <class State, std::uint32_t Version>
struct printer_of {
  static constexpr std::string_view category = "printer";
  static constexpr snapshot_policy snapshots{.schema_version = Version, .every_events = 1000};
  using command = std::variant<print, report>;
  using event = std::variant<pages_printed>;
  using state = State;
  static decision<event> decide(const state&, const print& c) { return pages_printed{c.pages}; }
  static decision<event> decide(const state& s, const report&) { return reject(told(s)); }
  static state evolve(state s, const pages_printed& e) {
    pages_of(s) += e.pages;
    return s;
  }
};

using first_printer = printer_of<first_state, 1>;
using grown_printer = printer_of<grown_state, 2>;

struct changed_printer : printer_of<changed_state, 3> {
  static void upcast_state(document& state, std::uint32_t version) {
    if (version == 1) state.set("toner_percent", 50);
    if (version == 2) {
      state.rename("pages", "sheets");
      state.set("sheets", state.get<std::int64_t>("sheets").value() / 2);
      state.set("jobs", std::to_string(state.get<std::int64_t>("jobs").value()) + "+");
    }
  }
};

struct printer_that_throws : printer_of<changed_state, 3> {
  static void upcast_state(document&, std::uint32_t) { throw std::runtime_error("out of paper"); }
};

storage truncated_by_the_first() {
  const auto stores = open_memory();
  runtime rt{stores, quiet()};
  rt.aggregate<first_printer>().start().value();
  for (int i = 0; i < 5; ++i) (void)rt.execute<first_printer>("p", print{2}).value();
  (void)rt.execute(truncate_stream<first_printer>("p", 5)).value();
  return stores;
}

template <class Printer>
std::string report_of(const storage& stores) {
  runtime rt{stores, quiet()};
  rt.aggregate<Printer>().start().value();
  return rt.execute<Printer>("p", report{}).error().message();
}

}  // namespace

TEST_CASE("A state that gained and lost fields is made from the image: what it lacks is as in a new state") {
  const auto stores = truncated_by_the_first();
  CHECK(report_of<first_printer>(stores) == "rejected: 10 pages, tray A4");
  CHECK(report_of<grown_printer>(stores) == "rejected: 10 pages, 0 jobs, 100");
  CHECK((report_of<printer_of<grown_state, 1>>(stores)) == "rejected: 10 pages, 0 jobs, 100");  // not raised
}

TEST_CASE("An image follows upcast_state from version to version, and then stands for the events of that version") {
  const auto stores = truncated_by_the_first();
  CHECK(report_of<changed_printer>(stores) == "rejected: 5 sheets, 0+ jobs");
  {
    runtime rt{stores, quiet()};
    rt.aggregate<changed_printer>().start().value();
    (void)rt.execute<changed_printer>("p", print{4}).value();
    (void)rt.execute(truncate_stream<changed_printer>("p", 6)).value();
  }
  CHECK(report_of<changed_printer>(stores) == "rejected: 9 sheets, 0+ jobs");
}

TEST_CASE("An image that cannot be made one of this version is an error that says why, and stays as it is") {
  const auto stores = truncated_by_the_first();
  CHECK_THAT((report_of<printer_of<changed_state, 3>>(stores)), Catch::Contains("jobs"));
  CHECK_THAT(report_of<printer_that_throws>(stores), Catch::Contains("out of paper"));
  {
    runtime rt{stores, quiet()};
    rt.aggregate<changed_printer>().start().value();
    (void)rt.execute(truncate_stream<changed_printer>("p", 6)).value();
  }
  CHECK_THAT(report_of<first_printer>(stores), Catch::Contains("has schema version 3, the aggregate's is 1"));
  CHECK(report_of<changed_printer>(stores) == "rejected: 5 sheets, 0+ jobs");
}

namespace {

struct job_done {};
TYTO_EVENT(job_done, "shop.job_done")

struct first_watch_state {
  int jobs = 0;
};
TYTO_VALUE(first_watch_state, jobs)
struct later_watch_state {
  int finished = 0;
  std::string note = "new";
};
TYTO_VALUE(later_watch_state, finished, note)

int& jobs_of(first_watch_state& s) { return s.jobs; }
int& jobs_of(later_watch_state& s) { return s.finished; }

template <class State, std::uint32_t Version>
struct watch_of {
  static constexpr std::string_view name = "watch";
  static constexpr snapshot_policy snapshots{.schema_version = Version, .every_events = 1000};
  using inputs = events<pages_printed>;
  using event = std::variant<job_done>;
  using state = State;
  static correlation correlate(const pages_printed&, const metadata& m) { return starts(m.entity_id()); }
  static decision<event> on(const state& s, const pages_printed& e, const metadata&) {
    auto seen = s;
    if (e.pages == 0) return reject("seen " + std::to_string(jobs_of(seen)));
    return job_done{};
  }
  static state evolve(state s, const job_done&) {
    ++jobs_of(s);
    return s;
  }
};
using first_watch = watch_of<first_watch_state, 1>;
struct later_watch : watch_of<later_watch_state, 2> {
  static void upcast_state(document& state, std::uint32_t) { state.rename("jobs", "finished"); }
};

}  // namespace

TEST_CASE("The image of a process manager's instance follows its upcast_state") {
  const auto stores = open_memory();
  {
    runtime rt{stores, quiet()};
    rt.aggregate<first_printer>().process_manager<first_watch>().start().value();
    for (int i = 0; i < 3; ++i) (void)rt.execute<first_printer>("p", print{2}).value();
    rt.settle(long_enough).value();
    (void)rt.execute(truncate_stream<process_instance<first_watch>>("p", 4)).value();
  }
  runtime rt{stores, quiet()};
  rt.aggregate<first_printer>().process_manager<later_watch>().start().value();
  (void)rt.execute<first_printer>("p", print{0}).value();
  rt.settle(long_enough).value();
  const auto now = rt.status();
  CHECK(std::ranges::any_of(now.consumers,
                            [](const auto& each) { return each.last_refusal.find("seen 3") != std::string::npos; }));
}
