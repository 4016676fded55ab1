// What is not to be taken for a mistake. The mistakes themselves are in tests/compile_fail/.
#include "tyto/detail/near_miss.hpp"

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "support/catch.hpp"
#include "tyto/detail/fields.hpp"
#include "tyto/process_manager.hpp"

namespace {

using tyto::metadata;

struct came {
  int number = 0;
};
struct went {
  int number = 0;
};
struct moved {
  came first;
};
TYTO_EVENT(came, "came", number)
TYTO_EVENT(went, "went", number)
TYTO_EVENT(moved, "moved", first)

// Its own name is that of an option, and an overload that nobody may call is its own matter.
struct categories {
  static constexpr std::string_view name = "categories";
  using events = tyto::events<came, went>;
  using table = tyto::table<int, int>;
  static void project(table&, const came&, const metadata&) {}
  static void project(table&, went, const metadata&) {}

 private:
  static void project(table&, const moved&, const metadata&) {}
};

// What throws nothing may say so, also where there is no list of events.
struct quiet_reaction {
  static constexpr std::string_view name = "quiet_reaction";
  static void react(const came&, const metadata&) noexcept {}
};
struct quiet_projection {
  static constexpr std::string_view name = "quiet_projection";
  using table = tyto::table<int, int>;
  static void project(table&, const came&, const metadata&) noexcept {}
};

// Its bodies would not compile for an event of another type.
struct generic {
  static constexpr std::string_view name = "generic";
  using events = tyto::events<came, went>;
  auto react(const auto& e, const metadata&) { number += e.number; }
  static auto key(const auto& e, const metadata&) { return std::to_string(e.number); }
  int number = 0;
};

// A key for one event alone: the other one's is its stream, though `moved` can be made of it.
struct partly_keyed final {
  static constexpr std::string_view name = "partly_keyed";
  using events = tyto::events<came, moved>;
  static constexpr std::array<std::string_view, 1> categories{"visit"};
  enum { partitions = 4 };
  static void react(const came&, const metadata&) {}
  static void react(const moved&, const metadata&) {}
  static const char* key(const moved&, const metadata&) { return "k"; }
};

struct generic_process {
  static constexpr std::string_view name = "generic_process";
  using inputs = tyto::events<came>;
  using event = std::variant<went, moved>;
  struct state {
    int number = 0;
  };
  static auto correlate(const auto& e, const metadata&) { return tyto::starts(std::to_string(e.number)); }
  static tyto::decision<event> on(const auto& s, const auto& e, const metadata&) { return went{e.number + s.number}; }
  static auto evolve(state s, const auto&) { return s; }
  static tyto::steps then(const went&, const std::string&) { return {}; }
};

struct base {
  int first = 0;
  int second = 0;
};
struct empty {};
struct many_kinds {
  std::optional<came> a;
  std::variant<int, std::string> b;
  std::array<int, 3> c{};
  came d;
  int e = 3;
  const int f = 1;
  [[no_unique_address]] empty g;
  std::vector<many_kinds> h;
  std::map<std::string, int> i;
  std::unique_ptr<int> j;
};
struct derived : base {
  int third = 0;
};
struct derived_from_empty : empty {
  int first = 0;
};
class with_constructor {
 public:
  explicit with_constructor(int given = 0) : number(given) {}
  int number;
  int other = 0;
};

template <class T, std::size_t Fields>
constexpr bool counts = !tyto::detail::has_more_fields<T, Fields>() && tyto::detail::has_more_fields<T, Fields - 1>();

}  // namespace

TEST_CASE("What has the form that is looked for is no near miss") {
  CHECK(tyto::define_projection<categories>().handlers.size() == 2);
  CHECK(tyto::define_reaction(generic{}).keys.size() == 2);
  CHECK(tyto::define_reaction(quiet_reaction{}).handlers.size() == 1);
  CHECK(tyto::define_projection<quiet_projection>().handlers.size() == 1);
  const auto partly = tyto::define_reaction(partly_keyed{});
  CHECK(partly.keys.size() == 1);
  CHECK(partly.partitions == 4);
  CHECK(partly.categories == std::vector<std::string>{"visit"});
  CHECK(tyto::define_process_manager<generic_process>().input.handlers.size() == 1);
}

TEST_CASE("The members of an aggregate are counted, of whatever kind they are") {
  STATIC_REQUIRE(counts<came, 1>);
  STATIC_REQUIRE(counts<moved, 1>);
  STATIC_REQUIRE(counts<many_kinds, 10>);
  STATIC_REQUIRE(counts<derived, 3>);
  STATIC_REQUIRE_FALSE(tyto::detail::has_more_fields<empty, 0>());
}

TEST_CASE("Where the members cannot be counted none is missed") {
  STATIC_REQUIRE_FALSE(tyto::detail::has_more_fields<derived_from_empty, 1>());
  STATIC_REQUIRE_FALSE(tyto::detail::has_more_fields<with_constructor, 1>());
}
