#include "lmdb/stream_tail.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "lmdb/index_upkeep.hpp"
#include "lmdb/journal_tables.hpp"
#include "lmdb/run_catalog.hpp"
#include "lmdb/storage_layout.hpp"
#include "lmdb/store_meta.hpp"
#include "lmdb/stream_index.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

using numbers = std::vector<std::uint64_t>;

numbers positions_of(const stream_runs& in, const stream_name& name, std::uint64_t from = 1) {
  const auto* run = in.find(name);
  if (run == nullptr || run->version() < from) return {};
  numbers positions(run->version() - std::max(from, run->first) + 1);
  in.copy_positions(*run, from, positions.data() + positions.size());
  return positions;
}

// An index whose appends the test makes, and beside it what it should know.
struct world {
  temporary_directory directory;
  std::shared_ptr<lmdb::environment> environment =
      lmdb::environment::open({.directory = directory.path(), .map_bytes = 64 << 20, .max_tables = journal_tables_max})
          .value();
  journal_tables tables = make_tables();
  stream_tail tail;
  mutable stream_index index;
  std::uint64_t fold_events = 8;
  std::map<std::string, numbers> known;  // the positions of each stream
  std::uint64_t head = 0;

  journal_tables make_tables() const {
    write_meta(*environment, journal_kind, new_journal_id()).value();
    return open_journal_tables(*environment, false).value();
  }

  // Returns how many entries the fold that is under way has written.
  std::size_t being_written(const lmdb::transaction& transaction) const {
    const auto catalog = run_catalog::read(transaction, tables).value();
    const auto fold = catalog.being_folded();
    const auto head_and_piece = 2;
    return fold ? transaction.size_of(tables.runs[fold->slot]).entries - head_and_piece : 0;
  }

  // Returns the batch that has an event for each of `streams`.
  stream_runs batch_of(const std::vector<std::string>& streams) const {
    stream_runs batch{head};
    std::map<std::string, std::uint64_t> versions;
    for (const auto& each : streams) {
      const auto stored = known.contains(each) ? known.at(each).size() : 0;
      REQUIRE(batch.add(stream_name{each}, stored + ++versions[each]));
    }
    return batch;
  }

  // Does what an append does; returns how many entries the fold that is under way has written then.
  std::size_t append(const std::vector<std::string>& streams) {
    const auto batch = batch_of(streams);
    auto transaction = environment->begin_write().value();
    stream_tail::fold_step step;
    advance_index(transaction, tables, tail, batch.events(), batch.end_position(), step).value();
    tail.publish(batch);
    REQUIRE(transaction.commit() == 0);
    tail.settle(std::move(step));
    tail.begin_fold(fold_events);
    for (const auto& each : streams) known[each].push_back(++head);
    return being_written(environment->begin_read().value());
  }

  // Does what an append does that fails.
  void fail_to_append(const std::vector<std::string>& streams) {
    const auto batch = batch_of(streams);
    auto transaction = environment->begin_write().value();
    stream_tail::fold_step step;
    advance_index(transaction, tables, tail, batch.events(), batch.end_position(), step).value();
    tail.publish(batch);
    tail.withdraw();
  }

  // Reads a stream as the rule says: its part of the tail, then what comes before that part.
  [[nodiscard]] numbers read(const std::string& stream, std::uint64_t from = 1) const {
    const stream_name name{stream};
    const auto part = tail.copy(name, from);
    const auto transaction = environment->begin_read().value();
    const auto view = index.view(transaction, tables).value();
    const auto end = part.run.empty() ? ~std::uint64_t{0} : part.run.first;
    numbers all;
    stream_history history{view, name};
    for (auto entry = history.seek(from).value(); from < end && !entry.empty() && entry.first < end;
         entry = history.next().value()) {
      for (std::size_t i = 0; i < entry.positions.size(); ++i) {
        if (entry.first + i >= from && entry.first + i < end) all.push_back(entry.positions[i]);
      }
    }
    all.insert(all.end(), part.run.positions.begin(), part.run.positions.end());
    return all;
  }

  void check() const {
    REQUIRE(tail.indexed_to() == head);
    REQUIRE(tail.folded_to() <= head);
    for (const auto& [stream, positions] : known) {
      INFO(stream << " at " << head);
      REQUIRE(read(stream) == positions);
      const auto from = positions.size() / 2 + 1;
      REQUIRE(read(stream, from) ==
              numbers(positions.begin() + static_cast<std::ptrdiff_t>(from) - 1, positions.end()));
      REQUIRE(read(stream, positions.size() + 1).empty());
    }
    REQUIRE(read("order|never").empty());
  }
};

}  // namespace

TEST_CASE("Positions go to the streams whose events they are, in order") {
  stream_runs runs{100};
  CHECK(runs.find(stream_name{"a"}) == nullptr);
  CHECK(runs.add(stream_name{"a"}, 1));
  CHECK(runs.add(stream_name{"b"}, 8));
  CHECK(runs.add(stream_name{"a"}, 2));
  CHECK(runs.add(stream_name{"a"}, 3));
  CHECK(positions_of(runs, stream_name{"a"}) == numbers{101, 103, 104});
  CHECK(positions_of(runs, stream_name{"a"}, 3) == numbers{104});
  CHECK(positions_of(runs, stream_name{"b"}) == numbers{102});
  CHECK(runs.find(stream_name{"b"})->first == 8);
  CHECK(runs.find(stream_name{"b"})->version() == 8);
  CHECK(runs.find(stream_name{"c"}) == nullptr);
  CHECK(runs.events() == 4);
  CHECK(runs.streams() == 2);
  CHECK(runs.end_position() == 104);
}

TEST_CASE("An event that is not the next one of its stream is not added") {
  stream_runs runs;
  REQUIRE(runs.add(stream_name{"a"}, 4));
  for (const std::uint64_t number : {3, 4, 6}) CHECK_FALSE(runs.add(stream_name{"a"}, number));
  CHECK(runs.events() == 1);
  CHECK(runs.add(stream_name{"a"}, 5));
  CHECK(positions_of(runs, stream_name{"a"}) == numbers{1, 2});
}

TEST_CASE("Positions of removed events are passed over") {
  stream_runs runs;
  REQUIRE(runs.add(stream_name{"a"}, 1));
  runs.skip(3);
  REQUIRE(runs.add(stream_name{"a"}, 2));
  CHECK(positions_of(runs, stream_name{"a"}) == numbers{1, 5});
  CHECK(runs.events() == 5);
}

TEST_CASE("Streams whose names have one hash are kept apart") {
  stream_runs runs;
  REQUIRE(runs.add(stream_name{"a", 7}, 1));
  REQUIRE(runs.add(stream_name{"b", 7}, 1));
  REQUIRE(runs.add(stream_name{"a", 7}, 2));
  CHECK(positions_of(runs, stream_name{"a", 7}) == numbers{1, 3});
  CHECK(positions_of(runs, stream_name{"b", 7}) == numbers{2});
  CHECK(runs.find(stream_name{"c", 7}) == nullptr);
}

TEST_CASE("Runs that are added to others are as if their events had been added one by one") {
  std::minstd_rand random{1};
  stream_runs at_once{50};
  stream_runs in_parts{50};
  std::map<std::string, std::uint64_t> versions;
  for (int batch = 0; batch < 100; ++batch) {
    stream_runs following{in_parts.end_position()};
    if (batch % 10 == 3) {
      at_once.skip(2);
      following.skip(2);
    }
    for (auto events = random() % 20 + 1; events > 0; --events) {
      const auto id = std::to_string(random() % 30);
      const auto number = ++versions[id];
      REQUIRE(at_once.add(stream_name{id}, number));
      REQUIRE(following.add(stream_name{id}, number));
    }
    in_parts.add(following);
  }
  CHECK(in_parts.end_position() == at_once.end_position());
  CHECK(in_parts.streams() == at_once.streams());
  for (const auto& [id, version] : versions) {
    CHECK(positions_of(in_parts, stream_name{id}) == positions_of(at_once, stream_name{id}));
    CHECK(positions_of(in_parts, stream_name{id}).size() == version);
  }
}

TEST_CASE(
    "Streams are walked in the order of their hashes, however many there are, and a copy goes on from its place") {
  for (const std::size_t count : {0, 1, 1'023, 1'024, 1'025, 3'000}) {
    stream_runs runs;
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < count; ++i) ids.push_back("order|" + std::to_string(i * 7'919 % 100'003));
    for (const auto& id : ids) REQUIRE(runs.add(stream_name{id}, 1));
    std::ranges::sort(ids, {}, [](const std::string& id) { return std::pair{stream_name{id}.hash, id}; });
    stream_runs::walk walk{runs};
    stream_runs::walk copy;
    for (std::size_t i = 0; i < count; ++i) {
      if (i == count / 2) copy = walk;
      const auto [name, run] = walk.next();
      REQUIRE(name.id == ids[i]);
      REQUIRE(name.hash == stream_name{ids[i]}.hash);
      REQUIRE(run == runs.find(name));
    }
    CHECK(walk.at_end());
    if (count > 0) CHECK(copy.next().first.id == ids[count / 2]);
  }
}

TEST_CASE("A batch is seen before it is settled, except by who began too early for it") {
  world w;
  w.append({"a", "b"});
  const auto batch = w.batch_of({"a", "a", "c"});
  w.tail.publish(batch);
  auto seen = w.tail.copy(stream_name{"a"}, 1);
  CHECK(seen.version == 3);
  CHECK(seen.run.positions == numbers{1, 3, 4});
  auto in_time = seen;
  in_time.limit_to(5);
  CHECK(in_time.version == 3);
  CHECK(in_time.run.positions == numbers{1, 3, 4});
  seen.limit_to(2);
  CHECK(seen.version == 1);
  CHECK(seen.run.positions == numbers{1});
  auto only_new = w.tail.copy(stream_name{"c"}, 1);
  CHECK(only_new.version == 1);
  only_new.limit_to(2);
  CHECK(only_new.version == 0);
  CHECK(only_new.run.positions.empty());
  auto untouched = w.tail.copy(stream_name{"b"}, 1);
  untouched.limit_to(2);
  CHECK(untouched.version == 1);
  CHECK(w.tail.version(stream_name{"a"}) == 1);
  CHECK(w.tail.indexed_to() == 2);

  w.tail.settle({});
  CHECK(w.tail.version(stream_name{"a"}) == 3);
  CHECK(w.tail.indexed_to() == 5);
}

TEST_CASE("A batch that is withdrawn has never been, and its number tells those who saw it") {
  world w;
  w.append({"a"});
  const auto batch = w.batch_of({"a", "b"});
  w.tail.publish(batch);
  const auto seen = w.tail.copy(stream_name{"a"}, 1);
  CHECK(seen.withdrawn == w.tail.withdrawn());
  w.tail.withdraw();
  CHECK(seen.withdrawn + 1 == w.tail.withdrawn());
  CHECK(w.tail.copy(stream_name{"a"}, 1).run.positions == numbers{1});
  CHECK(w.tail.copy(stream_name{"b"}, 1).version == 0);
}

TEST_CASE("A stream's part of the tail begins at the event that is asked for") {
  world w;
  w.fold_events = 1'000;
  w.append({"a", "b", "a", "a"});
  const auto part = w.tail.copy(stream_name{"a"}, 2);
  CHECK(part.run.first == 2);
  CHECK(part.run.positions == numbers{3, 4});
  const auto beyond = w.tail.copy(stream_name{"a"}, 4);
  CHECK(beyond.version == 3);
  CHECK(beyond.run.positions.empty());
}

TEST_CASE("The tail is rebuilt from events, over removed ones, and forgets what the index on disk has") {
  stream_tail tail;
  tail.clear(10);
  CHECK(tail.folded_to() == 10);
  CHECK(tail.indexed_to() == 10);
  CHECK(tail.add(stream_name{"a"}, 5));
  tail.skip_to(14);
  CHECK(tail.add(stream_name{"a"}, 6));
  CHECK_FALSE(tail.add(stream_name{"a"}, 8));
  CHECK(tail.copy(stream_name{"a"}, 1).run.positions == numbers{11, 15});
  CHECK(tail.indexed_to() == 15);
  tail.clear(20);
  CHECK(tail.version(stream_name{"a"}) == 0);
  CHECK(tail.indexed_to() == 20);
}

TEST_CASE("Nothing is folded before there are enough events, and then a part with each append until all is") {
  world w;
  w.fold_events = 100;
  std::vector<std::string> streams;
  for (int i = 0; i < 99; ++i) streams.push_back(std::to_string(i));
  CHECK(w.append(streams) == 0);
  CHECK(w.append({"one more"}) == 0);  // 100 now: the fold begins
  auto before = w.append({"a"});
  CHECK(before > 0);
  int appends = 0;
  for (; w.tail.folded_to() == 0; ++appends) {
    const auto entries = w.append({"a"});
    if (w.tail.folded_to() == 0) CHECK(entries > before);
    if (w.tail.folded_to() == 0) CHECK(entries - before <= 10);
    before = entries;
    w.check();
    REQUIRE(appends < 100);
  }
  CHECK(appends > 10);
  CHECK(w.tail.folded_to() == 100);
  CHECK(before == 0);  // the run counts, and nothing else is being folded
}

TEST_CASE("An append of checkpoints alone folds nothing, and a large one everything") {
  world w;
  w.append(std::vector<std::string>(w.fold_events, "a"));
  w.append({});
  CHECK(w.tail.folded_to() == 0);
  CHECK(w.append({}) == 0);
  w.append(std::vector<std::string>(w.fold_events, "b"));
  CHECK(w.tail.folded_to() == w.fold_events);
  w.check();
}

TEST_CASE("What a fold has left that did not come to its end is given up, and folded anew") {
  world w;
  w.fold_events = 20;
  std::vector<std::string> streams;
  for (int i = 0; i < 20; ++i) streams.push_back(std::to_string(i % 15));
  w.append(streams);
  CHECK(w.append({"0"}) > 0);
  REQUIRE(w.tail.folded_to() == 0);

  w.tail.clear(0);  // the process has ended
  tidy_index(*w.environment, w.tables).value();
  CHECK(w.being_written(w.environment->begin_read().value()) == 0);
  std::map<std::uint64_t, std::pair<std::string, std::uint64_t>> journal;
  for (const auto& [id, positions] : w.known) {
    for (std::size_t i = 0; i < positions.size(); ++i) journal[positions[i]] = {id, i + 1};
  }
  for (const auto& [position, event] : journal) REQUIRE(w.tail.add(stream_name{event.first}, event.second));
  w.tail.begin_fold(w.fold_events);
  w.check();
  for (int appends = 0; w.tail.folded_to() == 0; ++appends) {
    REQUIRE(appends < 100);
    w.append({"1"});
    w.check();
  }
  CHECK(w.tail.folded_to() == 21);
}

TEST_CASE("Whatever is appended, folded and withdrawn, each stream has its positions") {
  std::minstd_rand random{7};
  world w;
  w.fold_events = 40;
  for (int round = 0; round < 400; ++round) {
    std::vector<std::string> streams;
    for (auto events = random() % 12; events > 0; --events) streams.push_back("s" + std::to_string(random() % 25));
    if (random() % 5 == 0) {
      w.fail_to_append(streams);
    } else {
      w.append(streams);
    }
    if (round % 5 == 0) w.check();
  }
  w.check();
  CHECK(w.tail.folded_to() > w.head / 2);
}
