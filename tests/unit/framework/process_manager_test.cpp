#include "tyto/process_manager.hpp"

#include <memory>
#include <string>
#include <variant>

#include "support/catch.hpp"
#include "tyto/consumer.hpp"
#include "unit/framework/rows.hpp"

namespace {

using tyto::metadata;

struct came {
  int number = 0;
};
struct waiting {
  std::string with;
};
struct ended {};
TYTO_EVENT(came, "came", number)
TYTO_EVENT(waiting, "visit.waiting", with)
TYTO_EVENT(ended, "visit.ended")

struct rules {
  std::string prefix;
};

// One that cannot be made without its rules.
struct visit {
  explicit visit(const rules& given) : rules_(&given) {}

  static constexpr std::string_view name = "visit";
  static constexpr auto from = tyto::start_from::end;
  using inputs = tyto::events<came>;
  using event = std::variant<waiting, ended>;
  struct state {
    std::string with;
  };
  tyto::correlation correlate(const came& e, const metadata&) const {
    return tyto::starts(rules_->prefix + std::to_string(e.number));
  }
  tyto::decision<event> on(const state&, const came&, const metadata&) const { return waiting{rules_->prefix}; }
  tyto::decision<event> on(const state&, const tyto::deadline&) const { return ended{}; }
  static state evolve(state s, const waiting& e) { return s.with = e.with, s; }
  static state evolve(state s, const ended&) { return s; }
  static tyto::steps then(const waiting&, const std::string&) {
    return {tyto::set_deadline{"end", tyto::timestamp{std::chrono::seconds{7}}}};
  }

 private:
  const rules* rules_;
};

struct renamed {
  explicit renamed(std::string given) : prefix(std::move(given)) {}
  static constexpr std::string_view name = "renamed";
  using table = tyto::table<std::string, int>;
  void project(table& rows, const came& e, const metadata&) const { rows.put(prefix, e.number); }
  std::string prefix;
};

tyto::recorded_event recorded(const came& e) {
  tyto::recorded_event made;
  made.meta.type = tyto::stored_name<came>;
  made.payload = tyto::to_bytes(e);
  return made;
}

}  // namespace

TEST_CASE("A process manager decides with the dependencies that it was built with") {
  const rules with{"a-"};
  const auto definition = tyto::define_process_manager(visit{with});
  CHECK(definition.instances == &tyto::definition_of<tyto::detail::process<visit>>());

  const auto sent = definition.input.handlers.at("came")(recorded({3})).value();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].target == definition.instances);
  CHECK(sent[0].entity_id == "a-3");
  CHECK(definition.input.keys.at("came")(recorded({3})) == "a-3");

  const auto instance = definition.create("a-3");
  const auto decided = instance->decide(sent[0].command.get()).value();
  const auto& events = std::get<std::vector<tyto::recorded_event>>(decided);
  REQUIRE(events.size() == 1);
  CHECK(tyto::to_json(events[0].payload) == R"({"with":"a-"})");

  const auto due = definition.deadlines.fire("a-3", {"end", tyto::timestamp{std::chrono::seconds{7}}});
  const auto reached = instance->decide(due.command.get()).value();
  CHECK(std::get<std::vector<tyto::recorded_event>>(reached).size() == 2);
}

TEST_CASE("A process manager says where it begins") {
  const rules with{"a-"};
  CHECK(tyto::define_process_manager(visit{with}).input.from == tyto::start_from::end);
}

TEST_CASE("A projection uses the dependencies that it was built with") {
  const auto definition = tyto::define_projection(renamed{"x"});
  fake_rows base;
  tyto::row_buffer rows{base};
  REQUIRE(definition.handlers.at("came")(recorded({3}), rows));
  CHECK(renamed::table{rows}.get("x") == 3);
}

namespace {

struct counted {
  static inline int copies = 0;
  counted() = default;
  counted(const counted&) { ++copies; }
  counted(counted&&) = default;
  counted& operator=(const counted& other) { return copies += this != &other, *this; }
  counted& operator=(counted&&) = default;
  ~counted() = default;
};

struct parade {
  static constexpr std::string_view name = "parade";
  using inputs = tyto::events<came>;
  using event = std::variant<waiting>;
  struct state {
    counted large;
  };
  static bool is_over(const state&) { return false; }
  static tyto::correlation correlate(const came&, const metadata&) { return tyto::starts("all"); }
  static tyto::decision<event> on(const state&, const came&, const metadata&) { return waiting{"more"}; }
  static state evolve(state s, const waiting&) { return s; }
};

}  // namespace

TEST_CASE("An input costs no copy of a process manager's state, unless deadlines are set") {
  const auto instance = tyto::detail::process<parade>::make_instance("all");
  counted::copies = 0;
  for (int i = 0; i < 10; ++i) {
    const tyto::detail::process<parade>::command input{tyto::detail::delivered<came>{{i}, {}, true}};
    REQUIRE(std::get<0>(instance->decide(&input).value()).size() == 1);
  }
  CHECK(counted::copies == 0);
}
