#include "deadline/alarm_clock.hpp"

#include "support/catch.hpp"
#include "support/counter.hpp"
#include "support/manual_host.hpp"
#include "support/scripted_sender.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

using std::chrono::milliseconds;

// Stands for the consumer that takes events to instances: says what it is told to say, at once or when it is let.
class scripted_inputs final : public actor_of<consumer_message> {
 public:
  struct script {
    bool answers_at_once = true;
    consumer_report says;
    std::vector<report_when_past> asked;
  };
  explicit scripted_inputs(script& follows) : script_(follows) {}

 protected:
  void on(consumer_message&& message) override {
    auto& request = std::get<report_when_past>(message);
    if (script_.answers_at_once) request.reply(script_.says);
    script_.asked.push_back(std::move(request));
  }

 private:
  script& script_;
};

struct world {
  struct told_deadline {
    std::string entity;
    command_options options;
    command_reply reply;
  };

  manual_clock time;
  manual_host host{time};
  health_board health{time};
  std::vector<told_deadline> told;
  std::vector<std::string> log;
  scripted_sender sender{[this](const outgoing_command& command, command_options options, command_reply reply) {
    told.push_back({command.entity_id, std::move(options), std::move(reply)});
  }};
  alarm_surroundings around{host,
                            time,
                            sender,
                            [this] { return head; },
                            [this](std::string_view line) { log.emplace_back(line); },
                            milliseconds{10},
                            milliseconds{40},
                            health};
  std::uint64_t head = 7;
  scripted_inputs::script inputs;
  std::shared_ptr<progress> shown = std::make_shared<progress>("checkout/deadlines");
  address<alarm_message> ringing =
      spawn<alarm_clock>(host, placement::shared, around,
                         alarm_owner{"checkout",
                                     {spawn<scripted_inputs>(host, placement::dedicated, inputs)},
                                     [](std::string_view key, const deadline& due) {
                                       return send<counter>(std::string{key} + "/" + due.name, count{});
                                     },
                                     [](std::string_view key, const deadline& rejected) {
                                       return send<counter>("no " + std::string{key} + "/" + rejected.name, count{});
                                     },
                                     shown});
  const timestamp begin = time.now();

  void change(std::string key, std::string name, std::optional<milliseconds> due) {
    deadline_change one{std::move(key), std::move(name), std::nullopt, "request"};
    if (due) one.due = begin + *due;
    ringing.post(deadlines_changed{false, {std::move(one)}});
    host.run();
  }
  void ring_now() {
    ringing.post(ring{});
    host.run();
  }
  [[nodiscard]] bool is_quiet() {
    const auto said = std::make_shared<bool>(false);
    ringing.post(say_when_quiet{[said] { *said = true; }});
    host.run();
    return *said;
  }
  [[nodiscard]] std::string problem() const {
    const auto shown_now = health.shown();
    return shown_now.problems.empty() ? "" : shown_now.problems[0].why.message();
  }
  void answer(std::size_t index, const command_result& outcome) {
    told[index].reply(outcome);
    host.run();
  }
  [[nodiscard]] std::vector<std::string> entities() const {
    std::vector<std::string> all;
    for (const auto& each : told) all.push_back(each.entity);
    return all;
  }
};

using entities = std::vector<std::string>;

}  // namespace

TEST_CASE("Deadlines are told in the order of their times, each at its time") {
  world w;
  w.change("b", "pay", milliseconds{200});
  w.change("a", "pay", milliseconds{100});
  w.change("a", "ship", milliseconds{300});
  w.host.advance(milliseconds{99});
  CHECK(w.told.empty());
  w.host.advance(milliseconds{1});
  CHECK(w.entities() == entities{"a/pay"});
  CHECK(w.told[0].options.correlation_id == "request");
  CHECK(w.told[0].options.causation_id == "checkout/pay");
  w.host.advance(milliseconds{500});
  CHECK(w.entities() == entities{"a/pay", "b/pay", "a/ship"});
}

TEST_CASE("A deadline that was cancelled or moved is not told at its old time") {
  world w;
  w.change("a", "pay", milliseconds{100});
  w.change("b", "pay", milliseconds{100});
  w.change("a", "pay", std::nullopt);
  w.change("b", "pay", milliseconds{200});
  w.host.advance(milliseconds{150});
  CHECK(w.told.empty());
  w.host.advance(milliseconds{50});
  CHECK(w.entities() == entities{"b/pay"});
}

TEST_CASE("A deadline that is overdue when it becomes known is told at once") {
  world w;
  w.change("a", "pay", milliseconds{-1});
  CHECK(w.entities() == entities{"a/pay"});
}

TEST_CASE("A deadline that could not be told is told again after pauses that grow, and others are not kept back") {
  world w;
  w.change("a", "pay", milliseconds{0});
  const command_result failed = command_failure{error{errc::handler_failed, "running a command"}};
  w.answer(0, failed);
  REQUIRE(w.health.shown().problems.size() == 1);
  CHECK(w.health.shown().problems[0].subject == "deadline 'pay' of checkout|a");
  w.change("b", "pay", milliseconds{0});
  CHECK(w.entities() == entities{"a/pay", "b/pay"});
  w.host.advance(milliseconds{9});
  CHECK(w.told.size() == 2);
  w.host.advance(milliseconds{1});
  CHECK(w.told.size() == 3);
  w.answer(2, failed);
  w.host.advance(milliseconds{19});
  CHECK(w.told.size() == 3);
  w.host.advance(milliseconds{1});
  CHECK(w.told.size() == 4);
  w.answer(3, committed{});
  CHECK(w.health.shown().is_healthy());
  w.host.advance(milliseconds{1'000});
  CHECK(w.told.size() == 4);
}

TEST_CASE("A deadline that is moved while it is being told is told again at its new time") {
  world w;
  w.change("a", "pay", milliseconds{0});
  w.change("a", "pay", milliseconds{100});
  w.answer(0, committed{});
  w.host.advance(milliseconds{100});
  CHECK(w.entities() == entities{"a/pay", "a/pay"});
}

TEST_CASE("So many deadlines at once are told as may be, and the others after them") {
  world w;
  for (int i = 0; i < 300; ++i) w.change(std::to_string(i), "pay", milliseconds{0});
  CHECK(w.told.size() == 256);
  for (std::size_t i = 0; i < 256; ++i) w.answer(i, committed{});
  CHECK(w.told.size() == 300);
}

TEST_CASE("An alarm that has stopped tells nothing more") {
  world w;
  w.change("a", "pay", milliseconds{100});
  bool has_stopped = false;
  w.ringing.post(stop_actor{[&] { has_stopped = true; }});
  w.host.run();
  CHECK(has_stopped);
  w.change("b", "pay", milliseconds{0});
  w.host.advance(milliseconds{500});
  CHECK(w.told.empty());
}

TEST_CASE("A deadline waits until its instance has had what was in the journal when it was found to be due") {
  world w;
  w.inputs.answers_at_once = false;
  w.change("a", "pay", milliseconds{100});
  w.host.advance(milliseconds{100});
  w.head = 9;
  CHECK(w.told.empty());
  CHECK_FALSE(w.is_quiet());
  REQUIRE(w.inputs.asked.size() == 1);
  CHECK(w.inputs.asked[0].position == 7);
  CHECK(w.inputs.asked[0].keys == std::vector<std::string>{"a"});
  w.inputs.asked[0].reply({});
  w.host.run();
  CHECK(w.entities() == entities{"a/pay"});
  CHECK_FALSE(w.is_quiet());
  w.answer(0, committed{});
  CHECK(w.is_quiet());
}

TEST_CASE("A deadline that is cancelled or moved while its input is waited for is not told") {
  world w;
  w.inputs.answers_at_once = false;
  w.change("a", "pay", milliseconds{0});
  w.change("b", "pay", milliseconds{0});
  w.change("a", "pay", std::nullopt);
  w.change("b", "pay", milliseconds{500});
  for (const auto& each : w.inputs.asked) each.reply({});
  w.host.run();
  CHECK(w.told.empty());
  CHECK(w.is_quiet());
  w.inputs.answers_at_once = true;
  w.host.advance(milliseconds{500});
  CHECK(w.entities() == entities{"b/pay"});
}

TEST_CASE("A deadline is held while its input stands still, health says so, and it is told when that goes on") {
  world w;
  w.inputs.says.goes_on = false;
  w.change("a", "pay", milliseconds{0});
  CHECK(w.told.empty());
  CHECK(w.is_quiet());
  CHECK(w.problem() == "deadlines of 'checkout': 1 are held until 'checkout' goes on, which has halted or is paused");
  w.host.advance(milliseconds{1'000});
  CHECK(w.told.empty());
  w.inputs.says.goes_on = true;
  w.host.advance(milliseconds{40});
  CHECK(w.entities() == entities{"a/pay"});
  CHECK(w.health.shown().is_healthy());
}

TEST_CASE("Who asks to look while a deadline is in hand need not wait when it is then held, or fails") {
  world w;
  w.inputs.answers_at_once = false;
  w.change("a", "pay", milliseconds{0});
  REQUIRE(w.inputs.asked.size() == 1);
  w.ring_now();
  w.inputs.asked[0].reply({false, {}, false});
  w.host.run();
  REQUIRE(w.inputs.asked.size() == 2);
  CHECK_FALSE(w.is_quiet());
  w.inputs.asked[1].reply({true, {}, false});
  w.host.run();
  REQUIRE(w.told.size() == 1);
  CHECK(w.problem().empty());
  w.ring_now();
  w.answer(0, command_failure{error{errc::io, "telling", "the disk failed"}});
  REQUIRE(w.inputs.asked.size() == 3);
  w.inputs.asked[2].reply({false, {}, false});
  w.host.run();
  CHECK(w.inputs.asked.size() == 3);
  CHECK(w.is_quiet());
}

TEST_CASE("A deadline is held while its instance has dead letters, and those of other instances are not") {
  world w;
  w.inputs.says.blocked = {"a"};
  w.change("a", "pay", milliseconds{0});
  w.change("b", "pay", milliseconds{0});
  CHECK(w.entities() == entities{"b/pay"});
  CHECK_THAT(w.problem(), Catch::Contains("dead letters of 'checkout'"));
  w.inputs.says.blocked.clear();
  w.ring_now();
  CHECK(w.entities() == entities{"b/pay", "a/pay"});
  CHECK(w.health.shown().is_healthy());
}

TEST_CASE("All deadlines are held while there are dead letters whose instance cannot be told") {
  world w;
  w.inputs.says.may_all_be_blocked = true;
  w.change("a", "pay", milliseconds{0});
  w.change("b", "pay", milliseconds{0});
  CHECK(w.entities().empty());
  CHECK(w.problem() ==
        "deadlines of 'checkout': 2 are held until the dead letters of 'checkout' are dealt with whose "
        "instances cannot be told");
  w.inputs.says.may_all_be_blocked = false;
  w.ring_now();
  CHECK(w.entities() == entities{"a/pay", "b/pay"});
  CHECK(w.health.shown().is_healthy());
}

TEST_CASE("What is held and then cancelled is in health no more") {
  world w;
  w.inputs.says.goes_on = false;
  w.change("a", "pay", milliseconds{0});
  w.change("b", "pay", milliseconds{0});
  CHECK_THAT(w.problem(), Catch::Contains("2 are held"));
  w.change("a", "pay", std::nullopt);
  CHECK_THAT(w.problem(), Catch::Contains("1 are held"));
  CHECK(w.health.shown().problems[0].times == 1);
  w.change("b", "pay", std::nullopt);
  CHECK(w.health.shown().is_healthy());
}

TEST_CASE("A deadline that its instance rejects is counted and dropped") {
  world w;
  w.change("a", "pay", milliseconds{0});
  w.answer(0, command_failure{rejection{"not now"}});
  CHECK(w.entities() == entities{"a/pay", "no a/pay"});
  CHECK(w.shown->status().refused == 1);
  CHECK(w.shown->status().last_refusal == "checkout|a: not now");
  CHECK_FALSE(w.is_quiet());
  w.answer(1, committed{});
  CHECK(w.is_quiet());
  w.ring_now();
  w.host.advance(milliseconds{1'000});
  CHECK(w.told.size() == 2);
}

TEST_CASE("A deadline of an instance whose stream is closed is counted and forgotten, and health is well") {
  world w;
  w.change("a", "pay", milliseconds{0});
  SECTION("when it is told") {}
  SECTION("when it failed before") {
    w.answer(0, command_failure{error{errc::handler_failed, "running a command"}});
    w.host.advance(milliseconds{10});
  }
  const auto refused_before = w.shown->status().refused;
  w.answer(w.told.size() - 1, command_failure{error{errc::closed, "running a command", "its stream was closed"}});
  CHECK(w.health.shown().is_healthy());
  CHECK(w.shown->status().refused == refused_before + 1);
  CHECK(w.shown->status().last_refusal == "checkout|a: its stream was closed");
  CHECK(w.is_quiet());
  const auto told = w.told.size();
  w.ring_now();
  w.host.advance(milliseconds{1'000});
  CHECK(w.told.size() == told);
}

TEST_CASE("A deadline that is rejected is forgotten when the stream of its instance is closed before it is dropped") {
  world w;
  w.change("a", "pay", milliseconds{0});
  w.answer(0, command_failure{rejection{"not now"}});
  w.answer(1, command_failure{error{errc::closed, "running a command", "its stream was closed"}});
  w.ring_now();
  w.host.advance(milliseconds{1'000});
  CHECK(w.told.size() == 2);
  CHECK(w.health.shown().is_healthy());
  CHECK(w.is_quiet());
}

TEST_CASE("However often an alarm changes its mind, few of its wake-ups are on their way") {
  world w;
  w.change("far", "pay", std::chrono::hours{1'000});
  SECTION("as nearer deadlines come") {
    for (int i = 0; i < 100; ++i) {
      w.change("a", "pay", milliseconds{10'000 * i + 5'000});
      w.host.advance(milliseconds{10'000});
      REQUIRE(w.told.size() == static_cast<std::size_t>(i) + 1);
      w.answer(w.told.size() - 1, committed{});
    }
  }
  SECTION("as others are held") {
    w.inputs.says.goes_on = false;
    w.change("a", "pay", milliseconds{0});
    for (int i = 0; i < 1'000; ++i) w.host.advance(milliseconds{50});
    CHECK(w.inputs.asked.size() > 1'000);
  }
  CHECK(w.host.delayed() <= 2);
}

TEST_CASE("Pauses of a deadline that failed do not depend on the clock that may be set") {
  world w;
  w.change("a", "pay", milliseconds{0});
  w.answer(0, command_failure{error{errc::handler_failed, "running a command"}});
  w.time.set_by(-std::chrono::hours{1});
  w.host.advance(milliseconds{10});
  CHECK(w.told.size() == 2);
}
