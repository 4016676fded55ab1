#include "consumer/consumer_handler.hpp"

#include <stdexcept>
#include <string>

#include "support/catch.hpp"
#include "support/collecting_actor.hpp"
#include "support/counter.hpp"
#include "support/forgetful_rows.hpp"
#include "support/manual_host.hpp"
#include "support/scripted_store.hpp"
#include "tyto/memory_store.hpp"
#include "tyto/process_manager.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

recorded_event event_at(std::uint64_t position, std::int64_t by = 1, const std::string& entity = "1") {
  recorded_event event;
  event.meta.position = position;
  event.meta.persistence_id = "counter|" + entity;
  event.meta.type = stored_name<counted>;
  event.meta.correlation_id = "request";
  event.payload = to_bytes(counted{by});
  return event;
}

struct totals {
  static constexpr std::string_view name = "totals";
  static constexpr std::string_view categories[] = {"counter"};
  using table = tyto::table<std::string, std::int64_t>;
  static void project(table& rows, const counted& e, const metadata& m) {
    if (e.by == counter::poison) throw std::runtime_error("poison");
    rows.update(std::string{m.entity_id()}, [&](std::int64_t& total) { total += e.by; });
  }
};

// A projection's handler over rows that can fail.
struct projecting {
  forgetful_rows rows;
  std::unique_ptr<consumer_handler> handler = start();

  std::unique_ptr<consumer_handler> start() { return make_projection_handler(define_projection<totals>(), rows); }

  void handle(std::uint64_t position, std::int64_t by) {
    const auto event = event_at(position, by);
    REQUIRE(handler->handle(event).value().empty());
    REQUIRE_FALSE(handler->finish());
  }
  [[nodiscard]] std::int64_t total() const {
    const auto seen = rows.snapshot("totals").value();
    return totals::table{*seen}.get("1").value_or(0);
  }
  [[nodiscard]] row_checkpoint checkpoint() const { return rows.snapshot("totals").value()->checkpoint(); }
};

// Sends one command for each event, and takes refusals as the test says.
struct forwards {
  static constexpr std::string_view name = "forwards";
  static commands react(const counted& e, const metadata& m) {
    if (e.by == counter::poison) throw std::runtime_error("poison");
    return {send<counter>("copy of " + std::string{m.entity_id()}, count{e.by})};
  }
};
struct minds_refusals : forwards {
  static commands on_rejected(const refused_command& refused, const metadata& m) {
    if (refused.why.reason == "poison") throw std::runtime_error("on_rejected threw");
    return {send<counter>("complaints of " + std::string{m.entity_id()}, count{})};
  }
};

struct reacting {
  manual_clock time;
  manual_host host{time};
  scripted_store journal{open_memory().journal};
  std::vector<committer_message> posted;
  address<committer_message> committer = spawn<collecting_actor<committer_message>>(host, placement::dedicated, posted);

  template <class R>
  std::unique_ptr<consumer_handler> start(std::string checkpoint_name = "forwards") {
    return make_reaction_handler(define_reaction(R{}), std::move(checkpoint_name), journal, committer);
  }
};

// A process manager's deadlines by hand: an event that counts n > 0 sets the deadline "pay" n seconds after the epoch,
// one that counts 0 cancels it, and others concern none.
deadlines_definition deadlines_by_count() {
  deadlines_definition made{};
  made.name = "checkout/deadlines";
  made.partitions = 4;
  made.handlers.emplace(stored_name<counted>, [](const recorded_event& event) -> result<steps> {
    const auto by = from_bytes<counted>(event.payload).value().by;
    if (by == counter::poison) return error{errc::undecodable, "reading"};
    if (by > 0) return steps{set_deadline{"pay", timestamp{std::chrono::seconds{by}}}};
    if (by == 0) return steps{cancel_deadline{"pay"}};
    return steps{send<counter>("other", count{})};
  });
  return made;
}

struct listing {
  manual_clock time;
  manual_host host{time};
  forgetful_rows rows;
  std::vector<alarm_message> posted;
  address<alarm_message> alarm = spawn<collecting_actor<alarm_message>>(host, placement::shared, posted);
  std::unique_ptr<consumer_handler> handler = start();

  std::unique_ptr<consumer_handler> start() { return make_deadlines_handler(deadlines_by_count(), rows, alarm); }

  void handle(std::uint64_t position, const std::string& entity, std::int64_t by) {
    const auto event = event_at(position, by, entity);
    REQUIRE(handler->handle(event).value().empty());
    REQUIRE_FALSE(handler->finish());
  }
  // What the alarm was told since the last time, in words.
  std::vector<std::string> told() {
    host.run();
    std::vector<std::string> words;
    for (const auto& each : std::exchange(posted, {})) {
      const auto& changed = std::get<deadlines_changed>(each);
      std::string all = changed.are_all ? "all:" : "changed:";
      for (const auto& [key, name, due, correlation_id] : changed.changes) {
        all += " " + key + "/" + name;
        all +=
            due ? " at " + std::to_string(due->time_since_epoch() / std::chrono::seconds{1}) + " for " + correlation_id
                : " off";
      }
      words.push_back(all);
    }
    return words;
  }
};

}  // namespace

TEST_CASE("A projection starts after what was committed with its rows, and at 0 if nothing was") {
  projecting p;
  CHECK(p.handler->load().value() == 0);
  p.handle(1, 5);
  p.handler->commit(1).value();
  CHECK(p.start()->load().value() == 1);
}

TEST_CASE("A projection wants the events that it has handlers for, in its categories") {
  const projecting p;
  CHECK(p.handler->definition().name == "totals");
  CHECK(p.handler->wants().types == std::vector<std::string>{"counter.counted"});
  CHECK(p.handler->wants().categories == std::vector<std::string>{"counter"});
}

TEST_CASE("What a projection has handled is there after the commit, with the checkpoint, and not before") {
  projecting p;
  p.handler->load().value();
  p.handle(1, 5);
  p.handle(2, 6);
  CHECK(p.total() == 0);
  p.handler->commit(2).value();
  CHECK(p.total() == 11);
  CHECK(p.checkpoint().position == 2);
  CHECK_FALSE(p.handler->has_unsaved(2));
}

TEST_CASE("A projection forgets what it abandons") {
  projecting p;
  p.handler->load().value();
  p.handle(1, 5);
  p.handler->abandon();
  p.handle(1, 7);
  p.handler->commit(1).value();
  CHECK(p.total() == 7);
}

TEST_CASE("What a projection throws is an error that names it and the event") {
  projecting p;
  const auto event = event_at(4, counter::poison);
  const auto failed = p.handler->handle(event);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == errc::handler_failed);
  CHECK_THAT(failed.error().message(), Catch::Contains("totals") && Catch::Contains("poison"));
}

TEST_CASE("A checkpoint that moves over events of no interest is saved when asked, and not before") {
  projecting p;
  p.handler->load().value();
  CHECK_FALSE(p.handler->has_unsaved(0));
  p.handler->commit(10).value();
  CHECK(p.checkpoint().position == 0);
  CHECK(p.handler->has_unsaved(10));
  p.handler->save(10).value();
  CHECK(p.checkpoint().position == 10);
  CHECK_FALSE(p.handler->has_unsaved(10));

  p.rows.fail_next_commit({errc::full, "committing"});
  p.handler->save(10).value();  // there is nothing to do, so nothing fails
}

TEST_CASE("A checkpoint is saved unasked once it has moved far, so that little is read again") {
  projecting p;
  p.handler->load().value();
  p.handler->commit(16'383).value();
  CHECK(p.checkpoint().position == 0);
  p.handler->commit(16'384).value();
  CHECK(p.checkpoint().position == 16'384);
  p.handler->commit(16'385).value();
  CHECK(p.checkpoint().position == 16'384);
}

TEST_CASE("A checkpoint that could not be saved is still unsaved") {
  projecting p;
  p.handler->load().value();
  p.handler->commit(10).value();
  p.rows.fail_next_commit({errc::full, "committing"});
  CHECK(p.handler->save(10).error().code() == errc::full);
  CHECK(p.handler->has_unsaved(10));
  p.handler->save(10).value();
  CHECK(p.checkpoint().position == 10);
}

TEST_CASE("A reset of a projection clears its rows, its checkpoint and what was in hand") {
  projecting p;
  p.handler->load().value();
  p.handle(1, 5);
  p.handler->commit(1).value();
  p.handle(2, 6);
  p.handler->reset().value();
  CHECK(p.total() == 0);
  CHECK(p.rows.checkpoints().value().empty());
  CHECK(p.handler->load().value() == 0);
  p.handle(1, 5);
  p.handler->commit(1).value();
  CHECK(p.total() == 5);
}

TEST_CASE("Dead letters are named with their effect, until a checkpoint lies behind the record of their release") {
  using letters = std::vector<delivery_id>;
  projecting p;
  p.handler->load().value();
  CHECK(p.handler->committed_letters().empty());
  p.handle(3, 5);
  p.handler->commit_letters({{3}, {4, 1}}, 8).value();
  CHECK(p.total() == 5);
  CHECK(p.handler->committed_letters() == letters{{3}, {4, 1}});
  p.handle(9, 1);
  p.handler->commit(9).value();
  CHECK(p.checkpoint().position == 9);
  CHECK(p.checkpoint().released == letters{{3}, {4, 1}});
  const auto again = p.start();
  CHECK(again->load().value() == 9);
  CHECK(again->committed_letters() == letters{{3}, {4, 1}});

  p.handler->letters_are_on_record(12);
  p.handle(10, 1);
  p.handler->commit(11).value();
  CHECK(p.checkpoint().released == letters{{3}, {4, 1}});
  SECTION("others are released before") {
    p.handle(6, 1);
    p.rows.fail_next_commit({errc::full, "committing"});
    CHECK(p.handler->commit_letters({{6}}, 11).error().code() == errc::full);
    p.handler->abandon();
    CHECK(p.handler->committed_letters() == letters{{3}, {4, 1}});
    p.handle(6, 1);
    p.handler->commit_letters({{6}}, 11).value();
    CHECK(p.handler->committed_letters() == letters{{3}, {4, 1}, {6}});
    p.handler->save(12).value();
    CHECK(p.checkpoint().released == letters{{3}, {4, 1}, {6}});
    p.handler->letters_are_on_record(13);
  }
  SECTION("others are released behind it") {
    p.handle(6, 1);
    p.handler->commit_letters({{6}}, 12).value();
    CHECK(p.handler->committed_letters() == letters{{6}});
    p.handler->letters_are_on_record(13);
  }
  SECTION("none are") {}
  p.handler->save(13).value();
  CHECK(p.checkpoint().released.empty());
}

TEST_CASE("A projection's rows have the shape of its table, also those that earlier versions stored without it") {
  projecting p;
  p.handler->load().value();
  CHECK_FALSE(p.handler->has_unsaved(0));
  p.handle(1, 5);
  p.handler->commit(1).value();
  CHECK(p.checkpoint().shape == "string");
  p.rows.commit("totals", {}, {1}).value();
  const auto again = p.start();
  CHECK(again->load().value() == 1);
  CHECK(again->has_unsaved(1));
  again->save(1).value();
  CHECK(p.checkpoint() == row_checkpoint{1, {}, "string"});
  CHECK_FALSE(again->has_unsaved(1));
}

TEST_CASE("A projection does not begin with rows of another shape, and says what to do") {
  projecting p;
  p.handle(1, 5);
  p.handler->commit(1).value();
  std::map<std::string, std::optional<std::string>, std::less<>> bad;
  row_checkpoint checkpoint{1, {}, "u64"};
  SECTION("other keys") {}
  SECTION("a value that cannot be read") {
    checkpoint.shape = "string";
    bad.emplace(to_row_key(std::string{"1"}), "\x81");
  }
  p.rows.commit("totals", bad, checkpoint).value();
  const auto refused = p.start()->load().error();
  CHECK(refused.code() == errc::undecodable);
  CHECK_THAT(refused.message(), Catch::StartsWith("looking at the rows of 'totals'") &&
                                    Catch::Contains("give the projection a new name, or reset it"));
}

TEST_CASE("A projection's sync is that of its rows") {
  projecting p;
  p.rows.fail_next_sync({errc::io, "syncing"});
  CHECK(p.handler->sync().error().code() == errc::io);
  CHECK(p.handler->sync());
}

TEST_CASE("A reaction returns the commands that follow from an event") {
  reacting r;
  const auto handler = r.start<forwards>();
  const auto event = event_at(1, 7, "a");
  const auto sent = handler->handle(event).value();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].entity_id == "copy of a");
  CHECK(sent[0].target == &definition_of<counter>());
}

TEST_CASE("What a reaction throws is an error that names it and the event") {
  reacting r;
  const auto event = event_at(4, counter::poison);
  const auto failed = r.start<forwards>()->handle(event);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == errc::handler_failed);
  CHECK_THAT(failed.error().message(), Catch::Contains("forwards") && Catch::Contains("poison"));
}

TEST_CASE("A reaction's checkpoint is its partition's, comes from the journal, and goes to the committer") {
  reacting r;
  append_and_wait(r.journal, {{}, {{"forwards#1/2", 12}}}).value();
  const auto handler = r.start<forwards>("forwards#1/2");
  CHECK(handler->load().value() == 12);
  handler->commit(15).value();
  r.host.run();
  REQUIRE(r.posted.size() == 1);
  CHECK(std::get<checkpoint>(r.posted[0]).name == "forwards#1/2");
  CHECK(std::get<checkpoint>(r.posted[0]).position == 15);
  CHECK_FALSE(handler->has_unsaved(20));
  handler->save(20).value();
  CHECK(handler->sync());
  r.host.run();
  CHECK(r.posted.size() == 1);
}

TEST_CASE("A reaction cannot be reset") {
  reacting r;
  const auto refused = r.start<forwards>()->reset();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::invalid_argument);
  CHECK_THAT(refused.error().message(), Catch::Contains("resetting 'forwards'"));
  r.host.run();
  CHECK(r.posted.empty());
}

TEST_CASE("A reaction with an on_rejected hears of refusals, and commands may follow") {
  reacting r;
  CHECK_FALSE(r.start<forwards>()->hears_refusals());
  const auto handler = r.start<minds_refusals>();
  CHECK(handler->hears_refusals());
  const auto cause = event_at(1, 1, "a").meta;
  const auto sent = handler->refused({"counter|x", "id", reject("no")}, cause).value();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].entity_id == "complaints of a");
}

TEST_CASE("What on_rejected throws is an error that names the reaction") {
  reacting r;
  const auto cause = event_at(1).meta;
  const auto failed = r.start<minds_refusals>()->refused({"counter|x", "id", reject("poison")}, cause);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == errc::handler_failed);
  CHECK_THAT(failed.error().message(), Catch::Contains("forwards") && Catch::Contains("on_rejected threw"));
}

TEST_CASE("A subscription starts where it is told, keeps no checkpoint, and calls its handler") {
  std::vector<std::int64_t> seen;
  const auto handler = make_subscription_handler(
      define_subscription<counted>("", [&](const counted& e, const metadata&) { seen.push_back(e.by); }), 42);
  CHECK(handler->load().value() == 42);
  const auto event = event_at(43, 7);
  CHECK(handler->handle(event).value().empty());
  CHECK(seen == std::vector<std::int64_t>{7});
  CHECK(handler->commit(43));
  CHECK_FALSE(handler->has_unsaved(43));
  CHECK(handler->save(43));
  CHECK(handler->load().value() == 42);
  CHECK_FALSE(handler->reset());
}

TEST_CASE("The alarm hears of a deadline that is set, moved or cancelled once that is committed") {
  listing l;
  l.handler->load().value();
  CHECK(l.told() == std::vector<std::string>{"all:"});
  l.handle(1, "a", 100);
  l.handle(2, "b", 200);
  CHECK(l.told().empty());
  l.handler->commit(2).value();
  CHECK(l.told() == std::vector<std::string>{"changed: a/pay at 100 for request b/pay at 200 for request"});
  l.handle(3, "a", 300);
  l.handle(4, "b", 0);
  l.handler->commit(4).value();
  CHECK(l.told() == std::vector<std::string>{"changed: a/pay at 300 for request b/pay off"});
}

TEST_CASE("The alarm is told all deadlines that are listed when their list is loaded") {
  listing l;
  l.handle(1, "a", 100);
  l.handle(2, "b", 200);
  l.handle(3, "c", 300);
  l.handle(4, "b", 0);
  l.handler->commit(4).value();
  (void)l.told();
  const auto again = l.start();
  CHECK(again->load().value() == 4);
  CHECK(l.told() == std::vector<std::string>{"all: a/pay at 100 for request c/pay at 300 for request"});
}

TEST_CASE("The alarm does not hear of what was abandoned, of commands, or of a commit without changes") {
  listing l;
  l.handle(1, "a", 100);
  l.handler->abandon();
  l.handle(2, "a", -1);
  l.handler->commit(2).value();
  l.handler->commit(3).value();
  CHECK(l.told().empty());
  CHECK(l.handler->has_unsaved(3));
  l.handler->save(3).value();
  CHECK(l.told().empty());
  CHECK(l.start()->load().value() == 3);
  CHECK(l.told() == std::vector<std::string>{"all:"});
}

TEST_CASE("The alarm hears of a deadline that a dead letter has set") {
  listing l;
  l.handle(1, "a", 100);
  l.handler->commit_letters({{1}}, 5).value();
  CHECK(l.handler->committed_letters() == std::vector<delivery_id>{{1}});
  CHECK(l.told() == std::vector<std::string>{"changed: a/pay at 100 for request"});
}

TEST_CASE("The alarm hears nothing of what could not be committed") {
  listing l;
  l.handle(1, "a", 100);
  l.rows.fail_next_commit({errc::full, "committing"});
  CHECK(l.handler->commit(1).error().code() == errc::full);
  l.handler->abandon();
  CHECK(l.told().empty());
  l.handle(1, "a", 100);
  l.handler->commit(1).value();
  CHECK(l.told() == std::vector<std::string>{"changed: a/pay at 100 for request"});
}

TEST_CASE("After a reset the list of deadlines is empty, and the alarm is told so when it is loaded") {
  listing l;
  l.handle(1, "a", 100);
  l.handler->commit(1).value();
  l.handle(2, "b", 200);
  l.handler->reset().value();
  (void)l.told();
  CHECK(l.handler->load().value() == 0);
  CHECK(l.told() == std::vector<std::string>{"all:"});
  l.handle(1, "a", 100);
  l.handler->commit(1).value();
  CHECK(l.told() == std::vector<std::string>{"changed: a/pay at 100 for request"});
}

TEST_CASE("Deadlines are listed by one thread, and an event that cannot be read is an error") {
  const listing l;
  CHECK(l.handler->definition().partitions == 1);
  CHECK(l.handler->definition().name == "checkout/deadlines");
  const auto event = event_at(1, counter::poison);
  CHECK(l.handler->handle(event).error().code() == errc::undecodable);
}
