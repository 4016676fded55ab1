#include "control/control_request.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "tyto/tyto.hpp"

using namespace tyto;
using namespace tyto::detail;
using nlohmann::json;

namespace {

// Notes what it is asked to do, and answers as it is told.
class scripted final : public controlled {
 public:
  std::vector<std::string> calls;
  runtime_status now;
  health_report problems;
  std::vector<dead_letter> letters;
  std::optional<error> fails;
  bool runs = true;
  bool throws = false;

  [[nodiscard]] bool is_running() const override { return runs; }
  [[nodiscard]] runtime_status status() const override {
    if (throws) throw std::runtime_error("the clock is broken");
    return now;
  }
  [[nodiscard]] health_report health() const override { return problems; }
  [[nodiscard]] result<std::vector<dead_letter>> dead_letters(std::string_view of) const override {
    if (of != "billing") return error{errc::invalid_argument, "listing", "there is no such consumer"};
    return letters;
  }
  result<std::size_t> replay_dead_letters(std::string_view of, std::optional<std::string> key) override {
    return counted("replay " + std::string{of} + (key ? " " + *key : ""));
  }
  result<std::size_t> discard_dead_letter(std::string_view of, std::uint64_t position) override {
    return counted("discard " + std::string{of} + " " + std::to_string(position));
  }
  result<void> pause(std::string_view consumer, std::chrono::milliseconds timeout) override {
    return noted("pause " + std::string{consumer} + " " + std::to_string(timeout.count()));
  }
  result<void> resume(std::string_view consumer) override { return noted("resume " + std::string{consumer}); }
  result<void> reset(std::string_view consumer) override { return noted("reset " + std::string{consumer}); }
  result<void> change_stream(std::string_view id, retention what) override {
    return noted("change " + std::string{id} + " " + std::to_string(static_cast<int>(what.what)) + " " +
                 std::to_string(what.first));
  }

 private:
  result<void> noted(std::string call) {
    calls.push_back(std::move(call));
    if (fails) return *fails;
    return {};
  }
  result<std::size_t> counted(std::string call) {
    if (auto done = noted(std::move(call)); !done) return done.error();
    return std::size_t{3};
  }
};

json ask(std::string_view line, controlled& of) {
  const auto answer = answer_control_request(line, of);
  REQUIRE(answer.ends_with('\n'));
  CHECK(answer.find('\n') == answer.size() - 1);
  return json::parse(answer);
}

// What a request is refused with that must not reach the runtime.
std::string refusal_of(std::string_view line) {
  scripted runtime;
  const auto answer = ask(line, runtime);
  CHECK(answer["ok"] == false);
  CHECK(answer["code"] == "invalid_argument");
  CHECK(runtime.calls.empty());
  return answer["message"];
}

dead_letter letter_at(std::uint64_t position, std::optional<std::uint32_t> part = std::nullopt) {
  dead_letter made;
  made.event = {position, "order|1", "order|1", "order.created", "no more paper", 9, part, true};
  return made;
}

}  // namespace

TEST_CASE("Each request reaches the call of its name with what it says, and is answered with what came of it") {
  scripted runtime;
  CHECK(ask(R"({"do":"replay","consumer":"billing"})", runtime) == json{{"ok", true}, {"handled", 3}});
  CHECK(ask(R"({"do":"replay","consumer":"billing","key":"order|1"})", runtime) == json{{"ok", true}, {"handled", 3}});
  CHECK(ask(R"({"do":"discard","consumer":"billing","position":18446744073709551615})", runtime) ==
        json{{"ok", true}, {"discarded", 3}});
  CHECK(ask(R"({"do":"pause","consumer":"billing"})", runtime) == json{{"ok", true}});
  CHECK(ask(R"({"do":"pause","consumer":"billing","timeout_ms":7})", runtime) == json{{"ok", true}});
  CHECK(ask(R"({"timeout_ms":18446744073709551615,"consumer":"billing","do":"pause"})", runtime) == json{{"ok", true}});
  CHECK(ask(R"({"do":"resume","consumer":"billing"})", runtime) == json{{"ok", true}});
  CHECK(ask("  {\"do\":\"reset\", \"consumer\":\"b\\u0000\\u00fc\"}\r", runtime) == json{{"ok", true}});
  CHECK(ask(R"({"do":"close","stream":"order|1"})", runtime) == json{{"ok", true}});
  CHECK(ask(R"({"do":"truncate","stream":"order|1","before":5})", runtime) == json{{"ok", true}});
  CHECK(ask(R"({"do":"delete","stream":"order|1"})", runtime) == json{{"ok", true}});
  CHECK(runtime.calls == std::vector<std::string>{"replay billing", "replay billing order|1",
                                                  "discard billing 18446744073709551615", "pause billing 10000",
                                                  "pause billing 7", "pause billing 31556952000", "resume billing",
                                                  std::string{"reset b\0\xc3\xbc", 10}, "change order|1 0 0",
                                                  "change order|1 1 5", "change order|1 2 0"});
}

TEST_CASE("What a call fails with is in the answer, with its code") {
  scripted runtime;
  runtime.fails = error{errc::timeout, "pausing 'billing'", "it takes longer"};
  for (const auto* line :
       {R"({"do":"replay","consumer":"billing"})", R"({"do":"discard","consumer":"billing","position":1})",
        R"({"do":"pause","consumer":"billing"})", R"({"do":"resume","consumer":"billing"})",
        R"({"do":"reset","consumer":"billing"})", R"({"do":"close","stream":"order|1"})"}) {
    CHECK(ask(line, runtime) ==
          json{{"ok", false}, {"code", "timeout"}, {"message", "pausing 'billing': it takes longer"}});
  }
  CHECK(ask(R"({"do":"dead_letters","consumer":"nobody"})", runtime)["code"] == "invalid_argument");
}

TEST_CASE("The status has every figure, the process and the version") {
  scripted runtime;
  runtime.now.head = 7;
  runtime.now.commits = 5;
  runtime.now.aggregates = {11, 12, 13, 14, 15, 16};
  runtime.now.commit_events.add(1);
  runtime.now.commit_times.add(900);
  runtime.now.live_aggregates = 3;
  runtime.now.commands_in_flight = 2;
  runtime.now.unregistered = {{"old", 4, 1}};
  runtime.now.consumers.push_back({"billing[2/4]", "billing", consumer_state::failing, 6, 1,
                                   std::chrono::microseconds{1500}, 2.5, 8, 9, "bad \xff", 10, "too late"});
  CHECK(ask(R"({"do":"status"})", runtime) ==
        json::parse(R"({"ok":true,"process":)" + std::to_string(::getpid()) +
                    R"(,"version":")" TYTO_VERSION
                    R"(","running":true,"head":7,"commits":5,"aggregates":{"commands":11,
                    "rejections":12,"conflicts":13,"repetitions":14,"recoveries":15,"snapshots_used":16},
                    "commit_events":[1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0],"commit_events_sum":1,
                    "commit_times_us":[0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0],"commit_times_us_sum":900,
                    "live_aggregates":3,"commands_in_flight":2,"consumers":[
                    {"name":"billing[2/4]","consumer":"billing","state":"failing","position":6,"lag":1,
                    "lag_time_us":1500,"events_per_second":2.5,"failures":8,"parked":9,"last_error":"bad \ufffd",
                    "refused":10,"last_refusal":"too late"}],
                    "unregistered":[{"name":"old","position":4,"parked":1}]})"));
}

TEST_CASE("Health lists the problems, and a check fails with the first of them") {
  scripted runtime;
  CHECK(ask(R"({"do":"health"})", runtime) ==
        json{{"ok", true}, {"healthy", true}, {"problems", json::array()}, {"unlisted", 0}});
  CHECK(ask(R"({"do":"check"})", runtime) == json{{"ok", true}});
  runtime.problems.problems.push_back({"journal", error{errc::full, "appending", "no space"}, timestamp{}, 4});
  CHECK(ask(R"({"do":"health"})", runtime) == json::parse(R"({"ok":true,"healthy":false,"problems":[
    {"subject":"journal","code":"full","message":"appending: no space","since":"1970-01-01T00:00:00.000000Z",
    "times":4}],"unlisted":0})"));
  auto failed = ask(R"({"do":"check"})", runtime);
  CHECK(failed["code"] == "full");
  CHECK_THAT(failed["message"].get<std::string>(),
             Catch::Contains("1 problem;") && Catch::Contains("journal") && Catch::Contains("no space"));
  runtime.problems = {{}, 3};
  CHECK_THAT(ask(R"({"do":"check"})", runtime)["message"].get<std::string>(), Catch::Contains("3 problems;"));
  runtime.problems = {};
  runtime.runs = false;
  CHECK(ask(R"({"do":"check"})", runtime)["code"] == "stopped");
}

TEST_CASE("Dead letters are listed by the thousand, and the parts of an event not apart") {
  scripted runtime;
  runtime.letters = {letter_at(3), letter_at(5, 1)};
  CHECK(ask(R"({"do":"dead_letters","consumer":"billing"})", runtime) == json::parse(R"({"ok":true,"letters":[
    {"position":3,"key":"order|1","has_known_key":true,"stream":"order|1","type":"order.created",
    "reason":"no more paper","attempts":9,"since":"1970-01-01T00:00:00.000000Z"},
    {"position":5,"key":"order|1","has_known_key":true,"stream":"order|1","type":"order.created",
    "reason":"no more paper","attempts":9,"since":"1970-01-01T00:00:00.000000Z","part":1}],"unlisted":0})"));
  runtime.letters.clear();
  for (std::uint64_t i = 1; i < most_letters_answered; ++i) runtime.letters.push_back(letter_at(i));
  for (std::uint32_t part = 0; part < 3; ++part) runtime.letters.push_back(letter_at(most_letters_answered, part));
  for (std::uint64_t i = 1; i <= 5; ++i) runtime.letters.push_back(letter_at(most_letters_answered + i));
  const auto first = ask(R"({"do":"dead_letters","consumer":"billing"})", runtime);
  CHECK(first["letters"].size() == most_letters_answered + 2);
  CHECK(first["unlisted"] == 5);
  const auto next = ask(R"({"do":"dead_letters","consumer":"billing","from":1001})", runtime);
  CHECK(next["letters"].size() == 5);
  CHECK(next["unlisted"] == 0);
}

TEST_CASE("A line that is no request is refused by name, and nothing is done") {
  CHECK_THAT(refusal_of(""), Catch::Contains("not JSON in UTF-8, at byte 1"));
  CHECK_THAT(refusal_of("status"), Catch::Contains("not JSON in UTF-8, at byte 1"));
  CHECK_THAT(refusal_of(R"({"do":"status"} {)"), Catch::Contains("at byte 17"));
  CHECK_THAT(refusal_of("{\"do\":\"reset\",\"consumer\":\"\xff\"}"), Catch::Contains("at byte 27"));
  CHECK_THAT(refusal_of(std::string_view{"{\0}", 3}), Catch::Contains("at byte 2"));
  CHECK_THAT(refusal_of(std::string(longest_control_request, '[')), Catch::Contains("not JSON"));
  CHECK_THAT(refusal_of(R"({"do":"discard","consumer":"a","position":1e999})"), Catch::Contains("too large"));
  CHECK_THAT(refusal_of(R"(["status"])"), Catch::Contains("is a JSON object"));
  CHECK_THAT(refusal_of("{}"), Catch::Contains("'do' is missing"));
  CHECK_THAT(refusal_of(R"({"do":7})"), Catch::Contains("'do' must be a text"));
  CHECK_THAT(refusal_of(R"({"do":"rest"})"), Catch::Contains("no request 'rest'; there are: status, health"));
  CHECK_THAT(refusal_of(R"({"do":"reset","consumer":"a","do":"reset"})"), Catch::Contains("'do' is there twice"));
  CHECK_THAT(refusal_of(std::string(longest_control_request + 1, ' ')), Catch::Contains("more than 65536 bytes"));
  CHECK(refusal_of(R"({"do":")" + std::string(60'000, 'x') + R"("})").size() < 300);
}

TEST_CASE("A field that a request lacks, does not have, or that is of another type is named") {
  CHECK_THAT(refusal_of(R"({"do":"reset"})"), Catch::Contains("'consumer' of the request 'reset' is missing"));
  CHECK_THAT(refusal_of(R"({"do":"discard","consumer":"a"})"),
             Catch::Contains("'position'") && Catch::Contains("missing"));
  CHECK_THAT(refusal_of(R"({"do":"status","consumer":"a"})"), Catch::Contains("no field 'consumer'"));
  CHECK_THAT(refusal_of(R"({"do":"replay","consumer":"a","keys":"k"})"),
             Catch::Contains("no field 'keys'") && Catch::Contains("which has: 'do', 'consumer', 'key'"));
  for (const auto* value : {"7", "null", "true", "[]", R"(["a"])", "{}"}) {
    CHECK_THAT(refusal_of(R"({"do":"reset","consumer":)" + std::string{value} + "}"),
               Catch::Contains("'consumer'") && Catch::Contains("must be a text"));
  }
  for (const auto* value : {R"("7")", "-1", "1.0", "null", "18446744073709551616", "[1]"}) {
    CHECK_THAT(refusal_of(R"({"do":"discard","consumer":"a","position":)" + std::string{value} + "}"),
               Catch::Contains("'position'") && Catch::Contains("must be a whole number"));
    CHECK_THAT(refusal_of(R"({"do":"pause","consumer":"a","timeout_ms":)" + std::string{value} + "}"),
               Catch::Contains("'timeout_ms'") && Catch::Contains("must be a whole number"));
  }
}

TEST_CASE("What is thrown on the way is in the answer") {
  scripted runtime;
  runtime.throws = true;
  CHECK(ask(R"({"do":"status"})", runtime) ==
        json{{"ok", false}, {"code", "handler_failed"}, {"message", "answering a request: the clock is broken"}});
}
