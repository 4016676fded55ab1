// Actors of a user's own actor_system: events and answers come to them as messages, what they do not take stays
// bounded, and they, their system, the runtime and live queries end in any order.
#include "tyto/caf.hpp"

#include <algorithm>
#include <array>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <functional>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include "ledger.hpp"
#include "notes.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

bool wait_until(const std::function<bool()>& is_so) {
  const auto limit = std::chrono::steady_clock::now() + long_enough;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::yield();
  }
  return true;
}

// A user's actor_system, which must be able to end whenever its actors have.
struct users_system {
  caf::actor_system_config config;
  caf::actor_system actors{config};
};

// An actor whose behavior comes from a function. (CAF would take one itself, but 0.17 then reads an empty shared_ptr,
// which the standard library's assertions do not allow.)
class acting : public caf::event_based_actor {
 public:
  using function = std::function<caf::behavior(caf::event_based_actor*)>;
  acting(caf::actor_config& config, function act) : caf::event_based_actor(config), act_(std::move(act)) {}
  caf::behavior make_behavior() override { return act_(this); }

 private:
  const function act_;
};

using go_atom = caf::atom_constant<caf::atom("go")>;
const auto go = go_atom::value;

using cents = std::vector<std::int64_t>;

cents up_to(std::int64_t last) {
  cents all;
  for (std::int64_t i = 1; i <= last; ++i) all.push_back(i);
  return all;
}

void credit_up_to(runtime& rt, std::int64_t last, std::int64_t first = 1) {
  for (auto i = first; i <= last; ++i) (void)rt.execute<account>("ann", credit{i}).value();
}

// Decides several credits at once, so that a consumer gets them together.
struct pay_day {
  std::int64_t last = 0;
};
struct payroll {
  static constexpr std::string_view category = "payroll";
  using command = std::variant<pay_day>;
  using event = std::variant<credited>;
  struct state {};
  static decision<event> decide(const state&, const pay_day& c) {
    std::vector<event> all;
    for (const auto each : up_to(c.last)) all.emplace_back(credited{each});
    return all;
  }
  static state evolve(state s, const credited&) { return s; }
};

// Notes the credits that it is told of.
caf::behavior note_credits(caf::event_based_actor*, notes<std::int64_t>* seen) {
  return {[seen](const event_message& m) { seen->add(m.get_if<credited>()->cents); }};
}

// Keeps what it is told until it may go on, and then takes everything.
class hoarder : public caf::event_based_actor {
 public:
  hoarder(caf::actor_config& config, notes<std::int64_t>& kept, notes<std::int64_t>& seen)
      : caf::event_based_actor(config), kept_(kept), seen_(seen) {}

  caf::behavior make_behavior() override {
    return {[this](const event_message& m) {
              if (goes_on_) return take(m);
              kept_.add(m.get_if<credited>()->cents);
              hoard_.push_back(m);
            },
            [this](go_atom) {
              goes_on_ = true;
              for (const auto& each : hoard_) take(each);
              hoard_.clear();
            }};
  }

 private:
  void take(const event_message& m) { seen_.add(m.get_if<credited>()->cents); }

  notes<std::int64_t>& kept_;
  notes<std::int64_t>& seen_;
  std::vector<event_message> hoard_;
  bool goes_on_ = false;
};

// Takes nothing from its mailbox until it may go on.
caf::behavior stash_until_go(caf::event_based_actor* self, notes<std::int64_t>* seen) {
  self->set_default_handler(caf::skip);
  return {[=](go_atom) { self->become(note_credits(self, seen)); }};
}

constexpr mailbox_options ten_at_most{.max_unhandled = 10, .patience = std::chrono::milliseconds{5}};

// Waits until the subscription of a CAF actor has failed several times in a row, so that it stands still, and returns
// what health() says of it.
health_problem wait_for_problem(const runtime& rt) {
  health_problem found{"", error{errc::timeout, "waiting for a problem"}, {}};
  CHECK(wait_until([&] {
    for (const auto& each : rt.health().problems) {
      if (each.subject.find("CAF actor") != std::string::npos && each.times > 3) found = each;
    }
    return !found.subject.empty();
  }));
  return found;
}

struct total {};
struct count {};

// The sum and the number of all credits.
struct credits {
  static constexpr std::string_view name = "credits";
  using table = tyto::table<int, std::int64_t>;
  static void project(table& rows, const credited& e, const metadata&) {
    rows.update(0, [&](std::int64_t& sum) { sum += e.cents; });
    rows.update(1, [&](std::int64_t& number) { ++number; });
  }
  static std::int64_t query(const table& rows, const total&) { return rows.get(0).value_or(0); }
  static std::string query(const table& rows, const count&) { return std::to_string(rows.get(1).value_or(0)); }
};

// The sum of one owner's credits.
struct balance {
  static constexpr std::string_view name = "balance";
  using table = tyto::table<std::string, std::int64_t>;
  static void project(table& rows, const credited& e, const metadata& m) {
    rows.update(std::string{m.entity_id()}, [&](std::int64_t& sum) { sum += e.cents; });
  }
  struct of {
    std::string owner;
  };
  static std::int64_t query(const table& rows, const of& q) { return rows.get(q.owner).value_or(0); }
};

caf::behavior note_balances(caf::event_based_actor*, notes<std::int64_t>* seen) {
  return {[seen](const answer_message& m) { seen->add(*m.get_if<balance>()); }};
}

// Keeps answers without a look at them until it may go on.
class answer_hoarder : public caf::event_based_actor {
 public:
  answer_hoarder(caf::actor_config& config, notes<std::size_t>& kept, notes<std::int64_t>& seen)
      : caf::event_based_actor(config), kept_(kept), seen_(seen) {}

  caf::behavior make_behavior() override {
    return {[this](const answer_message& m) {
              if (goes_on_) return take(m);
              hoard_.push_back(m);
              kept_.add(hoard_.size());
            },
            [this](go_atom) {
              goes_on_ = true;
              for (const auto& each : hoard_) take(each);
            }};
  }

 private:
  void take(const answer_message& m) { seen_.add(*m.get_if<balance>()); }

  notes<std::size_t>& kept_;
  notes<std::int64_t>& seen_;
  std::vector<answer_message> hoard_;
  bool goes_on_ = false;
};

}  // namespace

TEST_CASE("A CAF actor gets the events that it subscribes to in order, each once, with what is known about them") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().start().value();
  credit_up_to(rt, 3);  // too early
  notes<std::string> seen;
  users_system users;
  const auto actor = users.actors.spawn<acting>([&](caf::event_based_actor*) -> caf::behavior {
    return {[&](const event_message& m) {
      seen.add(std::to_string(m.meta().position) + " " + m.meta().type + " of " + std::string{m.meta().entity_id()} +
               ": " + std::to_string(m.get_if<credited>()->cents));
    }};
  });
  tyto::subscribe<credited>(rt, actor);
  for (const auto* owner : {"ann", "bob", "ann"}) (void)rt.execute<account>(owner, credit{7}).value();
  REQUIRE(seen.wait_for_count(3));
  (void)rt.execute<account>("ann", debit{1}).value();
  (void)rt.execute<account>("cyd", credit{8}).value();
  REQUIRE(seen.wait_for_last("8 account.credited of cyd: 8"));
  CHECK(seen.all() == std::vector<std::string>{"4 account.credited of ann: 7", "5 account.credited of bob: 7",
                                               "6 account.credited of ann: 7", "8 account.credited of cyd: 8"});
}

TEST_CASE("A CAF actor gets events of several types in the order in which they were committed") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>();
  notes<std::string> seen;
  std::promise<void> subscribed;
  users_system users;
  const auto actor = users.actors.spawn<acting>([&](caf::event_based_actor* self) -> caf::behavior {
    tyto::subscribe<debited, credited>(rt, self);
    subscribed.set_value();
    return {[&](const event_message& m) {
      if (const auto* in = m.get_if<credited>()) seen.add("+" + std::to_string(in->cents));
      if (const auto out = m.share_if<debited>()) seen.add("-" + std::to_string(out->cents));
      if (m.get_if<receipt_printed>() != nullptr) seen.add("what nobody has subscribed to");
    }};
  });
  subscribed.get_future().wait();
  rt.start().value();
  std::vector<std::string> expected;
  for (int i = 1; i <= 200; ++i) {
    (void)rt.execute<account>("ann", credit{i}).value();
    (void)rt.execute<account>("ann", debit{i}).value();
    expected.push_back("+" + std::to_string(i));
    expected.push_back("-" + std::to_string(i));
  }
  REQUIRE(seen.wait_for_last("-200"));
  CHECK(seen.all() == expected);
}

TEST_CASE("An event message that holds nothing says so") {
  const event_message none;
  CHECK(none.get_if<credited>() == nullptr);
  CHECK(none.share_if<credited>() == nullptr);
  CHECK(none.meta().position == 0);
  CHECK(answer_message{}.get_if<balance>() == nullptr);
}

TEST_CASE("A CAF actor that gets nothing done has a bounded number of events, fails alone, and gets the rest later") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().start().value();
  notes<std::int64_t> kept;
  notes<std::int64_t> seen;
  notes<std::int64_t> seen_by_other;
  users_system users;
  const auto actor = users.actors.spawn<hoarder>(std::ref(kept), std::ref(seen));
  const auto other = users.actors.spawn(note_credits, &seen_by_other);
  tyto::subscribe<credited>(rt, actor, ten_at_most);
  tyto::subscribe<credited>(rt, other, ten_at_most);
  credit_up_to(rt, 100);
  REQUIRE(seen_by_other.wait_for_last(100));
  const auto problem = wait_for_problem(rt);
  CHECK(kept.all() == up_to(10));
  CHECK(problem.why.code() == errc::overloaded);
  CHECK_THAT(problem.why.message(),
             Catch::Contains("sending the event at position 11 (account|ann, account.credited)") &&
                 Catch::Contains("the actor has 10 events in hand and got none done in 5 ms"));
  CHECK(rt.health().problems.size() == 1);
  CHECK_THAT(problem.subject, Catch::Contains("subscription 1 to account.credited of CAF actor"));

  caf::anon_send(actor, go);
  REQUIRE(seen.wait_for_last(100));
  CHECK(seen.all() == up_to(100));
  CHECK(kept.all() == up_to(10));
  CHECK(wait_until([&] { return rt.health().is_healthy(); }));
}

TEST_CASE("Events that a CAF actor leaves in its mailbox count as unhandled, and come in order when it takes them") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().start().value();
  notes<std::int64_t> seen;
  users_system users;
  const auto actor = users.actors.spawn(stash_until_go, &seen);
  tyto::subscribe<credited>(rt, actor, ten_at_most);
  credit_up_to(rt, 50);
  CHECK_THAT(wait_for_problem(rt).why.message(), Catch::Contains("at position 11 "));
  caf::anon_send(actor, go);
  REQUIRE(seen.wait_for_last(50));
  CHECK(seen.all() == up_to(50));
}

TEST_CASE("A CAF actor gets no event twice of those that came together when there was not room for all") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<payroll>().start().value();
  notes<std::int64_t> kept;
  notes<std::int64_t> seen;
  users_system users;
  const auto actor = users.actors.spawn<hoarder>(std::ref(kept), std::ref(seen));
  tyto::subscribe<credited>(rt, actor, ten_at_most);
  (void)rt.execute<payroll>("may", pay_day{50}).value();
  CHECK_THAT(wait_for_problem(rt).why.message(), Catch::Contains("at position 11 "));
  caf::anon_send(actor, go);
  REQUIRE(seen.wait_for_last(50));
  CHECK(seen.all() == up_to(50));
}

TEST_CASE("An event that is shared out of its message does not count as unhandled") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().start().value();
  notes<std::shared_ptr<const credited>> kept;
  users_system users;
  const auto actor = users.actors.spawn<acting>([&](caf::event_based_actor*) -> caf::behavior {
    return {[&](const event_message& m) { kept.add(m.share_if<credited>()); }};
  });
  tyto::subscribe<credited>(rt, actor, ten_at_most);
  credit_up_to(rt, 50);
  REQUIRE(kept.wait_for_count(50));
  CHECK(kept.all().back()->cents == 50);
}

TEST_CASE("A runtime stops while a CAF actor gets nothing done") {
  notes<std::int64_t> kept;
  notes<std::int64_t> seen;
  users_system users;
  const auto actor = users.actors.spawn<hoarder>(std::ref(kept), std::ref(seen));
  {
    runtime rt{open_memory(), quiet()};
    rt.aggregate<account>().start().value();
    tyto::subscribe<credited>(rt, actor, ten_at_most);
    credit_up_to(rt, 50);
    REQUIRE(kept.wait_for_count(10));
    rt.stop().value();
  }
  caf::anon_send(actor, go);
  REQUIRE(seen.wait_for_last(10));  // what it has in hand is its own
  CHECK(seen.all() == up_to(10));
}

TEST_CASE("The subscription of a CAF actor ends with the actor, and the actor_system may end before the runtime") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().start().value();
  notes<std::int64_t> kept;
  notes<std::int64_t> seen;
  const bool is_killed = GENERATE(true, false);
  {
    users_system users;
    auto actor = users.actors.spawn<hoarder>(std::ref(kept), std::ref(seen));
    tyto::subscribe<credited>(rt, actor, ten_at_most);
    credit_up_to(rt, 50);
    (void)wait_for_problem(rt);
    // It ends when it is told to, or when nobody has a handle, for the subscription has none.
    if (is_killed) caf::anon_send_exit(actor, caf::exit_reason::kill);
    if (!is_killed) actor = nullptr;
    REQUIRE(wait_until([&] { return rt.status().consumers.empty(); }));
    REQUIRE(wait_until([&] { return rt.health().is_healthy(); }));
  }
  credit_up_to(rt, 50);
  rt.settle(long_enough).value();
  CHECK(rt.health().is_healthy());
  CHECK(kept.all() == up_to(10));
  rt.stop().value();
}

TEST_CASE("A CAF actor gets nothing more when its subscription has been ended, and lives on") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().start().value();
  notes<std::int64_t> seen;
  users_system users;
  const auto actor = users.actors.spawn<acting>([&](caf::event_based_actor*) -> caf::behavior {
    return {[&](const event_message& m) { seen.add(m.get_if<credited>()->cents); }, [&](go_atom) { seen.add(-1); }};
  });
  auto listening = tyto::subscribe<credited>(rt, actor);
  credit_up_to(rt, 3);
  REQUIRE(seen.wait_for_last(3));
  listening.end();
  CHECK(rt.status().consumers.empty());
  credit_up_to(rt, 6, 4);
  rt.settle(long_enough).value();
  caf::anon_send(actor, go);
  REQUIRE(seen.wait_for_last(-1));
  CHECK(seen.all() == cents{1, 2, 3, -1});
}

TEST_CASE("A CAF actor that ends with events in its hands holds up nobody") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().start().value();
  notes<std::int64_t> kept;
  notes<std::int64_t> seen;
  users_system users;
  const auto actor = users.actors.spawn<hoarder>(std::ref(kept), std::ref(seen));
  tyto::subscribe<credited>(rt, actor, {.max_unhandled = 1, .patience = std::chrono::hours{1}});
  credit_up_to(rt, 3);
  REQUIRE(kept.wait_for_last(1));
  caf::anon_send_exit(actor, caf::exit_reason::kill);
  rt.settle(long_enough).value();
  rt.stop().value();
}

TEST_CASE("A CAF actor may end while events come to it, as may its actor_system") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().start().value();
  std::jthread writer{[&](const std::stop_token& enough) {
    while (!enough.stop_requested()) (void)rt.execute<account>("ann", credit{1}).value();
  }};
  for (int i = 0; i < 20; ++i) {
    notes<std::int64_t> seen;
    users_system users;
    auto actor = users.actors.spawn(note_credits, &seen);
    tyto::subscribe<credited>(rt, actor);
    REQUIRE(seen.wait_for_count(1));
    if (i % 2 == 0) caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    actor = nullptr;
  }
}

TEST_CASE("A thread gets events through a scoped_actor, and a detached actor on its own") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().start().value();
  notes<std::int64_t> seen;
  users_system users;
  const auto detached = users.actors.spawn<caf::detached>(note_credits, &seen);
  tyto::subscribe<credited>(rt, detached, ten_at_most);
  {
    caf::scoped_actor here{users.actors};
    tyto::subscribe<credited>(rt, here, ten_at_most);
    std::jthread writer{[&] { credit_up_to(rt, 50); }};
    cents received;
    while (received.size() < 40) {
      here->receive([&](const event_message& m) { received.push_back(m.get_if<credited>()->cents); });
    }
    CHECK(received == up_to(40));
  }
  REQUIRE(seen.wait_for_last(50));
  rt.settle(long_enough).value();
}

TEST_CASE("A CAF actor that has ended before is sent nothing") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().start().value();
  notes<std::int64_t> seen;
  users_system users;
  const auto actor = users.actors.spawn(note_credits, &seen);
  caf::anon_send_exit(actor, caf::exit_reason::kill);
  caf::scoped_actor waits{users.actors};
  waits->wait_for(actor);
  tyto::subscribe<credited>(rt, actor, ten_at_most);
  REQUIRE(wait_until([&] { return rt.status().consumers.empty(); }));
  credit_up_to(rt, 50);
  rt.settle(long_enough).value();
  CHECK(seen.all().empty());
}

TEST_CASE("Each option of a mailbox can be given alone, by its name") {
  constexpr mailbox_options roomy{.max_unhandled = 10'000};
  constexpr mailbox_options patient{.patience = std::chrono::hours{1}};
  CHECK(roomy.patience == mailbox_options{}.patience);
  CHECK(patient.max_unhandled == mailbox_options{}.max_unhandled);
}

TEST_CASE("A subscription of no actor, or with no room, is the programmer's mistake") {
  runtime rt{open_memory(), quiet()};
  notes<std::int64_t> seen;
  users_system users;
  const auto actor = users.actors.spawn(note_credits, &seen);
  CHECK_THROWS_AS(tyto::subscribe<credited>(rt, caf::actor{}), std::invalid_argument);
  CHECK_THROWS_AS(tyto::subscribe<credited>(rt, actor, {.max_unhandled = 0}), std::invalid_argument);
  CHECK_THROWS_AS(tyto::watch<balance>(rt, {"ann"}, caf::actor{}), std::invalid_argument);
}

TEST_CASE("A CAF actor gets the first answer of a live query and then each other one") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<balance>().start().value();
  notes<std::int64_t> seen;
  users_system users;
  const auto actor = users.actors.spawn(note_balances, &seen);
  const auto watched = tyto::watch<balance>(rt, {"ann"}, actor).value();
  REQUIRE(seen.wait_for_last(0));
  (void)rt.execute<account>("ann", credit{5}).value();
  REQUIRE(seen.wait_for_last(5));
  (void)rt.execute<account>("bob", credit{3}).value();
  (void)rt.execute<account>("ann", credit{2}).value();
  REQUIRE(seen.wait_for_last(7));
  CHECK(seen.all() == cents{0, 5, 7});
}

TEST_CASE("A CAF actor tells the answers to several questions apart") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<balance>().projection<credits>().start().value();
  notes<std::int64_t> anns;
  notes<std::int64_t> bobs;
  notes<std::int64_t> totals;
  notes<std::string> counts;
  users_system users;
  const auto actor = users.actors.spawn<acting>([&](caf::event_based_actor*) -> caf::behavior {
    return {[&](const answer_message& m) {
      if (const auto* sum = m.get_if<credits, total>()) totals.add(*sum);
      if (const auto* number = m.get_if<credits, count>()) counts.add(*number);
      if (const auto* of = m.question_if<balance>()) (of->owner == "ann" ? anns : bobs).add(*m.get_if<balance>());
    }};
  });
  const std::array watched{
      tyto::watch<balance>(rt, {"ann"}, actor).value(), tyto::watch<balance>(rt, {"bob"}, actor).value(),
      tyto::watch<credits>(rt, total{}, actor).value(), tyto::watch<credits>(rt, count{}, actor).value()};
  (void)rt.execute<account>("ann", credit{5}).value();
  (void)rt.execute<account>("bob", credit{3}).value();
  CHECK(anns.wait_for_last(5));
  CHECK(bobs.wait_for_last(3));
  CHECK(totals.wait_for_last(8));
  CHECK(counts.wait_for_last("2"));
}

TEST_CASE("A CAF actor misses no last answer when answers come in a burst") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<balance>().start().value();
  notes<std::int64_t> seen;
  users_system users;
  const auto actor = users.actors.spawn(note_balances, &seen);
  const auto watched = tyto::watch<balance>(rt, {"ann"}, actor).value();
  for (int last = 100; last <= 1'000; last += 100) {
    for (int i = 0; i < 100; ++i) (void)rt.execute<account>("ann", credit{1}).value();
    REQUIRE(seen.wait_for_last(last));
  }
  const auto all = seen.all();
  CHECK(std::ranges::adjacent_find(all, std::greater_equal{}) == all.end());  // none twice
}

TEST_CASE("A CAF actor that does not look at answers has one, which becomes the newest when it does") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<balance>().start().value();
  notes<std::size_t> kept;
  notes<std::int64_t> seen;
  users_system users;
  const auto actor = users.actors.spawn<answer_hoarder>(std::ref(kept), std::ref(seen));
  const auto watched = tyto::watch<balance>(rt, {"ann"}, actor).value();
  REQUIRE(kept.wait_for_last(1));
  for (int i = 0; i < 100; ++i) (void)rt.execute<account>("ann", credit{1}).value();
  rt.settle(long_enough).value();
  CHECK(kept.all() == std::vector<std::size_t>{1});
  caf::anon_send(actor, go);
  REQUIRE(seen.wait_for_last(100));
  CHECK(kept.all() == std::vector<std::size_t>{1});
}

TEST_CASE("An answer that a CAF actor drops without a look at it counts as handled") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<balance>().start().value();
  notes<int> seen;
  users_system users;
  const auto actor = users.actors.spawn<acting>(
      [&](caf::event_based_actor*) -> caf::behavior { return {[&](const answer_message&) { seen.add(0); }}; });
  const auto watched = tyto::watch<balance>(rt, {"ann"}, actor).value();
  for (std::size_t i = 1; i <= 10; ++i) {
    // Whether it comes to the actor as a message of its own depends on when the one before it was dropped.
    REQUIRE(wait_until([&] {
      (void)rt.execute<account>("ann", credit{1}).value();
      return seen.all().size() >= i;
    }));
  }
}

TEST_CASE("A CAF actor may own its live query and end it in its handler") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<balance>().start().value();
  notes<std::int64_t> seen;
  users_system users;
  const auto actor = users.actors.spawn<acting>([&](caf::event_based_actor* self) -> caf::behavior {
    auto watched = std::make_shared<live_query>(tyto::watch<balance>(rt, {"ann"}, self).value());
    return {[&, watched](const answer_message& m) {
              const auto sum = *m.get_if<balance>();
              if (sum >= 5) *watched = {};
              seen.add(sum);
            },
            [&](go_atom) { seen.add(-1); }};
  });
  REQUIRE(seen.wait_for_last(0));
  (void)rt.execute<account>("ann", credit{5}).value();
  REQUIRE(seen.wait_for_last(5));
  credit_up_to(rt, 10);
  rt.settle(long_enough).value();
  caf::anon_send(actor, go);
  REQUIRE(seen.wait_for_last(-1));
  CHECK(seen.all() == cents{0, 5, -1});
}

TEST_CASE("A live query may be ended by a CAF actor's handler while answers keep coming") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<balance>().start().value();
  std::jthread writer{[&](const std::stop_token& enough) {
    while (!enough.stop_requested()) (void)rt.execute<account>("ann", credit{1}).value();
  }};
  notes<std::int64_t> seen;
  users_system users;
  const auto actor = users.actors.spawn<acting>([&](caf::event_based_actor* self) -> caf::behavior {
    auto watched = std::make_shared<live_query>(tyto::watch<balance>(rt, {"ann"}, self).value());
    return {[&, self, watched](const answer_message& m) {
      seen.add(*m.get_if<balance>());
      *watched = tyto::watch<balance>(rt, {"ann"}, self).value();  // ends the one that it has
    }};
  });
  CHECK(seen.wait_for_count(200));
}

TEST_CASE("A CAF actor, its live query and the runtime end in any order") {
  std::array order{0, 1, 2};
  for (bool is_next = true; is_next; is_next = std::ranges::next_permutation(order).found) {
    auto rt = std::make_unique<runtime>(open_memory(), quiet());
    rt->aggregate<account>().projection<balance>().start().value();
    auto users = std::make_unique<users_system>();
    notes<std::size_t> kept;
    notes<std::int64_t> seen;
    auto actor = users->actors.spawn<answer_hoarder>(std::ref(kept), std::ref(seen));
    auto watched = tyto::watch<balance>(*rt, {"ann"}, actor).value();
    (void)rt->execute<account>("ann", credit{5}).value();
    REQUIRE(kept.wait_for_last(1));
    for (const auto what : order) {
      if (what == 0) caf::anon_send(actor, go);
      if (what == 0) actor = nullptr, users = nullptr;
      if (what == 1) watched = {};
      if (what == 2) rt = nullptr;
      if (rt) (void)rt->execute<account>("ann", credit{5}).value();
    }
  }
}

TEST_CASE("The last answer comes to a CAF actor although the runtime has stopped") {
  notes<std::size_t> kept;
  notes<std::int64_t> seen;
  users_system users;
  const auto actor = users.actors.spawn<answer_hoarder>(std::ref(kept), std::ref(seen));
  live_query watched;
  {
    runtime rt{open_memory(), quiet()};
    rt.aggregate<account>().projection<balance>().start().value();
    watched = tyto::watch<balance>(rt, {"ann"}, actor).value();
    for (int i = 0; i < 100; ++i) (void)rt.execute<account>("ann", credit{1}).value();
    rt.settle(long_enough).value();
  }
  caf::anon_send(actor, go);
  CHECK(seen.wait_for_last(100));
}

TEST_CASE("A live query for a CAF actor is refused before the runtime has been started") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<balance>();
  notes<std::int64_t> seen;
  users_system users;
  const auto actor = users.actors.spawn(note_balances, &seen);
  const auto refused = tyto::watch<balance>(rt, {"ann"}, actor);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::invalid_argument);
}
