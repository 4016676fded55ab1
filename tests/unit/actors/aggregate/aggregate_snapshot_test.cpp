
#include "aggregate_world.hpp"
#include "support/catch.hpp"
#include "support/tally.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

using world = aggregate_world<tally>;

std::vector<std::uint64_t> snapshots_in(const world& w) {
  std::vector<std::uint64_t> numbers;
  w.stores.snapshots
      ->load(w.persistence_id,
             [&](std::uint64_t number, const result<std::string_view>&) {
               numbers.push_back(number);
               return visit::next;
             })
      .value();
  return numbers;
}

// Reads of the journal from now on go into the list that is returned.
std::shared_ptr<std::vector<std::uint64_t>> watch_reads(world& w) {
  auto seen = std::make_shared<std::vector<std::uint64_t>>();
  w.journal.watch_reads([seen](const event_view& event) { seen->push_back(event.meta.sequence_number); });
  return seen;
}

std::string total(world& w) { return w.execute(tell{}).error().rejected()->reason; }

void add_up_to(world& w, std::int64_t events) {
  for (auto i = static_cast<std::int64_t>(w.version()); i < events; ++i) (void)w.execute(add{1}).value();
}

}  // namespace

TEST_CASE("A snapshot is taken whenever the stream has grown by the policy's events, and the latest are kept") {
  world w;
  add_up_to(w, 2);
  CHECK(snapshots_in(w).empty());
  add_up_to(w, 11);
  CHECK(snapshots_in(w) == std::vector<std::uint64_t>{9, 6});
}

TEST_CASE("A snapshot is taken when an event asks for it") {
  world w;
  (void)w.execute(add{}).value();
  (void)w.execute(carry_forward{}).value();
  CHECK(snapshots_in(w) == std::vector<std::uint64_t>{2});
}

TEST_CASE("Recovery begins with the latest snapshot and replays what follows") {
  world w;
  add_up_to(w, 10);
  w.shard = w.start();
  const auto seen = watch_reads(w);
  CHECK(total(w) == "10");
  CHECK(*seen == std::vector<std::uint64_t>{9, 10});  // the snapshot's own event, to see that it fits, and one more
  CHECK((*w.execute(add{})).sequence_number == 11);
  CHECK(w.log.empty());
}

TEST_CASE("A snapshot is stored only once its events are durable, and never if they fail") {
  world w;
  add_up_to(w, 2);
  w.journal.hold();
  auto third = w.post(add{});
  w.host.run();
  CHECK(snapshots_in(w).empty());

  SECTION("durable") {
    w.journal.release();
    w.host.run();
    CHECK(snapshots_in(w) == std::vector<std::uint64_t>{3});
  }
  SECTION("failed") {
    w.journal.fail_next_append(error{errc::full, "storing events"});
    w.journal.release();
    w.host.run();
    CHECK_FALSE(third->value().has_value());
    CHECK(snapshots_in(w).empty());
    CHECK(total(w) == "2");
  }
}

TEST_CASE("A snapshot is not stored when the event before its own is durable") {
  world w;
  add_up_to(w, 1);
  w.journal.hold();
  auto second = w.post(add{});
  w.host.run();
  auto third = w.post(add{});  // of which a snapshot is taken
  w.host.run();
  w.journal.release_one();
  w.host.run();
  CHECK(second->has_value());
  CHECK_FALSE(third->has_value());
  CHECK(snapshots_in(w).empty());
  w.journal.release();
  w.host.run();
  CHECK(snapshots_in(w) == std::vector<std::uint64_t>{3});
}

TEST_CASE("An unreadable or outdated snapshot is skipped with a warning") {
  world w;
  add_up_to(w, 7);
  const auto spoil = [&](std::uint64_t number, std::string image) {
    w.stores.snapshots->save({{w.persistence_id, number, std::move(image), 2}}).value();
  };
  SECTION("the older one is used then") {
    spoil(6, "no MessagePack");
    w.shard = w.start();
    CHECK(total(w) == "7");
    REQUIRE(w.log.size() == 1);
    CHECK_THAT(w.log[0], Catch::Contains("the snapshot after event 6 cannot be used"));
  }
  SECTION("without any that can be used, the whole stream is replayed") {
    spoil(6, "");
    spoil(3, "\x92\x01\x02");
    w.shard = w.start();
    CHECK(total(w) == "7");
    CHECK(w.log.size() == 2);
  }
  SECTION("another schema version") {
    w.shard = w.start_as<tally_of<2>>();
    CHECK(total(w) == "7");
    REQUIRE(w.log.size() == 2);
    CHECK_THAT(w.log[0], Catch::Contains("schema version 1, the aggregate's is 2"));
    add_up_to(w, 9);  // and the new one's snapshots are taken and used
    w.log.clear();
    w.shard = w.start_as<tally_of<2>>();
    CHECK(total(w) == "9");
    CHECK(w.log.empty());
  }
}

TEST_CASE("A snapshot that knows more than the journal, or something else, is not used") {
  world other;
  add_up_to(other, 6);
  world w;
  const auto copy_snapshots = [&] {
    std::vector<snapshot> copies;
    other.stores.snapshots
        ->load(other.persistence_id,
               [&](std::uint64_t number, const result<std::string_view>& image) {
                 copies.push_back({w.persistence_id, number, std::string{*image}, 9});
                 return visit::next;
               })
        .value();
    w.stores.snapshots->save(copies).value();
  };
  SECTION("more") {
    (void)w.execute(add{100}).value();
    copy_snapshots();
    w.shard = w.start();
    CHECK(total(w) == "100");
    CHECK(w.log.size() == 2);
  }
  SECTION("something else") {
    auto elsewhere = std::make_shared<stream_write>();
    elsewhere->persistence_id = "other|1";
    elsewhere->events.emplace_back().meta.type = "happened";
    elsewhere->events[0].payload = "\x80";
    (void)append_and_wait(w.journal, {{elsewhere}, {}}).value();  // so that all positions differ
    for (int i = 0; i < 7; ++i) (void)w.execute(add{100}).value();
    w.stores.snapshots->erase(w.persistence_id).value();
    copy_snapshots();
    w.shard = w.start();
    CHECK(total(w) == "700");
    CHECK(w.log.size() == 2);
  }
}

TEST_CASE("A command id from before the snapshot is still known after recovery from it") {
  world w;
  (void)w.execute(add{5}, with_id("first")).value();
  for (int i = 0; i < 5; ++i) (void)w.execute(add{1}, with_id("later " + std::to_string(i))).value();
  w.shard = w.start();

  const auto again = w.execute(add{1}, with_id("later 1"));  // it is within the window of four
  REQUIRE(again);
  CHECK(again->repeated);
  CHECK(again->sequence_number == 3);
  CHECK_FALSE(w.execute(add{5}, with_id("first"))->repeated);
  CHECK(w.log.empty());
}

TEST_CASE("Snapshots that cannot be stored or read are reported and change nothing") {
  class broken_snapshots final : public snapshot_store {
   public:
    result<void> save(const std::vector<snapshot>&) override { return error{errc::full, "saving snapshots"}; }
    result<void> load(std::string_view, const snapshot_visitor&) const override {
      return error{errc::io, "looking for snapshots"};
    }
    result<void> erase(std::string_view) override { return error{errc::io, "dropping snapshots"}; }
  };
  world w;
  auto broken = std::make_shared<broken_snapshots>();
  detail::snapshot_queue queue{broken, w.host, w.health, w.write_log};
  auto around = w.around;
  detail::aggregate_surroundings with_broken{{w.journal, broken.get(), 4, w.write_log},
                                             w.time,
                                             w.host,
                                             around.committer,
                                             queue,
                                             w.health,
                                             4,
                                             around.min_backoff,
                                             around.max_backoff};
  w.shard = detail::spawn<detail::aggregate_shard>(w.host, detail::placement::shared, with_broken, w.host,
                                                   std::size_t{1}, w.live, w.counts);
  for (int i = 0; i < 7; ++i) (void)w.execute(add{1}).value();
  CHECK(total(w) == "7");
  CHECK(w.log.size() == 2);  // once when it recovered, once for all snapshots
  const auto shown = w.health.shown();
  REQUIRE(shown.problems.size() == 1);
  CHECK(shown.problems[0].subject == "snapshots");
  CHECK(shown.problems[0].times == 2);
}
