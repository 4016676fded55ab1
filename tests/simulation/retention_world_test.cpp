// Streams that are truncated, closed and deleted in simulated worlds, in memory and in LMDB, whose journal is compacted
// meanwhile.
#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "seeds.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include "tyto/testing/simulation.hpp"
#include "tyto/tyto.hpp"

using namespace tyto;
using namespace tyto::test;
using tyto::testing::choices;
using tyto::testing::inside;
using tyto::testing::simulation;
using tyto::testing::simulation_options;

namespace {

struct written {
  std::uint64_t number = 0;
};
struct what_is_there {
  std::vector<std::uint64_t> numbers;
};
TYTO_EVENT(written, "page.written", number)
TYTO_REJECTION(what_is_there, "page.what_is_there", numbers)

/// Knows all that was ever written to it, also when its first events are gone.
struct page {
  static constexpr std::string_view category = "page";
  static constexpr snapshot_policy snapshots{.every_events = 3};
  struct write {
    std::uint64_t number = 0;
  };
  struct read {};
  using command = std::variant<write, read>;
  using event = std::variant<written>;
  struct state {
    std::vector<std::uint64_t> numbers;
  };
  static decision<event> decide(const state&, const write& c) { return written{c.number}; }
  static decision<event> decide(const state& s, const read&) { return reject(what_is_there{s.numbers}, "read it"); }
  static state evolve(state s, const written& e) {
    s.numbers.push_back(e.number);
    return s;
  }
};
TYTO_VALUE(page::state, numbers)

struct copies {
  static constexpr std::string_view name = "copies";
  using table = tyto::table<std::uint64_t, std::uint64_t>;
  static void project(table& rows, const written& e, const metadata&) {
    rows.update(e.number, [](std::uint64_t& times) { ++times; });
  }
};

/// What the world outside knows of one page.
struct known_page {
  std::set<std::uint64_t> sent;
  std::set<std::uint64_t> acknowledged;
  std::uint64_t version = 0;  // that was acknowledged
  std::uint64_t first = 1;    // likewise, of what is left
  bool may_be_cut = false;    // somebody has asked for it, and so on
  bool may_be_closed = false;
  bool may_be_deleted = false;
  bool is_closed = false;
  bool is_deleted = false;
};

struct library {
  std::uint64_t last_number = 0;
  std::map<std::string, known_page> pages;
};

void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

known_page& pick(library& outside, std::string& id, choices& draw) {
  id = std::to_string(draw.below(4));
  return outside.pages[id];
}

bool is_closed(const auto& answer) {
  const auto* failed = answer ? nullptr : answer.error().failed();
  return failed != nullptr && failed->code() == errc::closed;
}

void send_number(runtime& rt, known_page& to, const std::string& id, std::uint64_t number) {
  const bool was_closed = to.is_closed || to.is_deleted;
  const bool was_deleted = to.is_deleted;
  const bool was_known = to.acknowledged.contains(number);
  command_options options;
  options.command_id = "number " + std::to_string(number);
  const auto answer = rt.execute<page>(id, page::write{number}, options);
  require(!is_closed(answer) || to.may_be_closed || to.may_be_deleted, "page " + id + " says that it is closed");
  if (!answer) return;
  require(!was_deleted, "page " + id + " was deleted, and takes numbers");
  require(!was_closed || answer->repeated, "page " + id + " was closed, and takes numbers");
  require(!was_known || answer->repeated, "number " + std::to_string(number) + " was taken for new");
  to.acknowledged.insert(number);
  to.version = std::max(to.version, answer->sequence_number);
}

void write(runtime& rt, library& outside, choices& draw) {
  std::string id;
  auto& to = pick(outside, id, draw);
  for (auto left = draw.between(1, 4); left > 0; --left) {
    const auto number = ++outside.last_number;
    to.sent.insert(number);
    send_number(rt, to, id, number);
  }
}

void repeat(runtime& rt, library& outside, choices& draw) {
  std::string id;
  auto& to = pick(outside, id, draw);
  if (to.sent.empty()) return;
  auto number = to.sent.begin();
  std::advance(number, static_cast<std::ptrdiff_t>(draw.below(to.sent.size())));
  send_number(rt, to, id, *number);
}

void truncate(runtime& rt, library& outside, choices& draw) {
  std::string id;
  auto& of = pick(outside, id, draw);
  const auto first = draw.between(1, of.version + 1);
  of.may_be_cut = true;
  if (rt.execute(truncate_stream<page>(id, first))) of.first = std::max(of.first, first);
}

void close(runtime& rt, library& outside, choices& draw) {
  std::string id;
  auto& of = pick(outside, id, draw);
  if (!draw.one_in(3)) return;
  of.may_be_closed = true;
  if (rt.execute(close_stream<page>(id))) of.is_closed = true;
}

void remove(runtime& rt, library& outside, choices& draw) {
  std::string id;
  auto& of = pick(outside, id, draw);
  if (!draw.one_in(3)) return;
  of.may_be_deleted = true;
  if (rt.execute(delete_stream<page>(id))) of.is_deleted = true;
}

// Nothing that was acknowledged by `known` is missing, nothing is there twice, and nothing that nobody has sent.
std::string compare(const std::vector<std::uint64_t>& numbers, const std::set<std::uint64_t>& known,
                    const std::set<std::uint64_t>& sent) {
  const std::set<std::uint64_t> all{numbers.begin(), numbers.end()};
  if (all.size() != numbers.size()) return "has a number twice";
  if (!std::ranges::includes(all, known)) return "has lost a number";
  if (!std::ranges::includes(sent, all)) return "has a number that nobody has sent";
  return {};
}

void read(runtime& rt, library& outside, choices& draw) {
  std::string id;
  auto& from = pick(outside, id, draw);
  const auto known = from.acknowledged;
  const auto answer = rt.execute<page>(id, page::read{});
  require(!is_closed(answer) || from.may_be_closed || from.may_be_deleted, "page " + id + " says that it is closed");
  const auto* no = answer ? nullptr : answer.error().rejected();
  if (no == nullptr) return;
  const auto wrong = compare(no->as<what_is_there>().value().numbers, known, from.sent);
  require(wrong.empty(), "page " + id + " " + wrong);
}

std::string streams_are_what_was_promised(const inside& at, const library& outside) {
  for (const auto& [id, of] : outside.pages) {
    std::vector<std::uint64_t> numbers;
    std::uint64_t expected = 0;
    bool has_gap = false;
    const auto info = at.stored.journal->read_stream("page|" + id, 1, [&](const event_view& event) {
      if (event.meta.type != stored_name<written>) return visit::next;
      has_gap |= expected != 0 && event.meta.sequence_number != expected;
      expected = event.meta.sequence_number + 1;
      numbers.push_back(from_bytes<written>(event.payload).value().number);
      return visit::next;
    });
    const auto wrong = [&name = id](const std::string& what) { return "page " + name + " " + what; };
    if (!info) return info.error().message();
    if (has_gap) return wrong("has a gap");
    if (info->version < of.version) return wrong("has lost its last events");
    if (info->first < of.first) return wrong("was truncated, and has its first events");
    if (info->first > 1 && !of.may_be_cut && !of.may_be_deleted) return wrong("was not truncated, and begins late");
    if (of.is_closed && info->state == stream_state::open) return wrong("was closed, and is open");
    if (of.is_deleted && info->state != stream_state::deleted) return wrong("was deleted, and is there");
    if (info->state == stream_state::closed && !of.may_be_closed) return wrong("is closed");
    if (info->state == stream_state::deleted && !of.may_be_deleted) return wrong("is deleted");
    if (info->state == stream_state::deleted && !numbers.empty()) return wrong("was deleted, and has events");
    if (auto found = compare(numbers, {}, of.sent); !found.empty()) return wrong(found);
    if (info->first == 1 && info->state != stream_state::deleted) {
      if (auto found = compare(numbers, of.acknowledged, of.sent); !found.empty()) return wrong(found);
    }
  }
  return {};
}

std::string pages_know_what_was_written(const inside& at, const library& outside) {
  for (const auto& [id, of] : outside.pages) {
    const auto answer = at.program.execute<page>(id, page::read{});
    if (of.may_be_deleted || (is_closed(answer) && of.may_be_closed)) continue;
    const auto* no = answer ? nullptr : answer.error().rejected();
    if (no == nullptr) return "page " + id + ": " + (answer ? "no answer" : answer.error().message());
    const auto wrong = compare(no->as<what_is_there>().value().numbers, of.acknowledged, of.sent);
    if (!wrong.empty()) return "page " + id + " " + wrong;
  }
  return {};
}

// What a consumer had not read when it was removed, it never gets.
std::string every_number_was_copied_once(const inside& at, const library& outside) {
  const auto rows = at.stored.read_models->snapshot(copies::name);
  if (!rows) return rows.error().message();
  const copies::table table{static_cast<const row_reader&>(**rows)};
  for (const auto& [id, of] : outside.pages) {
    for (const auto number : of.sent) {
      const auto times = table.get(number).value_or(0);
      if (times > 1) return "number " + std::to_string(number) + " was copied " + std::to_string(times) + " times";
      if (times == 1 || of.may_be_cut || of.may_be_deleted || !of.acknowledged.contains(number)) continue;
      return "number " + std::to_string(number) + " was not copied";
    }
  }
  return {};
}

simulation<library> pages(simulation_options options) {
  options.runtime.min_backoff = std::chrono::milliseconds{5};
  simulation<library> world{std::move(options)};
  world.program([](runtime& rt, library&) { rt.aggregate<page>().projection<copies>(); })
      .action("numbers are written", write)
      .action("more numbers are written", write)
      .action("a number is sent again", repeat)
      .action("a page is read", read)
      .action("a page is truncated", truncate)
      .action("a page is closed", close)
      .action("a page is deleted", remove)
      .always("streams are what was promised", streams_are_what_was_promised)
      .at_rest("pages know what was written", pages_know_what_was_written)
      .at_rest("every number was copied once", every_number_was_copied_once);
  return world;
}

// A world runs on one thread, so this is the journal of the world that goes on here.
thread_local std::weak_ptr<event_store> journal_here;

void compact_journal(runtime&, library&, choices&) {
  const storage opened{journal_here.lock(), nullptr, nullptr};
  require(opened.journal != nullptr, "the storage is not open");
  compact(opened).value();
}

}  // namespace

TEST_CASE("Streams are truncated, closed and deleted as promised in worlds whose disks fail") {
  simulation_options options;
  options.faults = {.failing_appends = 20,
                    .breaking_appends = 200,
                    .failing_commits = 20,
                    .failing_reads = 100,
                    .full_disk = 200,
                    .delayed_appends = 4,
                    .lost_commits = 4};
  const auto report = pages(options).explore(explored(300));
  WARN(report);
  REQUIRE(report);
}

TEST_CASE("Streams are truncated, closed and deleted as promised wherever the program is killed") {
  const auto report = pages({.actions = 12}).crash_everywhere(explored(3, 100));
  WARN(report);
  REQUIRE(report);
}

TEST_CASE("Streams are truncated, closed and deleted as promised over LMDB, whose journal is compacted meanwhile") {
  simulation_options options;
  options.crashes = 200;
  options.faults = {.failing_appends = 20, .failing_commits = 20, .delayed_appends = 4};
  options.storage = [] {
    const auto directory = std::make_shared<temporary_directory>();
    return [directory]() -> result<storage> {
      auto stores = open_lmdb({.path = directory->path(), .fold_events = 6});
      if (stores) journal_here = stores->journal;
      return stores;
    };
  };
  auto world = pages(options);
  world.action("the journal is compacted", compact_journal).finally("the journal is compacted", compact_journal);
  const auto report = world.explore(explored(30, 10));
  WARN(report);
  REQUIRE(report);
}
