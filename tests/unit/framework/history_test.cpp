#include "tyto/history.hpp"

#include <stdexcept>

#include "journals.hpp"
#include "tyto/upcasting.hpp"

using tyto::at_sequence;
using tyto::at_time;
using tyto::errc;
using tyto::visit;

namespace {

struct credited {
  std::int64_t cents = 0;
};
struct debited {
  std::int64_t cents = 0;
};
struct balanced {
  std::int64_t cents = 0;
};
TYTO_EVENT(credited, "account.credited", cents)
TYTO_EVENT(debited, "account.debited", cents)
TYTO_EVENT(balanced, "account.balanced", cents)

struct credit {};

struct account {
  static constexpr std::string_view category = "account";
  using command = std::variant<credit>;
  using event = std::variant<credited, debited, balanced>;
  using summaries = tyto::events<balanced>;
  struct state {
    std::int64_t cents = 0;
  };
  static tyto::decision<event> decide(const state&, const credit&) { return credited{1}; }
  static state evolve(state s, const credited& e) { return {s.cents + e.cents}; }
  static state evolve(state s, const debited& e) {
    if (e.cents < 0) throw std::runtime_error("a negative amount");
    return {s.cents - e.cents};
  }
  static state evolve(state, const balanced& e) { return {e.cents}; }
};

// The same, written by someone who does not care for other events.
struct lenient_account : account {
  static constexpr bool skips_unknown_events = true;
};

written credit_of(std::int64_t cents) { return as_written(credited{cents}); }
written debit_of(std::int64_t cents) { return as_written(debited{cents}); }

// A journal whose stream account|ann holds these events, the one at position n from second n.
std::shared_ptr<tyto::event_store> journal_of(const std::vector<written>& events) {
  auto journal = tyto::open_memory().journal;
  store(*journal, "account|ann", events).value();
  return journal;
}

std::int64_t cents_at(const tyto::event_store& journal, tyto::moment at) {
  return tyto::state_at<account>(journal, "ann", at).value().cents;
}

errc failure_at(const tyto::event_store& journal, tyto::moment at) {
  const auto state = tyto::state_at<account>(journal, "ann", at);
  REQUIRE_FALSE(state);
  return state.error().code();
}

const written rejected = as_written(tyto::command_rejected{"no", {}, {}});

}  // namespace

TEST_CASE("A history has the aggregate's events with their metadata, in order") {
  const auto journal = journal_of({credit_of(5)});
  store(*journal, "account|bob", {credit_of(100)}).value();
  store(*journal, "account|ann", {debit_of(2)}).value();
  const auto events = tyto::history<account>(*journal, "ann").value();
  REQUIRE(events.size() == 2);
  CHECK(std::get<credited>(events[0].event).cents == 5);
  CHECK(std::get<debited>(events[1].event).cents == 2);
  CHECK(events[1].meta.position == 3);
  CHECK(events[1].meta.sequence_number == 2);
  CHECK(events[1].meta.time == second(3));
}

TEST_CASE("An aggregate without events has an empty history and its initial state at any time") {
  const auto journal = journal_of({});
  CHECK(tyto::history<account>(*journal, "ann").value().empty());
  CHECK(cents_at(*journal, at_sequence{0}) == 0);
  CHECK(cents_at(*journal, at_time{second(9)}) == 0);
}

TEST_CASE("A visitor of a history may stop, and then nothing more is read") {
  const auto journal = journal_of({credit_of(1), credit_of(2), {"account.unknown"}});
  std::vector<std::uint64_t> seen;
  tyto::visit_history<account>(*journal, "ann", [&seen](const tyto::past_event<account>& past) {
    seen.push_back(past.meta.sequence_number);
    return seen.size() == 2 ? visit::stop : visit::next;
  }).value();
  CHECK(seen == std::vector<std::uint64_t>{1, 2});
}

TEST_CASE("The state is that after an event or at a time") {
  const auto journal = journal_of({credit_of(5)});
  store(*journal, "account|bob", {credit_of(100)}).value();
  store(*journal, "account|ann", {debit_of(2), credit_of(10)}).value();
  CHECK(cents_at(*journal, at_sequence{0}) == 0);
  CHECK(cents_at(*journal, at_sequence{1}) == 5);
  CHECK(cents_at(*journal, at_sequence{2}) == 3);
  CHECK(cents_at(*journal, at_sequence{3}) == 13);
  CHECK(cents_at(*journal, at_time{second(1) - std::chrono::microseconds{1}}) == 0);
  CHECK(cents_at(*journal, at_time{second(1)}) == 5);
  CHECK(cents_at(*journal, at_time{second(2)}) == 5);
  CHECK(cents_at(*journal, at_time{second(3)}) == 3);
  CHECK(cents_at(*journal, at_time{second(99)}) == 13);
}

TEST_CASE("A state after an event that has not happened is refused") {
  const auto journal = journal_of({credit_of(5)});
  const auto state = tyto::state_at<account>(*journal, "ann", at_sequence{2});
  REQUIRE_FALSE(state);
  CHECK(state.error().code() == errc::invalid_argument);
  CHECK(state.error().message() == "reading the history of account|ann: there is no event number 2, the last one is 1");
}

TEST_CASE("Recorded rejections and retired events are part of the numbers, not of a typed history") {
  auto stored = tyto::open_memory();
  store(*stored.journal, "account|ann", {credit_of(5), rejected, {"account.pinged"}, debit_of(2), rejected}).value();
  const auto opened = tyto::upcasting(stored, tyto::upcasters{}.retire("account.pinged"));
  const auto events = tyto::history<account>(*opened.journal, "ann").value();
  REQUIRE(events.size() == 2);
  CHECK(events[1].meta.sequence_number == 4);
  CHECK(cents_at(*opened.journal, at_sequence{3}) == 5);
  CHECK(cents_at(*opened.journal, at_sequence{5}) == 3);
}

TEST_CASE("The parts of a split event are one event in time, and several in the history") {
  auto stored = tyto::open_memory();
  store(*stored.journal, "account|ann", {credit_of(5), {"account.moved"}, credit_of(1)}).value();
  tyto::upcasters changes;
  changes.split("account.moved", 1, [](const tyto::document&) -> std::vector<tyto::upcasted> {
    tyto::document cents;
    cents.set("cents", 2);
    return {{"account.debited", 1, cents}, {"account.credited", 1, cents}, {"account.debited", 1, cents}};
  });
  const auto opened = tyto::upcasting(stored, changes);
  CHECK(cents_at(*opened.journal, at_sequence{2}) == 3);
  CHECK(cents_at(*opened.journal, at_time{second(2)}) == 3);
  CHECK(cents_at(*opened.journal, at_sequence{3}) == 4);
  const auto events = tyto::history<account>(*opened.journal, "ann").value();
  REQUIRE(events.size() == 5);
  CHECK(events[3].meta.sequence_number == 2);
  CHECK(events[3].meta.part == 2);
}

TEST_CASE("A type that the aggregate does not have is an error that names it, unless the aggregate passes over it") {
  const auto journal = journal_of({credit_of(5), {"account.odd"}, credit_of(1)});
  const auto events = tyto::history<account>(*journal, "ann");
  REQUIRE_FALSE(events);
  CHECK(events.error().code() == errc::unknown_event_type);
  CHECK(events.error().message() ==
        "reading the history of account|ann: the event at position 2 has the type 'account.odd', which category "
        "'account' does not have");
  CHECK(failure_at(*journal, at_sequence{3}) == errc::unknown_event_type);
  CHECK(cents_at(*journal, at_sequence{1}) == 5);
  CHECK(tyto::history<lenient_account>(*journal, "ann").value().size() == 2);
  CHECK(tyto::state_at<lenient_account>(*journal, "ann", at_sequence{3}).value().cents == 6);
}

TEST_CASE("An event that cannot be decoded, or applied, is an error") {
  const auto damaged = journal_of({credit_of(5), {"account.credited", 1, "\x80"}});
  const auto events = tyto::history<account>(*damaged, "ann");
  REQUIRE_FALSE(events);
  CHECK(events.error().code() == errc::undecodable);
  CHECK_THAT(events.error().message(), Catch::Contains("position 2 (account.credited)"));
  CHECK(failure_at(*damaged, at_sequence{2}) == errc::undecodable);

  const auto negative = journal_of({debit_of(-1)});
  CHECK(tyto::history<account>(*negative, "ann").value().size() == 1);
  CHECK(failure_at(*negative, at_sequence{1}) == errc::handler_failed);
}

TEST_CASE("A history whose beginning was removed is an error") {
  const auto journal = journal_of({credit_of(5), credit_of(6), credit_of(7)});
  retain(*journal, "account|ann", {tyto::retention::action::truncate, GENERATE(as<std::uint64_t>{}, 2, 3, 4), "image"});
  const auto events = tyto::history<account>(*journal, "ann");
  REQUIRE_FALSE(events);
  CHECK(events.error().code() == errc::truncated);
  CHECK(failure_at(*journal, at_sequence{3}) == errc::truncated);
  CHECK(failure_at(*journal, at_time{second(0)}) == errc::truncated);
  CHECK(failure_at(*journal, at_time{second(9)}) == errc::truncated);
  CHECK(cents_at(*journal, at_sequence{0}) == 0);
}

TEST_CASE("A history that begins with a summary is whole from there on") {
  const auto journal = journal_of({credit_of(5), credit_of(6), as_written(balanced{11}), credit_of(7)});
  retain(*journal, "account|ann", {tyto::retention::action::truncate, 3, {}});
  CHECK(tyto::history<account>(*journal, "ann").value().size() == 2);
  CHECK(cents_at(*journal, at_sequence{3}) == 11);
  CHECK(cents_at(*journal, at_sequence{4}) == 18);
  CHECK(cents_at(*journal, at_time{second(3)}) == 11);
  CHECK(failure_at(*journal, at_sequence{2}) == errc::truncated);
  CHECK(failure_at(*journal, at_time{second(2)}) == errc::truncated);
}

TEST_CASE("A deleted aggregate has no history") {
  const auto journal = journal_of({credit_of(5)});
  retain(*journal, "account|ann", {tyto::retention::action::remove, 0, {}});
  const auto events = tyto::history<account>(*journal, "ann");
  REQUIRE_FALSE(events);
  CHECK(events.error().code() == errc::truncated);
  CHECK(events.error().message() == "reading the history of account|ann: its stream was deleted");
}

TEST_CASE("A name that no aggregate can have is refused") {
  const auto events = tyto::history<account>(*journal_of({}), "");
  REQUIRE_FALSE(events);
  CHECK(events.error().code() == errc::invalid_argument);
}
