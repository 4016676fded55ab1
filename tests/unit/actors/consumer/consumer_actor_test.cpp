#include "consumer/consumer_actor.hpp"

#include "support/catch.hpp"
#include "support/counter.hpp"
#include "support/manual_host.hpp"
#include "support/scripted_sender.hpp"
#include "support/scripted_store.hpp"
#include "tyto/memory_store.hpp"
#include "tyto/upcasting.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

// A handler that keeps what it is called with, and fails when told to.
struct recording_handler final : consumer_handler {
  struct script {
    consumer_definition definition{"billing"};
    event_filter wanted{{std::string{stored_name<counted>}}, {}};
    std::vector<std::uint64_t> handled;
    std::vector<std::uint64_t> commits;
    std::uint64_t checkpoint = 0;
    std::optional<error> load_fails = std::nullopt;
    std::uint64_t poison = 0;  // the position that fails
    bool sends_commands = false;
    expected_version expected = expected_version::any();  // of what is sent
    bool commit_fails = false;
    bool saves_late = false;
    std::uint64_t saved_at = 0;
    bool reset_fails = false;
    int resets = 0;
    bool hears_refusals = false;
    std::vector<refused_command> refused;
    std::vector<std::uint32_t> parts;         // of what was handled
    std::function<void()> meanwhile = [] {};  // while an event is handled
  };
  explicit recording_handler(script& s) : script_(s) {}

  [[nodiscard]] const consumer_definition& definition() const override { return script_.definition; }

  result<std::uint64_t> load() override {
    if (script_.load_fails) return *script_.load_fails;
    return script_.checkpoint;
  }
  [[nodiscard]] event_filter wants() const override { return script_.wanted; }
  result<commands> handle(const recorded_event& event) override {
    if (event.meta.position == script_.poison) return error{errc::handler_failed, "handling", "poison"};
    script_.handled.push_back(event.meta.position);
    script_.parts.push_back(event.meta.part);
    script_.meanwhile();
    if (!script_.sends_commands) return commands{};
    const send_options with{.expected = script_.expected};
    return commands{send<counter>("other", count{}, with), send<counter>("third", count{}, with)};
  }
  result<void> commit(std::uint64_t position) override {
    if (script_.commit_fails) return error{errc::full, "committing"};
    script_.commits.push_back(position);
    return {};
  }
  void abandon() override {}
  result<void> save(std::uint64_t position) override {
    script_.saved_at = position;
    return {};
  }
  [[nodiscard]] bool has_unsaved(std::uint64_t position) const override {
    return script_.saves_late && script_.saved_at < position;
  }
  result<void> reset() override {
    ++script_.resets;
    return script_.reset_fails ? result<void>{error{errc::invalid_argument, "resetting"}} : result<void>{};
  }
  [[nodiscard]] bool hears_refusals() const override { return script_.hears_refusals; }
  result<commands> refused(const refused_command& refused, const metadata& cause) override {
    script_.refused.push_back(refused);
    return commands{send<counter>(cause.entity_id(), count{})};
  }

  script& script_;
};

timestamp decided_at(std::uint64_t position) { return timestamp{std::chrono::seconds{position}}; }

struct sent_command {
  outgoing_command command;
  command_options options;
  command_reply reply;
};

struct world {
  manual_clock time;
  manual_host host{time};
  storage stored = open_memory();
  scripted_store journal;
  event_bus bus;
  std::vector<sent_command> sent;
  std::vector<std::string> log;
  health_board health{time};
  scripted_sender sender{[this](outgoing_command command, command_options options, command_reply reply) {
    sent.push_back({std::move(command), std::move(options), std::move(reply)});
  }};
  consumer_surroundings around{journal,
                               bus,
                               host,
                               sender,
                               [this](std::string_view line) { log.emplace_back(line); },
                               4,
                               std::chrono::milliseconds{10},
                               std::chrono::milliseconds{40},
                               health};
  recording_handler::script script;
  std::shared_ptr<progress> shown = std::make_shared<progress>("billing");
  address<consumer_message> consumer;

  explicit world(int events_in_journal = 0, std::size_t max_recent = 100, const upcasters& changes = {})
      : journal(upcasting(stored, changes).journal), bus(append(events_in_journal), max_recent, 4) {}

  std::uint64_t append(int events) {
    for (int i = 0; i < events; ++i) (void)append_one();
    return journal.head().value();
  }
  std::shared_ptr<stream_write> append_one() {
    auto write = std::make_shared<stream_write>();
    write->persistence_id = "counter|1";
    auto& event = write->events.emplace_back();
    event.meta.persistence_id = "counter|1";
    event.meta.type = stored_name<counted>;
    event.meta.correlation_id = "request";
    event.meta.time = decided_at(journal.head().value() + 1);
    event.payload = to_bytes(counted{1});
    append_batch batch;
    batch.writes = {write};
    REQUIRE(append_and_wait(*stored.journal, std::move(batch)));
    return write;
  }
  void publish_one() {
    auto write = append_one();
    auto made = std::make_shared<segment>();
    made->first_position = made->last_position = write->events[0].meta.position;
    made->writes = {write};
    bus.publish(std::move(made));
  }
  void start() {
    consumer = spawn<consumer_actor>(host, placement::dedicated, around, partition{},
                                     std::make_unique<recording_handler>(script), shown);
    consumer.post(begin{});
    host.run();
  }
  void answer(std::size_t index, const command_result& outcome) {
    sent[index].reply(outcome);
    host.run();
  }
  [[nodiscard]] consumer_status status() const { return shown->status(); }
};

using positions = std::vector<std::uint64_t>;

// Each stored event is three.
upcasters thrice() {
  upcasters changes;
  changes.split(stored_name<counted>, 1, [](const document& d) {
    return std::vector<upcasted>(3, {std::string{stored_name<counted>}, 2, d});
  });
  return changes;
}

}  // namespace

TEST_CASE("A consumer that is behind reads the journal from its checkpoint in batches, then follows the bus") {
  world w{6};
  w.script.checkpoint = 1;
  w.start();
  CHECK(w.script.handled == positions{2, 3, 4, 5, 6});
  CHECK(w.script.commits == positions{5, 6});
  w.publish_one();
  w.host.run();
  CHECK(w.script.handled.back() == 7);
  CHECK(w.status().position == 7);
  CHECK(w.status().state == consumer_state::running);
}

TEST_CASE("A consumer that looks out for events goes to sleep when none comes, and gets those that come later") {
  world w{2};
  w.script.definition.busy_wait = std::chrono::milliseconds{1};
  const auto before = std::chrono::steady_clock::now();
  w.start();
  CHECK(std::chrono::steady_clock::now() - before >= std::chrono::milliseconds{1});
  CHECK(w.script.handled == positions{1, 2});
  w.publish_one();
  w.host.run();
  CHECK(w.script.handled == positions{1, 2, 3});
}

TEST_CASE("A consumer stops over where somebody wants to meet it, and loses nothing") {
  world w{6};
  positions met;
  const auto at = [&](std::uint64_t position) {
    return std::make_shared<const meeting>(meeting{position, [&] { met.push_back(w.status().position); }});
  };
  const std::vector meetings{at(3), at(5)};
  for (const auto& each : meetings) REQUIRE(w.shown->meet(each));
  w.start();
  CHECK(met == positions{3, 5});
  CHECK(w.script.handled == positions{1, 2, 3, 4, 5, 6});
  CHECK(w.script.commits == positions{3, 5, 6});
  const auto later = at(8);
  REQUIRE(w.shown->meet(later));
  for (int i = 0; i < 3; ++i) w.publish_one();
  w.host.run();
  CHECK(met == positions{3, 5, 8});
  CHECK(w.script.handled == positions{1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("The checkpoint moves when every command is answered, a rejection being an answer") {
  world w;
  w.script.sends_commands = true;
  w.start();
  w.publish_one();
  w.host.run();
  REQUIRE(w.sent.size() == 2);
  CHECK(w.sent[0].options.command_id == "billing/1/0");
  CHECK(w.sent[1].options.command_id == "billing/1/1");
  CHECK(w.sent[1].options.causation_id == "billing/1");
  CHECK(w.sent[1].options.correlation_id == "request");
  w.answer(0, committed{});
  CHECK(w.script.commits.empty());
  w.answer(1, command_failure{reject("no")});
  CHECK(w.script.commits == positions{1});
}

TEST_CASE("A command that failed is sent again under the same id after a while") {
  world w;
  w.script.sends_commands = true;
  w.start();
  w.publish_one();
  w.host.run();
  w.answer(0, committed{});
  w.answer(1, command_failure{error{errc::overloaded, "sending"}});
  CHECK(w.script.commits.empty());
  CHECK(w.status().state == consumer_state::failing);
  CHECK(w.status().failures == 1);
  w.host.advance(std::chrono::milliseconds{10});
  REQUIRE(w.sent.size() == 4);
  CHECK(w.sent[3].options.command_id == "billing/1/1");
  w.answer(1, committed{});  // late answers to the first attempt do not count
  w.answer(2, committed{});
  CHECK(w.script.commits.empty());
  w.answer(3, committed{});
  CHECK(w.script.commits == positions{1});
  CHECK(w.status().state == consumer_state::running);
}

TEST_CASE("A poison event is tried again and again with growing pauses, and nothing is skipped") {
  world w{4};
  w.script.definition.failures.then = on_failure::retry;
  w.script.poison = 3;
  w.start();
  CHECK(w.status().state == consumer_state::failing);
  w.host.advance(std::chrono::milliseconds{10});
  CHECK(w.status().position == 2);            // what is before it gets through
  for (const int pause : {10, 20, 40, 40}) {  // up to a quarter less, so that not all try again at one moment
    const auto failures = w.status().failures;
    w.host.advance(std::chrono::milliseconds{pause * 3 / 4 - 1});
    CHECK(w.status().failures == failures);
    w.host.advance(std::chrono::milliseconds{pause - (pause * 3 / 4 - 1)});
    CHECK(w.status().failures == failures + 1);
  }
  w.script.poison = 0;
  w.host.advance(std::chrono::milliseconds{40});
  CHECK(w.status().position == 4);
  CHECK(w.log.size() >= 1);
}

TEST_CASE("A command that fails is sent as often as the policy says, whatever was handled along with its event") {
  const std::uint32_t retries = GENERATE(0, 2);
  const bool behind_others = GENERATE(false, true);
  const auto poisoned = behind_others ? std::string{"billing/3/1"} : std::string{"billing/1/1"};
  world w{4};
  w.script.sends_commands = true;
  w.script.definition.failures.retries = retries;
  w.start();
  std::size_t answered = 0;
  std::uint32_t sent = 0;
  while (w.status().position < 4) {
    for (; answered < w.sent.size(); ++answered) {
      const bool fails = w.sent[answered].options.command_id == poisoned;
      if (fails) ++sent;
      w.answer(answered, fails ? command_result{command_failure{error{errc::invalid_argument, "sending"}}}
                               : command_result{committed{}});
    }
    REQUIRE(sent <= retries + 1);
    w.host.advance(std::chrono::milliseconds{40});
  }
  CHECK(sent == retries + 1);
  CHECK(w.status().parked == (behind_others ? 2 : 4));  // the others of its stream wait behind it
  CHECK(w.status().failures == retries + 1);
}

TEST_CASE("An event is handled as often as the policy says, whatever was handled along with it") {
  world w{4};
  w.script.definition.failures.retries = 0;
  w.script.poison = 3;
  w.start();
  for (std::size_t recorded = 0; w.status().position < 4; w.host.advance(std::chrono::milliseconds{40})) {
    for (; recorded < w.sent.size(); ++recorded) w.answer(recorded, committed{});
  }
  CHECK(w.status().failures == 1);
  CHECK(w.status().parked == 2);
}

TEST_CASE("A consumer says that it is past a position when it is, and not before") {
  world w{2};
  w.script.sends_commands = true;
  w.start();
  std::optional<consumer_report> said;
  w.consumer.post(report_when_past{2, {"counter|1"}, [&said](consumer_report report) { said = std::move(report); }});
  w.host.run();
  REQUIRE(w.sent.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK_FALSE(said);
    w.answer(i, committed{});
  }
  REQUIRE(said);
  CHECK(said->goes_on);
  CHECK(said->blocked.empty());
}

TEST_CASE("A consumer that is past a position says which keys wait behind a dead letter") {
  world w{4};
  w.script.definition.failures.retries = 0;
  w.script.poison = 3;
  w.start();
  for (int i = 0; i < 10 && w.status().position < 4; ++i) w.host.advance(std::chrono::milliseconds{40});
  std::optional<consumer_report> said;
  w.consumer.post(
      report_when_past{4, {"counter|1", "counter|2"}, [&said](consumer_report report) { said = std::move(report); }});
  for (std::size_t recorded = 0; !said && recorded < w.sent.size(); ++recorded) w.answer(recorded, committed{});
  for (int i = 0; i < 10 && !said; ++i) w.host.advance(std::chrono::milliseconds{40});
  REQUIRE(said);
  CHECK(said->goes_on);
  CHECK(said->blocked == std::vector<std::string>{"counter|1"});
}

TEST_CASE("A failed commit is tried again with the same events") {
  world w;
  w.script.commit_fails = true;
  w.start();
  w.publish_one();
  w.host.run();
  CHECK(w.status().position == 0);
  w.script.commit_fails = false;
  w.host.advance(std::chrono::milliseconds{10});
  CHECK(w.script.handled == positions{1, 1});
  CHECK(w.status().position == 1);
}

TEST_CASE("A batch of the journal before a damaged record is handled") {
  world w{6};
  w.script.meanwhile = [&w] { w.journal.fail_reads(error{errc::damaged, "reading the event at position 5"}); };
  w.start();
  CHECK(w.status().state == consumer_state::failing);
  CHECK_THAT(w.status().last_error, Catch::Contains("position 5"));
  CHECK(w.status().position == 4);
  w.script.meanwhile = [] {};
  w.journal.fail_reads(std::nullopt);
  w.host.advance(std::chrono::milliseconds{10});
  CHECK(w.status().position == 6);
}

TEST_CASE("The parts of a split event are handled in one batch, whatever its limit") {
  world w{3, 100, thrice()};
  w.start();
  CHECK(w.script.handled == positions{1, 1, 1, 2, 2, 2, 3, 3, 3});
  CHECK(w.script.parts == std::vector<std::uint32_t>{0, 1, 2, 0, 1, 2, 0, 1, 2});
  CHECK(w.script.commits == positions{2, 3});  // four events are enough for a batch
}

TEST_CASE("The parts of a split event are handled together also where events are tried one by one") {
  world w{3, 100, thrice()};
  w.script.poison = 3;
  w.start();
  w.host.advance(std::chrono::milliseconds{10});
  CHECK(w.script.commits == positions{2});
  CHECK(w.status().state == consumer_state::failing);
  w.script.poison = 0;
  w.script.handled.clear();
  w.host.advance(std::chrono::milliseconds{40});
  CHECK(w.script.handled == positions{3, 3, 3});
  CHECK(w.script.commits == positions{2, 3});
}

TEST_CASE("A handler that takes long does not part a split event") {
  world w{2, 100, thrice()};
  w.script.meanwhile = [&w] { w.time.advance(std::chrono::seconds{1}); };
  w.start();
  CHECK(w.script.commits == positions{1, 2});
  CHECK(w.script.handled == positions{1, 1, 1, 2, 2, 2});
}

TEST_CASE("Commands that follow from the parts of an event have ids of their own") {
  world w{1, 100, thrice()};
  w.script.sends_commands = true;
  w.start();
  REQUIRE(w.sent.size() == 6);
  CHECK(w.sent[0].options.command_id == "billing/1/0");
  CHECK(w.sent[2].options.command_id == "billing/1.1/0");
  CHECK(w.sent[5].options.command_id == "billing/1.2/1");
  CHECK(w.sent[5].options.causation_id == "billing/1.2");
}

TEST_CASE("A consumer passes over retired events, and its checkpoint moves on") {
  upcasters changes;
  changes.retire(stored_name<counted>);
  world w{6, 100, changes};
  w.start();
  CHECK(w.script.handled.empty());
  CHECK(w.status().position == 6);
}

TEST_CASE("An event that cannot be brought up to date holds up the consumer, after what is before it") {
  upcasters changes;
  changes.upcast(stored_name<counted>, 1, [](document&, const metadata& m) {
    if (m.position == 2) throw std::runtime_error("not this one");
  });
  world w{3, 100, changes};
  w.start();
  CHECK(w.status().position == 1);
  CHECK(w.status().state == consumer_state::failing);
  CHECK_THAT(w.status().last_error, Catch::Contains("not this one"));
}

TEST_CASE("Stopping finishes the batch in hand") {
  world w;
  w.script.sends_commands = true;
  w.start();
  w.publish_one();
  w.host.run();
  bool stopped = false;
  w.consumer.post(stop_actor{[&] { stopped = true; }});
  w.host.run();
  CHECK_FALSE(stopped);
  w.answer(0, committed{});
  w.answer(1, committed{});
  CHECK(stopped);
  CHECK(w.script.commits == positions{1});
  CHECK(w.script.saved_at == 1);
  CHECK(w.status().state == consumer_state::stopped);
}

TEST_CASE("A consumer whose checkpoint lies beyond the journal's end halts, and starts when that is mended") {
  world w{3};
  w.script.checkpoint = 4;
  w.start();
  CHECK(w.status().state == consumer_state::halted);
  REQUIRE(w.health.shown().problems.size() == 1);
  CHECK_THAT(w.health.shown().problems[0].why.message(), Catch::Contains("the journal ends at 3"));
  w.publish_one();
  w.host.advance(std::chrono::milliseconds{1'000});
  CHECK(w.script.handled.empty());
  w.script.checkpoint = 2;
  w.consumer.post(resume_consumer{});
  w.host.run();
  CHECK(w.script.handled == positions{3, 4});
  CHECK(w.health.shown().is_healthy());
}

TEST_CASE("A consumer that cannot begin halts if what is stored is the reason, and else tries again") {
  world w{1};
  SECTION("the rows do not fit") {
    w.script.load_fails = error{errc::undecodable, "looking at the rows"};
    w.start();
    CHECK(w.status().state == consumer_state::halted);
    CHECK_FALSE(w.health.shown().is_healthy());
    CHECK_THAT(w.log.at(0), Catch::Contains("looking at the rows"));
    w.script.load_fails.reset();
    w.consumer.post(reset_consumer{[](const auto&) {}});
    w.host.run();
  }
  SECTION("the storage has failed") {
    w.script.load_fails = error{errc::io, "reading"};
    w.start();
    CHECK(w.status().state == consumer_state::failing);
    w.script.load_fails.reset();
    w.host.advance(std::chrono::milliseconds{10});
  }
  SECTION("its record of dead letters is damaged") {
    w.journal.fail_reads_of("tyto.consumer|billing", error{errc::damaged, "reading"});
    w.start();
    CHECK(w.status().state == consumer_state::halted);
    CHECK_FALSE(w.health.shown().is_healthy());
    w.journal.fail_reads_of("tyto.consumer|billing", std::nullopt);
    w.consumer.post(resume_consumer{});
    w.host.run();
  }
  SECTION("its record of dead letters cannot be read") {
    w.journal.fail_reads_of("tyto.consumer|billing", error{errc::io, "reading"});
    w.start();
    CHECK(w.status().state == consumer_state::failing);
    w.journal.fail_reads_of("tyto.consumer|billing", std::nullopt);
    w.host.advance(std::chrono::milliseconds{10});
  }
  CHECK(w.script.handled == positions{1});
  CHECK(w.health.shown().is_healthy());
}

TEST_CASE("A consumer that has started after a failure is well, also if there are no events") {
  world w;
  w.script.load_fails = error{errc::io, "reading"};
  w.start();
  CHECK_FALSE(w.health.shown().is_healthy());
  w.script.load_fails.reset();
  w.host.advance(std::chrono::milliseconds{10});
  CHECK(w.status().state == consumer_state::running);
  CHECK(w.health.shown().is_healthy());
  w.script.poison = 1;
  w.publish_one();
  w.host.run();
  REQUIRE(w.log.size() == 2);
  CHECK_THAT(w.log[1], Catch::Contains("will try again"));
}

TEST_CASE("An idle consumer stops at once") {
  world w{3};
  w.start();
  bool stopped = false;
  w.consumer.post(stop_actor{[&] { stopped = true; }});
  w.host.run();
  CHECK(stopped);
  CHECK(w.script.saved_at == 3);
}

TEST_CASE("A consumer of other types and categories is not shown an event, from the journal and from the bus") {
  for (const event_filter& wanted : {event_filter{{"other"}, {}}, event_filter{{}, {"tally"}}}) {
    world w{6};
    w.script.wanted = wanted;
    w.start();
    w.publish_one();
    w.host.run();
    CHECK(w.script.handled.empty());
    CHECK(w.status().position == 7);
  }
  world w{6};
  w.script.wanted.categories = {"counter"};
  w.start();
  w.publish_one();
  w.host.run();
  CHECK(w.script.handled == positions{1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("A consumer that passes over events knows how far it is behind in time") {
  world w{100};
  w.script.wanted.types = {"other"};
  std::chrono::microseconds lag_time{};
  const auto on_its_way = std::make_shared<meeting>(meeting{
      64, [&] { lag_time = w.shown->status(100, decided_at(64) + std::chrono::seconds{5}, w.host.now()).lag_time; }});
  REQUIRE(w.shown->meet(on_its_way));
  w.start();
  CHECK(lag_time == std::chrono::seconds{5});
  CHECK(w.status().position == 100);
}

TEST_CASE("An event that is done with is not blamed when the next one cannot be read") {
  world w{4};
  w.script.poison = 1;
  w.start();
  w.script.poison = 0;
  w.script.meanwhile = [&] { w.journal.fail_reads(error{errc::damaged, "reading"}); };
  for (int i = 0; i < 100; ++i) w.host.advance(std::chrono::milliseconds{40});
  CHECK(w.script.handled == positions{1});
  CHECK(w.sent.empty());  // nothing is put on record
  CHECK(w.status().position == 1);
  CHECK(w.status().failures > 20);
  w.script.meanwhile = [] {};
  w.journal.fail_reads(std::nullopt);
  w.host.advance(std::chrono::milliseconds{40});
  CHECK(w.script.handled == positions{1, 2, 3, 4});
}

TEST_CASE("A refused command is counted with its reason, and the consumer goes on") {
  world w;
  w.script.sends_commands = true;
  w.start();
  w.publish_one();
  w.host.run();
  w.answer(0, command_failure{reject("the counter is full")});
  w.answer(1, committed{});
  CHECK(w.script.commits == positions{1});
  CHECK(w.status().refused == 1);
  CHECK(w.status().last_refusal == "counter|other: the counter is full");
  CHECK(w.status().failures == 0);
  CHECK_FALSE(w.sent[0].options.record_rejection);
}

TEST_CASE("A handler that hears of refusals sends what follows under ids of their own before the checkpoint moves") {
  world w;
  w.script.sends_commands = true;
  w.script.hears_refusals = true;
  w.start();
  w.publish_one();
  w.host.run();
  CHECK(w.sent[0].options.record_rejection);  // so that a repetition is refused like the first one
  w.answer(0, command_failure{rejection{"no", "counter.full", {}}});
  CHECK(w.sent.size() == 2);
  w.answer(1, committed{});
  REQUIRE(w.sent.size() == 3);
  CHECK(w.script.refused.front().command_id == "billing/1/0");
  CHECK(w.script.refused.front().why.code == "counter.full");
  CHECK(w.sent[2].options.command_id == "billing/1/0/rejected/0");
  CHECK(w.sent[2].options.causation_id == "billing/1");
  CHECK(w.script.commits.empty());
  w.answer(2, command_failure{reject("no again")});
  CHECK(w.script.commits == positions{1});
  CHECK(w.status().refused == 2);
  CHECK(w.sent.size() == 3);  // of what was sent then a refusal is only counted
}

TEST_CASE("A handler hears of all refusals of a batch in the order of the commands, whichever was answered first") {
  world w{2};
  w.script.sends_commands = true;
  w.script.hears_refusals = true;
  w.start();
  REQUIRE(w.sent.size() == 4);
  for (const std::size_t each : {3, 0, 2, 1}) {
    CHECK(w.script.refused.empty());
    w.answer(each, each == 2 ? command_result{committed{}} : command_result{command_failure{reject("no")}});
  }
  std::vector<std::string> refused;
  for (const auto& each : w.script.refused) refused.push_back(each.command_id);
  CHECK(refused == std::vector<std::string>{"billing/1/0", "billing/1/1", "billing/2/1"});
  REQUIRE(w.sent.size() == 7);
  for (std::size_t i = 4; i < 7; ++i) {
    CHECK(w.sent[i].options.command_id == refused[i - 4] + "/rejected/0");
    CHECK(w.script.commits.empty());
    w.answer(i, committed{});
  }
  CHECK(w.script.commits == positions{2});
}

TEST_CASE(
    "A batch in which an event fails sends nothing, and what comes before the event is sent when it is tried again") {
  world w{3};
  w.script.sends_commands = true;
  w.script.poison = 3;
  w.start();
  CHECK(w.sent.empty());
  CHECK(w.status().state == consumer_state::failing);
  w.host.advance(std::chrono::milliseconds{10});
  REQUIRE(w.sent.size() == 2);
  CHECK(w.sent[0].options.command_id == "billing/1/0");
  w.answer(0, committed{});
  w.answer(1, committed{});
  CHECK(w.script.commits == positions{1});
}

TEST_CASE("A version that a command expects in vain is a refusal, any other conflict a failure") {
  world w;
  w.script.sends_commands = true;
  w.script.expected = expected_version::exactly(7);
  w.start();
  w.publish_one();
  w.host.run();
  CHECK_FALSE(w.sent[0].options.expected.allows(6));
  w.answer(0, command_failure{error{errc::conflict, "running a command", "it is at version 8"}});
  w.answer(1, committed{});
  CHECK(w.script.commits == positions{1});
  CHECK(w.status().refused == 1);

  w.script.expected = expected_version::any();
  w.publish_one();
  w.host.run();
  w.answer(2, command_failure{error{errc::conflict, "running a command", "it is at version 8"}});
  w.answer(3, committed{});
  CHECK(w.status().refused == 1);
  CHECK(w.status().failures == 1);
}

TEST_CASE("A paused consumer takes nothing until it is resumed, and misses nothing") {
  world w;
  w.start();
  bool is_paused = false;
  w.consumer.post(pause_consumer{[&] { is_paused = true; }});
  w.host.run();
  CHECK(is_paused);
  CHECK(w.status().state == consumer_state::paused);
  w.publish_one();
  w.host.run();
  CHECK(w.script.handled.empty());
  w.consumer.post(resume_consumer{});
  w.host.run();
  CHECK(w.script.handled == positions{1});
  CHECK(w.status().state == consumer_state::running);
}

TEST_CASE("A consumer pauses when it is done with what it has in hand") {
  world w;
  w.script.sends_commands = true;
  w.start();
  w.publish_one();
  w.host.run();
  bool is_paused = false;
  w.consumer.post(pause_consumer{[&] { is_paused = true; }});
  w.host.run();
  CHECK_FALSE(is_paused);
  w.answer(0, committed{});
  w.answer(1, committed{});
  CHECK(is_paused);
  CHECK(w.script.commits == positions{1});
}

TEST_CASE("A consumer that failed and is paused meanwhile tries again when it is resumed, not before") {
  world w;
  w.script.poison = 1;
  w.start();
  w.publish_one();
  w.host.run();
  REQUIRE(w.status().state == consumer_state::failing);
  w.consumer.post(pause_consumer{[] {}});
  w.host.run();
  w.script.poison = 0;
  w.host.advance(std::chrono::milliseconds{100});
  CHECK(w.script.handled.empty());
  w.consumer.post(resume_consumer{});
  w.host.run();
  CHECK(w.script.handled == positions{1});
}

TEST_CASE("However often a consumer that fails is paused and resumed, its attempts are one after the other") {
  world w{1};
  w.script.definition.failures.then = on_failure::retry;
  w.script.poison = 1;
  w.start();
  for (int i = 0; i < 20; ++i) {
    w.consumer.post(pause_consumer{[] {}});
    w.consumer.post(resume_consumer{});
    w.host.advance(std::chrono::milliseconds{1});
  }
  const auto failures = w.status().failures;
  for (int i = 0; i < 400; ++i) w.host.advance(std::chrono::milliseconds{1});
  CHECK(w.status().failures > failures);
  CHECK(w.status().failures <= failures + 400 / 30 + 1);  // a pause is 30 to 40 ms
}

TEST_CASE("A consumer that has halted tries again when it is resumed") {
  world w;
  w.script.definition.failures = {.retries = 0, .then = on_failure::stop};
  w.script.poison = 1;
  w.start();
  w.publish_one();
  w.host.run();
  REQUIRE(w.status().state == consumer_state::halted);
  w.script.poison = 0;
  w.consumer.post(resume_consumer{});
  w.host.run();
  CHECK(w.script.handled == positions{1});
  CHECK(w.status().state == consumer_state::running);
  CHECK(w.health.shown().is_healthy());
}

TEST_CASE("A consumer that begins anew takes no delivery that it asked for before") {
  world w{4};
  w.start();
  w.script.checkpoint = 0;
  w.script.handled.clear();
  w.consumer.post(reset_consumer{[](const result<void>& done) { CHECK(done); }});
  w.publish_one();
  w.host.run();
  CHECK(w.script.handled == positions{1, 2, 3, 4, 5});
}

TEST_CASE("A consumer that is reset begins anew where its handler then says") {
  world w{3};
  w.start();
  REQUIRE(w.script.handled == positions{1, 2, 3});
  w.script.handled.clear();
  std::optional<result<void>> outcome;
  w.consumer.post(reset_consumer{[&](result<void> done) { outcome = std::move(done); }});
  w.host.run();
  REQUIRE(outcome);
  CHECK(outcome->has_value());
  CHECK(w.script.handled == positions{1, 2, 3});
  CHECK(w.status().position == 3);
}

TEST_CASE("A consumer that cannot be reset says so and goes on") {
  world w{1};
  w.script.reset_fails = true;
  w.start();
  std::optional<result<void>> outcome;
  w.consumer.post(reset_consumer{[&](result<void> done) { outcome = std::move(done); }});
  w.host.run();
  REQUIRE(outcome);
  CHECK(outcome->error().code() == errc::invalid_argument);
  w.publish_one();
  w.host.run();
  CHECK(w.script.handled == positions{1, 2});
}

TEST_CASE("A checkpoint that was put off is saved after a second, for those who look from outside") {
  world w{2};
  w.script.saves_late = true;
  w.start();
  CHECK(w.script.saved_at == 0);
  w.host.advance(std::chrono::seconds{1});
  CHECK(w.script.saved_at == 2);
}
