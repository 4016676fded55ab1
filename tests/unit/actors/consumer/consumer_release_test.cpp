// Dead letters of a projection that are released: what is left when the program ends, power is lost or a store fails on
// the way, and that the rows get each of them once.
#include <algorithm>
#include <map>
#include <stdexcept>

#include "consumer/consumer_actor.hpp"
#include "support/catch.hpp"
#include "support/counter.hpp"
#include "support/forgetful_rows.hpp"
#include "support/manual_host.hpp"
#include "support/scripted_sender.hpp"
#include "tyto/process_manager.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

// Sums by stream; amounts below 0 it cannot cope with unless told to, and some not even then.
struct totals {
  static constexpr std::string_view name = "totals";
  static constexpr failure_policy failures{.retries = 0};
  static constexpr std::int64_t hopeless = -1'000;
  static inline bool copes = false;
  static inline std::vector<std::uint64_t> handled;  // positions
  using table = tyto::table<std::string, std::int64_t>;
  static void project(table& rows, const counted& e, const metadata& m) {
    if (e.by < 0 && !copes) throw std::runtime_error("below 0");
    if (e.by == hopeless) throw std::runtime_error("hopeless");
    handled.push_back(m.position);
    rows.update(m.persistence_id, [&](std::int64_t& total) { total += e.by; });
  }
};

using sums = std::map<std::string, std::int64_t>;

// A journal, rows, and one run of a program after the other that has them.
struct world {
  enum class recording : std::uint8_t { works, fails, never_ends };

  // What ends with the program.
  struct run {
    explicit run(world& w)
        : bus(w.journal->head().value(), 100, 4),
          health(w.time),
          sender([&w](const outgoing_command& sent, const command_options&, const command_reply& reply) {
            w.put_on_record(sent, reply);
          }),
          around{*w.journal,
                 bus,
                 w.host,
                 sender,
                 [&w](std::string_view line) { w.log.emplace_back(line); },
                 4,
                 std::chrono::milliseconds{10},
                 std::chrono::milliseconds{40},
                 health},
          consumer(spawn<consumer_actor>(w.host, placement::dedicated, around, partition{},
                                         make_projection_handler(define_projection<totals>(), *w.rows),
                                         std::make_shared<progress>("totals"))) {
      consumer.post(begin{});
    }
    event_bus bus;
    health_board health;
    scripted_sender sender;
    consumer_surroundings around;
    address<consumer_message> consumer;
  };

  manual_clock time;
  manual_host host{time};
  std::shared_ptr<event_store> journal = open_memory().journal;
  std::shared_ptr<forgetful_rows> rows = std::make_shared<forgetful_rows>();
  recording records = recording::works;
  std::function<void()> on_release = [] {};  // before the releases of a batch go on record
  std::vector<std::string> log;
  std::unique_ptr<run> now;

  world() {
    totals::copes = false;
    totals::handled.clear();
  }

  template <class Event>
  std::shared_ptr<stream_write> append(const std::string& stream, const Event& event) {
    auto write = std::make_shared<stream_write>();
    write->persistence_id = stream;
    auto& stored = write->events.emplace_back();
    stored.meta.persistence_id = stream;
    stored.meta.type = stored_name<Event>;
    stored.payload = to_bytes(event);
    append_batch batch;
    batch.writes = {write};
    REQUIRE(append_and_wait(*journal, std::move(batch)));
    return write;
  }
  void put_on_record(const outgoing_command& sent, const command_reply& reply) {
    if (records == recording::never_ends) return;
    if (records == recording::fails) return reply(command_failure{error{errc::full, "recording"}});
    const auto stream = "tyto.consumer|" + sent.entity_id;
    const auto& command = *std::static_pointer_cast<const consumer_record::command>(sent.command);
    std::visit(overloaded{[&](const consumer_record::release& all) {
                            on_release();
                            for (const auto& each : all.what) append(stream, each);
                          },
                          [&](const auto& one) { append(stream, one.what); }},
               command);
    reply(committed{});
  }
  void remove(const std::string& stream) {
    auto write = std::make_shared<stream_write>();
    write->persistence_id = "counter|" + stream;
    write->retain = retention{retention::action::remove, 0, {}};
    append_batch batch;
    batch.writes = {std::move(write)};
    REQUIRE(append_and_wait(*journal, std::move(batch)));
  }
  void count(const std::string& stream, std::int64_t by) { append("counter|" + stream, counted{by}); }
  // While the program runs; returns its position.
  std::uint64_t count_now(const std::string& stream, std::int64_t by) {
    auto made = std::make_shared<segment>();
    auto write = append("counter|" + stream, counted{by});
    made->last_position = write->events[0].meta.position;
    made->first_position = now->bus.head() + 1;  // what is on record meanwhile is not of interest
    made->writes = {std::move(write)};
    now->bus.publish(std::move(made));
    return now->bus.head();
  }

  // The one before ends as if it were killed.
  void restart() {
    if (now) now->consumer.close();
    now = std::make_unique<run>(*this);
    host.run();
  }
  result<std::size_t> release(release_parked::way how, std::optional<std::uint64_t> position,
                              std::optional<std::string> key) {
    result<std::size_t> released = error{errc::timeout, "releasing"};  // if there is no answer
    now->consumer.post(release_parked{how, position, std::move(key), [&](auto outcome) { released = outcome; }});
    host.run();
    return released;
  }
  result<std::size_t> replay(std::optional<std::string> key = std::nullopt) {
    totals::copes = true;
    return release(release_parked::way::replay, std::nullopt, std::move(key));
  }
  result<std::size_t> discard(std::uint64_t position) {
    return release(release_parked::way::discard, position, std::nullopt);
  }

  [[nodiscard]] std::size_t letters() const { return dead_letters(*journal, "totals").value().size(); }
  [[nodiscard]] sums totals_now() const {
    sums all;
    const auto snapshot = rows->snapshot("totals").value();
    totals::table{*snapshot}.for_each([&](const std::string& key, std::int64_t total) { all[key] = total; });
    return all;
  }
  [[nodiscard]] std::vector<event_released> releases() const {
    std::vector<event_released> all;
    REQUIRE(journal->read_stream("tyto.consumer|totals", 1, [&](const event_view& event) {
      if (event.meta.type == stored_name<event_released>) {
        all.push_back(from_bytes<event_released>(event.payload).value());
      }
      return visit::next;
    }));
    return all;
  }
};

// With dead letters at 1 and 2, one for each stream, and one more event that was handled.
struct world_with_letters : world {
  world_with_letters() {
    count("a", -1);
    count("b", -10);
    count("c", 5);
    restart();
    host.advance(std::chrono::milliseconds{10});
    REQUIRE(letters() == 2);
    REQUIRE(totals_now() == sums{{"counter|c", 5}});
  }
};

const sums with_a{{"counter|a", -1}, {"counter|c", 5}};
const sums with_b{{"counter|b", -10}, {"counter|c", 5}};
const sums with_both{{"counter|a", -1}, {"counter|b", -10}, {"counter|c", 5}};

}  // namespace

TEST_CASE("A dead letter is released once its effect is in the rows, and the others after it") {
  world_with_letters w;
  CHECK(w.replay().value() == 2);
  CHECK(w.totals_now() == with_both);
  CHECK(w.letters() == 0);
  CHECK(w.replay().value() == 0);
  w.restart();
  CHECK(w.totals_now() == with_both);
  CHECK(w.releases().size() == 2);
}

TEST_CASE(
    "A dead letter that was handled when the program ended is put on record by the next one, and not applied twice") {
  world_with_letters w;
  w.records = world::recording::never_ends;
  REQUIRE_FALSE(w.replay());
  CHECK(w.totals_now() == with_both);
  CHECK(w.letters() == 2);
  SECTION("killed") {}
  SECTION("without power") { w.rows->lose_power(); }
  w.records = world::recording::works;
  w.restart();
  CHECK(w.totals_now() == with_both);
  CHECK(w.letters() == 0);
  CHECK(w.releases().size() == 2);
  CHECK(w.replay().value() == 0);
  CHECK(w.totals_now() == with_both);
}

TEST_CASE("A dead letter whose release is on record keeps its effect when power is lost") {
  world_with_letters w;
  CHECK(w.replay("counter|b").value() == 1);
  w.rows->lose_power();
  w.restart();
  CHECK(w.letters() == 1);
  CHECK(w.totals_now() == with_b);
}

TEST_CASE("A release that cannot be put on record ends there, and the next one finishes it first, whatever it is for") {
  world_with_letters w;
  w.records = world::recording::fails;
  const auto failed = w.replay("counter|a");
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == errc::full);
  CHECK_THAT(failed.error().message(), Catch::Contains("position 1"));
  CHECK(w.totals_now() == with_a);
  CHECK(w.letters() == 2);

  SECTION("it fails again for another key, which waits") {
    CHECK_FALSE(w.replay("counter|b"));
    CHECK(w.totals_now() == with_a);
  }
  SECTION("nothing else happens before") {}
  SECTION("other events are handled before, and the program ends") {
    w.count("c", 2);
    w.restart();
    CHECK(w.totals_now().at("counter|c") == 7);
    w.count("c", -2);
    w.restart();
    CHECK(w.letters() == 2);
    CHECK_THAT(w.log.back(), Catch::Contains("position 1"));
  }
  w.records = world::recording::works;
  CHECK(w.replay("counter|b").value() == 1);
  CHECK(w.letters() == 0);
  CHECK(w.totals_now() == with_both);
  CHECK(w.releases().size() == 2);
  CHECK(w.releases().at(0).position == 1);
}

TEST_CASE("A dead letter that was handled cannot be given up any more: it goes on record as handled") {
  world_with_letters w;
  w.records = world::recording::fails;
  CHECK_FALSE(w.replay("counter|a"));
  w.records = world::recording::works;
  CHECK(w.discard(1).value() == 1);
  REQUIRE(w.releases().size() == 1);
  CHECK_FALSE(w.releases()[0].discarded);
  CHECK(w.letters() == 1);
  CHECK(w.totals_now() == with_a);
}

TEST_CASE("Dead letters whose rows cannot be committed stay what they are, and their effect is nowhere") {
  world_with_letters w;
  w.rows->fail_next_commit(error{errc::full, "committing"});
  const auto failed = w.replay();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == errc::full);
  CHECK_THAT(failed.error().message(), Catch::Contains("from position 1 to 2"));
  CHECK(w.totals_now() == sums{{"counter|c", 5}});
  CHECK(w.letters() == 2);
  w.restart();
  CHECK(w.replay().value() == 2);
  CHECK(w.totals_now() == with_both);
}

TEST_CASE("A dead letter whose event was removed is given up when it is replayed, and does not count as handled") {
  world_with_letters w;
  w.remove("b");
  CHECK(w.replay().value() == 1);
  CHECK(w.totals_now() == with_a);
  CHECK(w.letters() == 0);
  const auto releases = w.releases();
  REQUIRE(releases.size() == 2);
  CHECK_FALSE(releases[0].discarded);
  CHECK(releases[1].position == 2);
  CHECK(releases[1].discarded);
}

TEST_CASE("Dead letters that come one after the other are one condition, of which the log says nothing more") {
  world w;
  for (int i = 0; i < 12; ++i) w.count(std::to_string(i), -1);
  w.restart();
  for (int i = 0; i < 12; ++i) w.host.advance(std::chrono::milliseconds{10});
  REQUIRE(w.letters() == 12);
  const auto shown = w.now->health.shown();
  REQUIRE(shown.problems.size() == 1);
  CHECK(shown.problems[0].times == 1);
  CHECK_THAT(shown.problems[0].why.message(), Catch::Contains("12 events wait"));
  CHECK(w.replay().value() == 12);
  CHECK(w.now->health.shown().is_healthy());
}

TEST_CASE("Very many dead letters may fail again") {
  constexpr std::uint64_t many = 50'000;
  world w;
  for (std::uint64_t i = 1; i <= many; ++i) w.count(std::to_string(i), -1);
  for (std::uint64_t i = 1; i <= many; ++i) {
    w.append("tyto.consumer|totals", event_parked{i, "counter|" + std::to_string(i), {}, {}, "below 0", 1});
  }
  w.restart();
  CHECK(w.release(release_parked::way::replay, std::nullopt, std::nullopt).error().code() == errc::handler_failed);
  CHECK(w.letters() == many);
  CHECK(w.totals_now().empty());
}

TEST_CASE("A dead letter is not released while its rows may be lost with power") {
  world_with_letters w;
  w.rows->fail_next_sync(error{errc::io, "syncing"});
  const auto failed = w.replay();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == errc::io);
  CHECK(w.letters() == 2);
  CHECK(w.totals_now() == with_both);
  SECTION("they are not lost") { CHECK(w.replay().value() == 2); }
  SECTION("they are lost") {
    w.rows->lose_power();
    CHECK(w.totals_now() == sums{{"counter|c", 5}});
    w.restart();
    CHECK(w.letters() == 2);
    CHECK(w.replay().value() == 2);
  }
  CHECK(w.totals_now() == with_both);
  CHECK(w.letters() == 0);
}

TEST_CASE("A dead letter that lies ahead of rows which are made anew is released after they have passed it") {
  world_with_letters w;
  CHECK(w.replay("counter|b").value() == 1);
  w.rows = std::make_shared<forgetful_rows>();
  w.now->consumer.close();
  w.now = std::make_unique<world::run>(w);  // the request is there before the first events
  CHECK(w.replay().value() == 1);
  w.host.run();
  CHECK(w.totals_now() == with_both);
  CHECK(w.letters() == 0);
}

TEST_CASE("A dead letter that was given up does not come again, also if no rows were ever committed") {
  world w;
  w.count("a", -1);
  w.restart();
  REQUIRE(w.letters() == 1);
  CHECK(w.discard(1).value() == 1);
  SECTION("killed") {}
  SECTION("without power") { w.rows->lose_power(); }
  totals::copes = true;
  w.restart();
  CHECK(w.totals_now().empty());
  CHECK(w.letters() == 0);
}

TEST_CASE("Deadlines that a dead letter sets are told when they are committed, and the letter is remembered") {
  struct listener final : actor_of<alarm_message> {
    explicit listener(std::size_t& told) : told_(told) {}
    void on(alarm_message&& message) override { told_ += std::get<deadlines_changed>(message).changes.size(); }
    std::size_t& told_;
  };
  manual_clock time;
  manual_host host{time};
  std::size_t told = 0;
  deadlines_definition definition{{"late"}};
  definition.handlers.emplace(stored_name<counted>, [](const recorded_event&) -> result<steps> {
    return steps{set_deadline{"d", {}}};
  });
  const auto to = spawn<listener>(host, placement::shared, told);
  forgetful_rows rows;
  recorded_event event;
  event.meta.type = stored_name<counted>;
  event.meta.persistence_id = "counter|1";
  {
    const auto handler = make_deadlines_handler(definition, rows, to);
    CHECK(handler->load().value() == 0);
    CHECK(handler->committed_letters().empty());
    REQUIRE(handler->handle(event));
    rows.fail_next_commit(error{errc::full, "committing"});
    CHECK_FALSE(handler->commit_letters({{3}}, 4));
    CHECK(handler->committed_letters().empty());
    handler->abandon();
    REQUIRE(handler->handle(event));
    handler->commit_letters({{3}}, 4).value();
    CHECK(handler->committed_letters() == std::vector<delivery_id>{{3}});
    handler->sync().value();
  }
  rows.lose_power();
  host.run();
  CHECK(told == 1);
  const auto handler = make_deadlines_handler(definition, rows, to);
  CHECK(handler->load().value() == 4);
  CHECK(handler->committed_letters() == std::vector<delivery_id>{{3}});
  host.run();
  CHECK(told == 2);
}

TEST_CASE("What comes before an event that is parked at its first failure is in the rows") {
  world w;
  w.count("c", 5);
  w.count("a", -1);
  w.restart();
  w.host.advance(std::chrono::milliseconds{10});
  CHECK(w.letters() == 1);
  CHECK(w.totals_now() == sums{{"counter|c", 5}});
}

TEST_CASE("An event that waits behind a dead letter is released with it, also if the next event was parked") {
  world_with_letters w;
  w.count("a", 2);
  w.count("d", -3);
  w.restart();
  w.host.advance(std::chrono::milliseconds{10});
  CHECK(w.letters() == 4);
  CHECK(w.replay().value() == 4);
  CHECK(w.letters() == 0);
  CHECK(w.totals_now() == sums{{"counter|a", 1}, {"counter|b", -10}, {"counter|c", 5}, {"counter|d", -3}});
}

TEST_CASE("An event that was being parked when its batch failed is not handled before it is released") {
  world_with_letters w;
  w.count("a", 2);
  w.count("d", 3);
  w.rows->fail_next_commit(error{errc::full, "committing"});
  w.restart();  // the first is on record, and the commit has failed: both will be tried again
  REQUIRE(w.letters() == 3);
  bool replayed = false;
  totals::copes = true;
  w.now->consumer.post(release_parked{{}, {}, {}, [&](const auto& released) { replayed = bool{released}; }});
  w.host.run();
  CHECK_FALSE(replayed);
  w.host.advance(std::chrono::milliseconds{10});
  CHECK(replayed);
  const sums expected{{"counter|a", 1}, {"counter|b", -10}, {"counter|c", 5}, {"counter|d", 3}};
  CHECK(w.letters() == 0);
  CHECK(w.totals_now() == expected);
  w.restart();
  CHECK(w.letters() == 0);
  CHECK(w.totals_now() == expected);
}

namespace {

// With as many dead letters for one stream, which are more than one batch.
struct world_with_many : world {
  static constexpr std::int64_t many = 30;
  world_with_many() {
    for (std::int64_t i = 0; i < many; ++i) count("a", -1);
    restart();
    host.advance(std::chrono::milliseconds{10});
    REQUIRE(letters() == many);
    totals::handled.clear();
  }
};

std::ptrdiff_t turn_of(std::uint64_t position) {
  return std::ranges::find(totals::handled, position) - totals::handled.begin();
}

}  // namespace

TEST_CASE("An event of another key is handled before a long release is over, and meanwhile nothing is lost") {
  world_with_many w;
  std::uint64_t other = 0;
  int batches = 0;
  w.on_release = [&] {
    if (++batches == 1) other = w.count_now("b", 7);
  };
  CHECK(w.replay().value() == world_with_many::many);
  CHECK(batches > 2);
  CHECK(turn_of(other) < turn_of(world_with_many::many));
  CHECK(w.totals_now() == sums{{"counter|a", -world_with_many::many}, {"counter|b", 7}});
  CHECK(w.letters() == 0);
}

TEST_CASE("Events of a key that come while its dead letters are released wait behind them, and are released too") {
  world_with_many w;
  std::vector<std::uint64_t> later;
  w.on_release = [&] { later.push_back(w.count_now("a", 1)); };  // they never cease while it is released
  CHECK(w.replay().value() > world_with_many::many);
  CHECK(w.letters() == 0);
  CHECK(w.totals_now() == sums{{"counter|a", static_cast<std::int64_t>(later.size()) - world_with_many::many}});
  CHECK(std::ranges::is_sorted(totals::handled));
  CHECK(turn_of(later.back()) + 1 == std::ssize(totals::handled));
}

TEST_CASE("A program that ends between two batches has released the first ones, and none of them twice") {
  world_with_many w;
  int batches = 0;
  w.on_release = [&] { w.records = ++batches == 3 ? world::recording::never_ends : world::recording::works; };
  REQUIRE_FALSE(w.replay());
  w.records = world::recording::works;
  w.on_release = [] {};
  SECTION("killed") {}
  SECTION("without power") { w.rows->lose_power(); }
  w.restart();
  REQUIRE(w.replay());
  CHECK(w.letters() == 0);
  CHECK(w.releases().size() == world_with_many::many);
  CHECK(w.totals_now() == sums{{"counter|a", -world_with_many::many}});
}

TEST_CASE("A dead letter that fails again keeps its key back, and the others of its batch are released, each once") {
  world w;
  w.count("a", -1);
  w.count("b", totals::hopeless);
  w.count("c", -10);
  w.count("b", -20);
  w.count("a", -100);
  w.restart();
  w.host.advance(std::chrono::milliseconds{10});
  REQUIRE(w.letters() == 5);
  const auto failed = w.replay();
  REQUIRE_FALSE(failed);
  CHECK_THAT(failed.error().message(), Catch::Contains("position 2") && Catch::Contains("hopeless"));
  CHECK(w.letters() == 2);
  CHECK(w.totals_now() == sums{{"counter|a", -101}, {"counter|c", -10}});
  CHECK(w.discard(2).value() == 1);
  CHECK(w.replay().value() == 1);
  CHECK(w.totals_now() == sums{{"counter|a", -101}, {"counter|b", -20}, {"counter|c", -10}});
}

TEST_CASE("A release in which the consumer is paused or stopped ends, and what was released stays so") {
  world_with_many w;
  bool is_first = true;
  const bool pauses = GENERATE(true, false);
  w.on_release = [&] {
    if (!std::exchange(is_first, false)) return;
    if (pauses) w.now->consumer.post(pause_consumer{[] {}});
    if (!pauses) w.now->consumer.post(stop_actor{[] {}});
  };
  CHECK(w.replay().error().code() == errc::stopped);
  const auto left = w.letters();
  CHECK(left < world_with_many::many);
  CHECK(left > 0);
  w.restart();
  CHECK(w.replay().value() == left);
  CHECK(w.totals_now() == sums{{"counter|a", -world_with_many::many}});
}
