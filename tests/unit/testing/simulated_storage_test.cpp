#include "simulated_storage.hpp"

#include <tyto/lmdb_store.hpp>
#include <tyto/memory_store.hpp>

#include <algorithm>
#include <array>
#include <tuple>

#include "recorded_choices.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

using namespace tyto;
using namespace std::chrono_literals;
using testing::recorded_choices;
using testing::simulated_storage;
using testing::storage_faults;
using numbers = std::vector<std::uint64_t>;
using std::chrono::microseconds;

namespace {

// A store in a world without a scheduler: time moves when the test says so.
struct world {
  world(const storage_faults& often, recorded_choices drawn, testing::storage_opener open = {})
      : from(std::move(drawn)), store(from, often, around(), std::move(open)), ports(store.ports()) {}

  simulated_storage::callbacks around() {
    return {[this](microseconds delay, std::function<void()> run) { timers.emplace(now + delay, std::move(run)); },
            [this](std::string line) {
              const bool is_well = line.starts_with("stored at ") || line.starts_with("done: ");
              (is_well ? successes : story).push_back(std::move(line));
            }};
  }
  // Runs everything that is due up to `time` from now.
  void pass(microseconds time) {
    const auto end = now + time;
    while (!timers.empty() && timers.begin()->first <= end) {
      auto next = timers.extract(timers.begin());
      now = next.key();
      next.mapped()();
    }
    now = end;
  }
  void crash(bool power_lost) {
    store.crash(power_lost);
    ports = store.ports();
  }
  [[nodiscard]] bool tells(const std::string& line) const { return std::ranges::count(story, line) == 1; }

  recorded_choices from;
  microseconds now{0};
  std::multimap<microseconds, std::function<void()>> timers;
  std::vector<std::string> story;  // of what goes wrong
  std::vector<std::string> successes;
  simulated_storage store;
  storage ports;
};

append_batch events_of(const std::string& stream, std::size_t number = 1, std::vector<checkpoint> checkpoints = {}) {
  auto write = std::make_shared<stream_write>(stream_write{stream, expected_version::any(), {}});
  for (std::size_t i = 0; i < number; ++i) {
    recorded_event event;
    event.meta.type = "test.happened";
    event.payload = "\x80";
    write->events.push_back(std::move(event));
  }
  return {{std::move(write)}, std::move(checkpoints)};
}

errc code_of(const auto& outcome) {
  return outcome ? throw std::runtime_error{"it did not fail"} : outcome.error().code();
}

// What became of an append: nothing as long as nobody was told.
using told = std::shared_ptr<std::optional<result<append_outcomes>>>;

told append(event_store& journal, const std::string& stream, std::size_t number = 1) {
  auto outcome = std::make_shared<std::optional<result<append_outcomes>>>();
  journal.append(events_of(stream, number), [outcome](result<append_outcomes> done) { *outcome = std::move(done); });
  return outcome;
}

result<void> commit(const storage& to, std::string_view model, std::string key, std::string value,
                    std::uint64_t position) {
  return to.read_models->commit(model, {{std::move(key), std::move(value)}}, {.position = position});
}

// What can be read of the journal, as text.
std::string journal_in(const storage& from) {
  std::string all;
  const auto read = from.journal->read_all({}, [&](const event_view& event) {
    all += event.meta.persistence_id + "#" + std::to_string(event.meta.sequence_number) + " ";
    return visit::next;
  });
  all += "to " + std::to_string(read.value());
  for (const auto& [name, position] : from.journal->checkpoints().value()) {
    all += "; " + name + " at " + std::to_string(position);
  }
  return all;
}

// What can be read of a read model.
std::string rows_in(const storage& from, const std::string& name) {
  const auto rows = from.read_models->snapshot(name).value();
  auto all =
      name + " at " + std::to_string(rows->position()) + "/" + std::to_string(rows->checkpoint().released.size());
  const auto scanned = rows->scan({}, [&](std::string_view key, std::string_view value) {
    all += " " + std::string{key} + "=" + std::string{value};
    return visit::next;
  });
  scanned.value();
  return all + "; ";
}

std::string snapshots_in(const storage& from) {
  std::string all;
  for (const std::string id : {"order|1", "order|2", "order|3"}) {
    const auto loaded = from.snapshots->load(id, [&](std::uint64_t number, const result<std::string_view>& image) {
      all += id + "@" + std::to_string(number) + "=" + std::string{image.value()} + "; ";
      return visit::next;
    });
    loaded.value();
  }
  return all;
}

// What of all that is derived from the journal may be lost by itself.
using parts = std::array<std::string, 3>;

parts parts_in(const storage& from) { return {rows_in(from, "revenue"), rows_in(from, "stock"), snapshots_in(from)}; }

std::string everything_in(const storage& from) {
  auto all = journal_in(from) + " | ";
  for (const auto& [name, position] : from.read_models->checkpoints().value()) all += rows_in(from, name);
  return all + snapshots_in(from);
}

// One operation, drawn from `from`, on all of `on`. Returns whether it was a sync.
bool do_something(testing::choices& from, const std::vector<storage>& on) {
  const auto stream = "order|" + std::to_string(from.between(1, 3));
  const auto model = from.one_in(2) ? "revenue" : "stock";
  const auto key = std::to_string(from.between(1, 4));
  const auto number = from.between(1, 1'000);
  const auto what = from.below(12);
  for (const auto& to : on) {
    if (what < 3) append_and_wait(*to.journal, events_of(stream, 1 + number % 3, {{"billing", number}})).value();
    if (what == 3) to.read_models->clear(model).value();
    if (what == 4) {
      to.read_models->commit(model, {{key, std::nullopt}, {"9", "x"}}, {.position = number, .released = {{number}}})
          .value();
    }
    if (what > 4 && what < 8) commit(to, model, key, std::to_string(number), number).value();
    if (what == 8) to.snapshots->erase(stream).value();
    if (what > 8 && what < 11) to.snapshots->save({{stream, number, key, 2}, {"order|2", number + 1, key, 1}}).value();
    if (what == 11) to.read_models->sync().value();
  }
  return what == 11;
}

}  // namespace

TEST_CASE("Without faults, the store does what the one behind it does, draws nothing and tells of no fault") {
  world simulated{{}, recorded_choices{1}};
  const auto plain = open_memory();
  recorded_choices from{2};
  for (int i = 0; i < 300; ++i) do_something(from, {plain, simulated.ports});
  CHECK(everything_in(simulated.ports) == everything_in(plain));
  CHECK(simulated.ports.journal->head().value() == plain.journal->head().value());
  CHECK(simulated.ports.journal->info("order|1").value().version == plain.journal->info("order|1").value().version);
  CHECK(simulated.ports.journal->size_bytes().value() == plain.journal->size_bytes().value());
  CHECK(simulated.ports.journal->load_checkpoint("billing").value() > 0);
  CHECK(simulated.ports.journal->condition().files);
  CHECK(simulated.store.operations() == 300);
  CHECK(simulated.successes.size() > 200);
  CHECK(simulated.from.drawn().empty());
  CHECK(simulated.story.empty());
  simulated.crash(false);
  CHECK(everything_in(simulated.ports) == everything_in(plain));
  auto refused = events_of("order|1");
  refused.writes.front()->expected = expected_version::no_stream();
  CHECK(code_of(append_and_wait(*simulated.ports.journal, std::move(refused)).value().at(0)) == errc::conflict);
}

TEST_CASE("An append that fails stores nothing, and the next one may succeed") {
  world simulated{{.failing_appends = 2}, recorded_choices{numbers{1, 0}}};
  CHECK(code_of(append_and_wait(*simulated.ports.journal, events_of("order|1", 3, {{"billing", 1}}))) == errc::io);
  CHECK(journal_in(simulated.ports) == "to 0");
  CHECK(simulated.story == std::vector<std::string>{"appending 3 events, the first to order|1: Input/output error"});
  append_and_wait(*simulated.ports.journal, events_of("order|1")).value();
  CHECK(journal_in(simulated.ports) == "order|1#1 to 1");
}

TEST_CASE("A change of read models or snapshots that fails changes nothing") {
  world simulated{{.failing_commits = 2}, recorded_choices{numbers{0, 0, 1, 1, 1, 1}}};
  const auto& to = simulated.ports;
  commit(to, "revenue", "1", "a", 1).value();
  to.snapshots->save({{"order|1", 1, "image", 1}}).value();
  const auto before = everything_in(to);
  CHECK(code_of(commit(to, "revenue", "1", "b", 2)) == errc::io);
  CHECK(code_of(to.read_models->clear("revenue")) == errc::io);
  CHECK(code_of(to.snapshots->save({{"order|1", 2, "image", 1}})) == errc::io);
  CHECK(code_of(to.snapshots->erase("order|1")) == errc::io);
  CHECK(everything_in(to) == before);
  CHECK(simulated.story == std::vector<std::string>{"committing the read model revenue: Input/output error",
                                                    "clearing the read model revenue: Input/output error",
                                                    "saving 1 snapshot: Input/output error",
                                                    "dropping the snapshots of order|1: Input/output error"});
}

TEST_CASE("Every read may fail, and those of events when some have been visited") {
  world simulated{{.failing_reads = 1}, recorded_choices{numbers{0, 2, 0, 0}}};
  const auto& from = simulated.ports;
  append_and_wait(*from.journal, events_of("order|1", 5)).value();
  int visited = 0;
  const auto count = [&](const event_view&) { return ++visited, visit::next; };
  CHECK(code_of(from.journal->read_stream("order|1", 1, count)) == errc::io);
  CHECK(visited == 2);
  CHECK(code_of(from.journal->read_all({}, count)) == errc::io);
  CHECK(visited == 2);
  CHECK(code_of(from.journal->info("order|1")) == errc::io);
  CHECK(code_of(from.journal->head()) == errc::io);
  CHECK(code_of(from.journal->load_checkpoint("billing")) == errc::io);
  CHECK(code_of(from.journal->checkpoints()) == errc::io);
  CHECK(code_of(from.journal->size_bytes()) == errc::io);
  CHECK(code_of(from.read_models->snapshot("revenue")) == errc::io);
  CHECK(code_of(from.read_models->checkpoints()) == errc::io);
  CHECK(code_of(from.snapshots->load("order|1", [](auto, const auto&) { return visit::next; })) == errc::io);
  CHECK(simulated.tells("reading the stream order|1: Input/output error"));
  simulated.store.heal();
  CHECK(from.journal->head().value() == 5);
}

TEST_CASE("A disk that is full takes nothing until somebody makes room") {
  // The first write finds it full, and it stays so for 1 + 499 microseconds.
  world simulated{{.full_disk = 2, .longest_full_disk = 1ms}, recorded_choices{numbers{1, 499}}};
  const auto& to = simulated.ports;
  CHECK(code_of(append_and_wait(*to.journal, events_of("order|1"))) == errc::full);
  CHECK(code_of(commit(to, "revenue", "1", "a", 1)) == errc::full);
  CHECK(code_of(to.snapshots->save({{"order|1", 1, "image", 1}})) == errc::full);
  CHECK(to.read_models->sync());
  CHECK(to.journal->head().value() == 0);
  simulated.pass(499us);
  CHECK(code_of(append_and_wait(*to.journal, events_of("order|1"))) == errc::full);

  SECTION("when its time has come") { simulated.pass(1us); }
  SECTION("when the faults end") { simulated.store.heal(); }
  SECTION("when the program starts again") { simulated.crash(false); }
  append_and_wait(*simulated.ports.journal, events_of("order|1")).value();
  commit(simulated.ports, "revenue", "1", "a", 1).value();
}

TEST_CASE("An append that is delayed is stored later, and those who wait for it are told later still") {
  world simulated{{.delayed_appends = 2}, recorded_choices{numbers{1, 30, 40}}};
  auto& journal = *simulated.ports.journal;
  const auto outcome = append(journal, "order|1", 2);
  simulated.pass(29us);
  CHECK(journal.head().value() == 0);
  simulated.pass(1us);
  CHECK(journal.head().value() == 2);
  simulated.pass(39us);
  CHECK_FALSE(*outcome);
  simulated.pass(1us);
  REQUIRE(*outcome);
  CHECK((*outcome)->value().at(0));
}

TEST_CASE("Appends behind one that is delayed keep their order, those that fail too") {
  // Each draws whether it fails, whether it is delayed, and by how much.
  world simulated{{.failing_appends = 2, .delayed_appends = 2},
                  recorded_choices{numbers{0, 1, 30, 0, 1, 0, 0, 0, 1, 20, 5}}};
  auto& journal = *simulated.ports.journal;
  std::vector<std::string> order;
  for (const std::string stream : {"order|1", "order|2", "order|3", "order|4"}) {
    journal.append(events_of(stream), [&order, stream](const result<append_outcomes>& done) {
      order.push_back(stream + (done ? "" : " fails"));
    });
  }
  CHECK(order.empty());
  simulated.pass(30us);
  CHECK(order == std::vector<std::string>{"order|1", "order|2 fails", "order|3"});
  simulated.pass(25us);
  CHECK(order == std::vector<std::string>{"order|1", "order|2 fails", "order|3", "order|4"});
  CHECK(journal_in(simulated.ports) == "order|1#1 order|3#1 order|4#1 to 3");
}

TEST_CASE("Who is told of an append may append again") {
  world simulated{{}, recorded_choices{1}};
  auto& journal = *simulated.ports.journal;
  told second;
  journal.append(events_of("order|1"), [&](const auto&) { second = append(journal, "order|2"); });
  REQUIRE(*second);
  CHECK(journal_in(simulated.ports) == "order|1#1 order|2#1 to 2");
}

TEST_CASE("Of the appends that a crash meets, the first ones may be stored, and nobody is told") {
  const std::uint64_t stored = GENERATE(range(0, 4));
  const bool power_lost = GENERATE(false, true);
  world simulated{{.delayed_appends = 1}, recorded_choices{numbers{0, 10, 0, 0, 10, 0, 0, 10, 0, stored}}};
  const auto first = append(*simulated.ports.journal, "order|1");
  const auto second = append(*simulated.ports.journal, "order|2");
  const auto third = append(*simulated.ports.journal, "order|3");
  simulated.crash(power_lost);
  CHECK(simulated.ports.journal->head().value() == stored);
  CHECK(simulated.ports.journal->info("order|1").value().version == (stored > 0 ? 1 : 0));
  CHECK(simulated.ports.journal->info("order|3").value().version == (stored > 2 ? 1 : 0));
  CHECK(simulated.tells("the program ends while appending 1 event, the first to order|2" +
                        std::string{stored > 1 ? ": it is stored" : ": it is lost"}));
  simulated.pass(1s);
  CHECK(simulated.ports.journal->head().value() == stored);
  CHECK_FALSE(*first);
  CHECK_FALSE(*second);
  CHECK_FALSE(*third);
}

TEST_CASE("An append that is stored when a crash comes is stored once, also if nobody was told") {
  world simulated{{.delayed_appends = 1}, recorded_choices{numbers{0, 0, 10, 1}}};
  const auto outcome = append(*simulated.ports.journal, "order|1");
  simulated.crash(true);
  simulated.pass(1s);
  CHECK(simulated.ports.journal->head().value() == 1);
  CHECK_FALSE(*outcome);
}

TEST_CASE("The ports of a program that has ended fail for ever and have no effect") {
  std::optional<world> simulated{std::in_place, storage_faults{}, recorded_choices{1}};
  const auto old = simulated->ports;
  append_and_wait(*old.journal, events_of("order|1")).value();
  commit(old, "revenue", "1", "a", 1).value();
  const auto rows = old.read_models->snapshot("revenue").value();
  const auto before = everything_in(old);
  simulated->crash(false);
  const auto operations = simulated->store.operations();
  SECTION("beside those of the next one") {}
  SECTION("also when the store is gone") { simulated.reset(); }
  CHECK(code_of(append_and_wait(*old.journal, events_of("order|1"))) == errc::io);
  CHECK(code_of(old.journal->head()) == errc::io);
  CHECK(code_of(old.journal->read_all({}, [](const auto&) { return visit::next; })) == errc::io);
  CHECK_FALSE(old.journal->condition().files);
  CHECK(code_of(commit(old, "revenue", "1", "b", 2)) == errc::io);
  CHECK(code_of(old.read_models->clear("revenue")) == errc::io);
  CHECK(code_of(old.read_models->sync()) == errc::io);
  CHECK(code_of(old.read_models->snapshot("revenue")) == errc::io);
  CHECK_FALSE(old.read_models->condition().files);
  CHECK(code_of(old.snapshots->save({{"order|1", 1, "image", 1}})) == errc::io);
  CHECK(code_of(old.snapshots->erase("order|1")) == errc::io);
  CHECK(rows->get("1").value() == "a");
  if (!simulated) return;
  CHECK(everything_in(simulated->ports) == before);
  CHECK(simulated->store.operations() == operations);
}

TEST_CASE("Losing power undoes the last changes of each read model and of the snapshots since the last sync") {
  std::set<std::vector<std::ptrdiff_t>> undone;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    INFO("seed " << seed);
    world simulated{{.lost_commits = 1'000}, recorded_choices{seed}};
    recorded_choices from{seed};
    for (int crash = 0; crash < 3; ++crash) {
      std::vector<parts> images{parts_in(simulated.ports)};
      for (auto left = from.between(1, 20); left > 0; --left) {
        if (do_something(from, {simulated.ports})) images.clear();
        images.push_back(parts_in(simulated.ports));
      }
      const auto journal = journal_in(simulated.ports);
      simulated.crash(true);
      CHECK(journal_in(simulated.ports) == journal);
      const auto left = parts_in(simulated.ports);
      std::vector<std::ptrdiff_t> steps_back;
      for (std::size_t part = 0; part < left.size(); ++part) {
        const auto found =
            std::find_if(images.rbegin(), images.rend(), [&](const parts& each) { return each[part] == left[part]; });
        REQUIRE(found != images.rend());
        steps_back.push_back(found - images.rbegin());
      }
      undone.insert(steps_back);
    }
  }
  CHECK(undone.size() > 20);
  // One that changed later may be kept, while another one loses what came before.
  CHECK(std::ranges::any_of(undone, [](const auto& each) { return each[0] > 0 && each[1] == 0; }));
  CHECK(std::ranges::any_of(undone, [](const auto& each) { return each[0] == 0 && each[1] > 0; }));
}

TEST_CASE("Of two read models, one loses its last commit and the other keeps a later one") {
  // Those of stock, which changed last, come first: none of them, then one of revenue.
  world simulated{{.lost_commits = 4}, recorded_choices{numbers{0, 1}}};
  commit(simulated.ports, "revenue", "1", "a", 1).value();
  commit(simulated.ports, "revenue", "2", "a", 2).value();
  commit(simulated.ports, "stock", "1", "a", 3).value();
  const auto changes = simulated.store.changes();
  simulated.crash(true);
  CHECK(simulated.ports.read_models->snapshot("stock").value()->position() == 3);
  CHECK(simulated.ports.read_models->snapshot("revenue").value()->position() == 1);
  CHECK(simulated.store.changes() == changes + 1);
}

TEST_CASE("An append that breaks the journal fails like all after it, and may be found after a restart") {
  const std::uint64_t is_there = GENERATE(0, 1);
  const bool power_lost = GENERATE(false, true);
  world simulated{{.breaking_appends = 2}, recorded_choices{numbers{0, 1, 0, is_there}}};
  auto& journal = *simulated.ports.journal;
  append_and_wait(journal, events_of("order|1")).value();
  CHECK_FALSE(simulated.store.is_broken());
  CHECK(code_of(append_and_wait(journal, events_of("order|1", 2))) == errc::io);
  CHECK(simulated.store.is_broken());
  CHECK(journal_in(simulated.ports) == "order|1#1 to 1");
  CHECK(code_of(append_and_wait(journal, events_of("order|2"))) == errc::io);
  simulated.store.heal();
  CHECK(code_of(append_and_wait(journal, events_of("order|2"))) == errc::io);
  simulated.crash(power_lost);
  CHECK(journal_in(simulated.ports) == (is_there == 1 ? "order|1#1 order|1#2 order|1#3 to 3" : "order|1#1 to 1"));
  CHECK_FALSE(simulated.store.is_broken());
  append_and_wait(*simulated.ports.journal, events_of("order|2")).value();
}

TEST_CASE("An append that would have broken the journal does not once the store is healed") {
  world simulated{{.breaking_appends = 2, .delayed_appends = 2}, recorded_choices{numbers{0, 1, 30, 0, 1}}};
  const auto first = append(*simulated.ports.journal, "order|1");
  const auto second = append(*simulated.ports.journal, "order|2");
  simulated.store.heal();
  simulated.pass(30us);
  REQUIRE(*second);
  CHECK((*second)->has_value());
  CHECK_FALSE(simulated.store.is_broken());
}

TEST_CASE("What is stored counts as changed when it is stored, and not when an operation begins") {
  world simulated{{.delayed_appends = 2}, recorded_choices{numbers{1, 30, 40, 1, 30, 0, 1}}};
  const auto outcome = append(*simulated.ports.journal, "order|1");
  CHECK(simulated.store.operations() == 1);
  CHECK(simulated.store.changes() == 0);
  simulated.pass(30us);
  CHECK(simulated.store.changes() == 1);
  CHECK_FALSE(*outcome);
  simulated.pass(40us);
  commit(simulated.ports, "revenue", "1", "a", 1).value();
  CHECK(simulated.store.changes() == 2);
  append(*simulated.ports.journal, "order|2");
  simulated.crash(false);
  CHECK(simulated.ports.journal->head().value() == 2);
  CHECK(simulated.store.changes() == 3);
}

TEST_CASE("The program is given the ports that the storage behind has, and no others") {
  const auto given = [](const storage& behind) {
    recorded_choices from{1};
    simulated_storage store{from, {}, {}, [&] { return behind; }};
    const auto ports = store.ports();
    return std::tuple{ports.journal != nullptr, ports.read_models != nullptr, ports.snapshots != nullptr};
  };
  const auto all = open_memory();
  CHECK(given(all) == std::tuple{true, true, true});
  CHECK(given({all.journal, nullptr, nullptr}) == std::tuple{true, false, false});
  CHECK(given({nullptr, all.read_models, all.snapshots}) == std::tuple{false, true, true});
}

TEST_CASE("Losing power undoes each kind of change") {
  world simulated{{}, recorded_choices{numbers{1}}};
  const auto& to = simulated.ports;
  commit(to, "revenue", "1", "a", 1).value();
  commit(to, "revenue", "2", "b", 2).value();
  to.snapshots->save({{"order|1", 1, "image", 2}}).value();
  to.read_models->sync().value();
  const auto before = everything_in(to);
  std::string undone;
  SECTION("a commit") {
    const row_changes changes{{"1", "x"}, {"2", std::nullopt}, {"3", "c"}};
    to.read_models->commit("revenue", changes, {.position = 3, .released = {{1}}, .shape = "other"}).value();
    undone = "committing the read model revenue";
  }
  SECTION("the first commit") {
    commit(to, "stock", "1", "a", 1).value();
    undone = "committing the read model stock";
  }
  SECTION("clearing") {
    to.read_models->clear("revenue").value();
    undone = "clearing the read model revenue";
  }
  SECTION("saving snapshots") {
    to.snapshots->save({{"order|1", 2, "later", 1}, {"order|2", 1, "first", 1}}).value();
    undone = "saving 2 snapshots";
  }
  SECTION("dropping snapshots") {
    to.snapshots->erase("order|1").value();
    undone = "dropping the snapshots of order|1";
  }
  CHECK(everything_in(to) != before);
  simulated.crash(true);
  CHECK(everything_in(simulated.ports) == before);
  CHECK(simulated.story == std::vector<std::string>{"losing power undoes " + undone});
}

TEST_CASE("Losing power undoes one change at most, unless more is asked for") {
  world simulated{{}, recorded_choices{numbers{3, 1}}};
  for (std::uint64_t i = 1; i <= 3; ++i) commit(simulated.ports, "revenue", std::to_string(i), "a", i).value();
  simulated.crash(true);
  CHECK(simulated.ports.read_models->snapshot("revenue").value()->position() == 2);
  simulated.crash(true);  // what it has found is on the disk
  CHECK(simulated.ports.read_models->snapshot("revenue").value()->position() == 2);
}

TEST_CASE("A program that is killed loses nothing, but power may still be lost later") {
  world simulated{{}, recorded_choices{numbers{1}}};
  commit(simulated.ports, "revenue", "1", "a", 1).value();
  simulated.crash(false);
  CHECK(simulated.ports.read_models->snapshot("revenue").value()->position() == 1);
  simulated.crash(true);
  CHECK(simulated.ports.read_models->snapshot("revenue").value()->position() == 0);
}

TEST_CASE("A sync that fails leaves it open what losing power undoes") {
  const std::uint64_t undone = GENERATE(0, 1);
  world simulated{{.failing_syncs = 2}, recorded_choices{numbers{1, undone}}};
  commit(simulated.ports, "revenue", "1", "a", 1).value();
  CHECK(code_of(simulated.ports.read_models->sync()) == errc::io);
  CHECK(simulated.tells("syncing the read models: Input/output error"));
  simulated.crash(true);
  CHECK(simulated.ports.read_models->snapshot("revenue").value()->position() == 1 - undone);
}

TEST_CASE("The program dies at the point that was named: before an operation or after it, and nobody is told") {
  const std::uint64_t operation = GENERATE(range(0, 6));
  const bool is_after = GENERATE(false, true);
  CAPTURE(operation, is_after);
  world simulated{{}, recorded_choices{1}};
  simulated.store.crash_at(2 * operation + (is_after ? 1 : 0));
  const auto& to = simulated.ports;
  told appended;
  const std::vector<std::function<bool()>> operations{
      [&] { return appended = append(*to.journal, "order|1"), appended->has_value(); },
      [&] { return commit(to, "revenue", "1", "a", 1).has_value(); },
      [&] { return to.read_models->sync().has_value(); },
      [&] {
        return to.snapshots->save({{"order|1", 1, "image", 1}}).has_value();
      },
      [&] { return to.snapshots->erase("order|1").has_value(); },
      [&] { return to.read_models->clear("revenue").has_value(); }};
  const auto plain = open_memory();
  const std::vector<std::function<void()>> effects{[&] { append(*plain.journal, "order|1"); },
                                                   [&] { commit(plain, "revenue", "1", "a", 1).value(); },
                                                   [&] { plain.read_models->sync().value(); },
                                                   [&] {
                                                     plain.snapshots->save({{"order|1", 1, "image", 1}}).value();
                                                   },
                                                   [&] { plain.snapshots->erase("order|1").value(); },
                                                   [&] { plain.read_models->clear("revenue").value(); }};
  for (std::size_t i = 0; i < operations.size(); ++i) {
    CHECK_FALSE((simulated.store.is_down() && i <= operation));
    CHECK(operations[i]() == (i < operation));
    if (i < operation + (is_after ? 1 : 0)) effects[i]();
  }
  CHECK(simulated.store.is_down());
  CHECK(simulated.store.operations() == operation + 1);
  CHECK(code_of(to.journal->head()) == errc::io);
  REQUIRE(simulated.story.size() == 1);
  CHECK(simulated.story[0].starts_with(is_after ? "the program ends after " : "the program ends before "));
  simulated.crash(false);
  CHECK_FALSE(simulated.store.is_down());
  CHECK(everything_in(simulated.ports) == everything_in(plain));
  if (operation == 0) CHECK_FALSE(*appended);
}

TEST_CASE("A point is that of one operation of the store's life, whatever program runs it") {
  world simulated{{}, recorded_choices{1}};
  append_and_wait(*simulated.ports.journal, events_of("order|1")).value();
  simulated.crash(false);
  simulated.store.crash_at(2);
  append(*simulated.ports.journal, "order|1");
  CHECK(simulated.store.is_down());
  simulated.crash(false);
  append_and_wait(*simulated.ports.journal, events_of("order|1")).value();
  CHECK(simulated.ports.journal->head().value() == 2);
}

TEST_CASE("A point that was not reached is forgotten with the program") {
  world simulated{{}, recorded_choices{1}};
  simulated.store.crash_at(0);
  simulated.crash(false);
  append_and_wait(*simulated.ports.journal, events_of("order|1")).value();
  CHECK_FALSE(simulated.store.is_down());
}

TEST_CASE("A program that dies after a delayed append leaves those behind it under way") {
  const std::uint64_t stored = GENERATE(0, 1);
  world simulated{{.delayed_appends = 2}, recorded_choices{numbers{1, 10, 0, 0, stored}}};
  simulated.store.crash_at(1);
  const auto first = append(*simulated.ports.journal, "order|1");
  const auto second = append(*simulated.ports.journal, "order|2");
  simulated.pass(10us);
  REQUIRE(simulated.store.is_down());
  simulated.pass(1s);
  simulated.crash(true);
  CHECK(simulated.ports.journal->head().value() == 1 + stored);
  CHECK_FALSE(*first);
  CHECK_FALSE(*second);
}

TEST_CASE("A store that is healed draws nothing but what losing power undoes") {
  world simulated{{1, 1, 1, 1, 1, 1, 1s, 1, 20ms, 1}, recorded_choices{1}};
  simulated.store.heal();
  recorded_choices from{2};
  for (int i = 0; i < 50; ++i) do_something(from, {simulated.ports});
  commit(simulated.ports, "revenue", "1", "a", 1).value();
  CHECK(simulated.from.drawn().empty());
  simulated.crash(true);
  CHECK(simulated.from.drawn().size() == 1);
}

TEST_CASE("The same numbers make the same story and leave the same behind") {
  const auto run = [](recorded_choices drawn) {
    world simulated{{4, 30, 4, 4, 9, 20, 1ms, 4, 1ms, 3}, std::move(drawn)};
    for (std::uint64_t i = 1; i < 100; ++i) {
      append(*simulated.ports.journal, "order|1");
      (void)commit(simulated.ports, "revenue", std::to_string(i), "a", i);
      (void)simulated.ports.read_models->sync();
      simulated.pass(300us);
      if (simulated.from.one_in(10)) simulated.crash(simulated.from.one_in(2));
    }
    simulated.store.heal();
    return std::tuple{simulated.story, everything_in(simulated.ports), simulated.from.drawn()};
  };
  const auto first = run(recorded_choices{7});
  CHECK(std::get<0>(first).size() > 50);
  CHECK(run(recorded_choices{7}) == first);
  CHECK(run(recorded_choices{std::get<2>(first)}) == first);
}

TEST_CASE("A storage that is opened by a function is closed when the program ends, and opened again") {
  const test::temporary_directory directory;
  int opened = 0;
  const testing::storage_opener open = [&] {
    ++opened;
    return open_lmdb({.path = directory.path() / "store"});
  };
  world simulated{{}, recorded_choices{numbers{1}}, open};
  append_and_wait(*simulated.ports.journal, events_of("order|1", 3, {{"billing", 2}})).value();
  commit(simulated.ports, "revenue", "1", "a", 2).value();
  simulated.ports.snapshots->save({{"order|1", 2, "image", 1}}).value();
  const auto before = everything_in(simulated.ports);
  simulated.crash(false);
  CHECK(opened == 2);
  CHECK(everything_in(simulated.ports) == before);

  simulated.ports.read_models->sync().value();
  commit(simulated.ports, "revenue", "1", "b", 3).value();
  simulated.crash(true);
  CHECK(opened == 3);
  CHECK(everything_in(simulated.ports) == before);
}

TEST_CASE("A storage that cannot be opened is the mistake of who simulates") {
  recorded_choices from{1};
  const testing::storage_opener open = []() -> result<storage> { return error{errc::io, "opening"}; };
  CHECK_THROWS_AS(simulated_storage(from, {}, {}, open), bad_result_access);
}
