#include "lmdb/stream_index.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "lmdb/journal_tables.hpp"
#include "lmdb/stored_number.hpp"
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
  in.copy_positions(*run, from, reinterpret_cast<char*>(positions.data() + positions.size()));
  return positions;
}

// An index whose appends the test makes, and beside it what it should know.
struct world {
  temporary_directory directory;
  std::shared_ptr<lmdb::environment> environment =
      lmdb::environment::open({.directory = directory.path(), .map_bytes = 64 << 20, .max_tables = 8}).value();
  journal_tables tables = open_journal_tables(*environment, false).value();
  stream_tail tail;
  std::uint64_t fold_events = 8;
  std::map<std::string, numbers> known;  // the positions of each stream
  std::uint64_t head = 0;

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

  // Does what an append does; returns how many entries the table has then.
  std::size_t append(const std::vector<std::string>& streams) {
    const auto batch = batch_of(streams);
    auto transaction = environment->begin_write().value();
    stream_tail::fold_step step;
    REQUIRE(tail.fold(transaction, tables.streams, batch.events(), step) == 0);
    const auto entries = transaction.count(tables.streams);
    tail.publish(batch);
    REQUIRE(transaction.commit() == 0);
    tail.settle(std::move(step));
    tail.begin_fold(fold_events);
    for (const auto& each : streams) known[each].push_back(++head);
    return entries;
  }

  // Does what an append does that fails.
  void fail_to_append(const std::vector<std::string>& streams) {
    const auto batch = batch_of(streams);
    auto transaction = environment->begin_write().value();
    stream_tail::fold_step step;
    REQUIRE(tail.fold(transaction, tables.streams, batch.events(), step) == 0);
    tail.publish(batch);
    tail.withdraw();
  }

  // Reads a stream as the rule says: its part of the tail, then those entries that begin below that part.
  [[nodiscard]] numbers read(const std::string& stream, std::uint64_t from = 1) const {
    const auto part = tail.copy(stream_name{stream}, from);
    const auto transaction = environment->begin_read().value();
    const auto end = part.run.positions.empty() ? ~std::uint64_t{0} : part.run.first;
    numbers all;
    stream_entries entries{transaction, tables.streams, stream};
    if (from < end) {
      for (auto entry = entries.seek(from).value(); !entry.positions.empty() && entry.first < end;
           entry = entries.next().value()) {
        for (std::size_t i = 0; i < entry.positions.size() / sizeof(std::uint64_t); ++i) {
          if (entry.first + i >= from) all.push_back(number_in(entry.positions.substr(i * sizeof(std::uint64_t))));
        }
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

TEST_CASE("Streams are walked in the order of their names, however many there are, and a copy goes on from its place") {
  for (const std::size_t count : {0, 1, 1'023, 1'024, 1'025, 3'000}) {
    stream_runs runs;
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < count; ++i) ids.push_back("order|" + std::to_string(i * 7'919 % 100'003));
    for (const auto& id : ids) REQUIRE(runs.add(stream_name{id}, 1));
    std::ranges::sort(ids);
    stream_runs::walk walk{runs};
    stream_runs::walk copy;
    for (std::size_t i = 0; i < count; ++i) {
      if (i == count / 2) copy = walk;
      const auto [id, run] = walk.next();
      REQUIRE(id == ids[i]);
      REQUIRE(run == runs.find(stream_name{id}));
    }
    CHECK(walk.at_end());
    if (count > 0) CHECK(copy.next().first == ids[count / 2]);
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

TEST_CASE("The tail is rebuilt from events, over removed ones, and forgets what the table has") {
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
    CHECK(entries > before);
    CHECK(entries - before <= 10);
    before = entries;
    w.check();
    REQUIRE(appends < 100);
  }
  CHECK(appends > 10);
  CHECK(w.tail.folded_to() == 100);
  CHECK(before == 100);
}

TEST_CASE("An append of checkpoints alone folds nothing, and a large one everything") {
  world w;
  w.append(std::vector<std::string>(w.fold_events, "a"));
  w.append({});
  CHECK(w.tail.folded_to() == 0);
  CHECK(w.append({}) == 0);
  CHECK(w.append(std::vector<std::string>(w.fold_events, "b")) == 1);
  CHECK(w.tail.folded_to() == w.fold_events);
  w.check();
}

TEST_CASE("What is written early is written again after a crash, and read once") {
  world w;
  w.fold_events = 20;
  std::vector<std::string> streams;
  for (int i = 0; i < 20; ++i) streams.push_back(std::to_string(i % 15));
  w.append(streams);
  CHECK(w.append({"0"}) > 0);
  REQUIRE(w.tail.folded_to() == 0);

  w.tail.clear(0);  // the tail is gone, the early entries are not
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

TEST_CASE("A stream's entries tell its version as of a position, and are those of no other stream") {
  world w;
  {
    auto transaction = w.environment->begin_write().value();
    const auto put = [&](std::string_view id, std::uint64_t first, const numbers& positions) {
      const std::string_view bytes{reinterpret_cast<const char*>(positions.data()),
                                   positions.size() * sizeof positions[0]};
      REQUIRE(transaction.put(w.tables.streams, stream_key{id, first}.bytes(), bytes) == 0);
    };
    put("order|1", 1, {10, 11, 14});
    put("order|1", 4, {20, 21});
    put("order|10", 1, {12});
    put("order|0", 1, {13});
    REQUIRE(transaction.commit() == 0);
  }
  const auto transaction = w.environment->begin_read().value();
  stream_entries entries{transaction, w.tables.streams, "order|1"};
  CHECK(entries.last_at(100).value().sequence_number == 5);
  CHECK(entries.last_at(20).value().sequence_number == 5);
  CHECK(entries.last_at(19).value().sequence_number == 3);
  CHECK(entries.seek(1).value().first == 1);
  CHECK(entries.seek(3).value().first == 1);
  CHECK(entries.seek(4).value().first == 4);
  CHECK(entries.next().value().positions.empty());
  CHECK(entries.seek(6).value().positions.empty());
  CHECK(stream_entries{transaction, w.tables.streams, "order|10"}.last_at(100).value().sequence_number == 1);
  CHECK(stream_entries{transaction, w.tables.streams, "order|2"}.last_at(100).value().sequence_number == 0);
}

TEST_CASE("An entry that is not made of positions is damage, named by its stream") {
  world w;
  {
    auto transaction = w.environment->begin_write().value();
    REQUIRE(transaction.put(w.tables.streams, stream_key{"order|1", 1}.bytes(), "seven b") == 0);
    REQUIRE(transaction.put(w.tables.streams, stream_key{"order|2", 1}.bytes(), "") == 0);
    REQUIRE(transaction.commit() == 0);
  }
  const auto transaction = w.environment->begin_read().value();
  for (const std::string id : {"order|1", "order|2"}) {
    const auto damaged = stream_entries{transaction, w.tables.streams, id}.last_at(100);
    REQUIRE_FALSE(damaged);
    CHECK(damaged.error().code() == errc::damaged);
    CHECK_THAT(damaged.error().message(), Catch::Contains(id));
    CHECK_FALSE(stream_entries{transaction, w.tables.streams, id}.seek(1));
  }
}
