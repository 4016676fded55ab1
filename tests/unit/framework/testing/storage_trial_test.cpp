#include "tyto/detail/storage_trial.hpp"

#include <limits>
#include <unordered_set>

#include "shop.hpp"
#include "support/catch.hpp"
#include "tyto/testing/given.hpp"

using tyto::testing::given;

namespace {

// Read back with another value than it was written with.
struct rounded {
  std::int64_t cents = 0;
  std::string note;
};
TYTO_EVENT_NAME(rounded, "test.rounded")
template <class Inspector>
bool inspect(Inspector& f, rounded& x) {
  const bool read = f.object(x).fields(f.field("cents", x.cents), f.field("note", x.note));
  if constexpr (Inspector::is_loading) x.cents = x.cents / 100 * 100;
  return read;
}

// Written as what cannot be read back.
struct positive {
  std::int64_t number = 0;
};
TYTO_EVENT_NAME(positive, "test.positive")
template <class Inspector>
bool inspect(Inspector& f, positive& x) {
  return f.object(x).fields(f.field("number", x.number).invariant([](std::int64_t n) { return n > 0; }));
}
struct renamed_on_the_way {
  std::int64_t number = 0;
};
TYTO_EVENT_NAME(renamed_on_the_way, "test.renamed_on_the_way")
template <class Inspector>
bool inspect(Inspector& f, renamed_on_the_way& x) {
  return f.object(x).fields(f.field(Inspector::is_loading ? "count" : "number", x.number));
}

struct partly_listed {
  std::int64_t cents = 0;
  std::string note;
};
TYTO_EVENT_NAME(partly_listed, "test.partly_listed")
template <class Inspector>
bool inspect(Inspector& f, partly_listed& x) {
  return f.object(x).fields(f.field("cents", x.cents));
}
struct holds_partly_listed {
  std::vector<partly_listed> all;
};
TYTO_EVENT(holds_partly_listed, "test.holds_partly_listed", all)

// Says itself what makes two equal.
struct compares_all {
  std::int64_t cents = 0;
  std::int64_t cached = 0;
  friend bool operator==(const compares_all&, const compares_all&) = default;
};
struct compares_listed {
  std::int64_t cents = 0;
  std::int64_t cached = 0;
  friend bool operator==(const compares_listed& a, const compares_listed& b) { return a.cents == b.cents; }
};
TYTO_EVENT_NAME(compares_all, "test.compares_all")
TYTO_EVENT_NAME(compares_listed, "test.compares_listed")
template <class Inspector>
bool inspect(Inspector& f, compares_all& x) {
  return f.object(x).fields(f.field("cents", x.cents));
}
template <class Inspector>
bool inspect(Inspector& f, compares_listed& x) {
  return f.object(x).fields(f.field("cents", x.cents));
}

struct measured {
  double value = 0;
  friend bool operator==(const measured&, const measured&) = default;
};
TYTO_EVENT(measured, "test.measured", value)
struct tagged {
  std::unordered_set<std::string> tags;
  friend bool operator==(const tagged&, const tagged&) = default;
};
TYTO_EVENT(tagged, "test.tagged", tags)

// An aggregate, a reaction, a projection and a process manager that get events which do not survive.
struct till {
  static constexpr std::string_view category = "till";
  using command = std::variant<shop::pay>;
  using event = std::variant<rounded>;
  struct state {};
  static tyto::decision<event> decide(const state&, const shop::pay& c) { return rounded{c.cents, "paid"}; }
  static state evolve(state s, const rounded&) { return s; }
};
struct deaf {
  static constexpr std::string_view name = "deaf";
  static void react(const rounded&, const tyto::metadata&) {}
};
struct empty {
  static constexpr std::string_view name = "empty";
  using table = tyto::table<std::string, std::int64_t>;
  static void project(table&, const rounded&, const tyto::metadata&) {}
};
struct idle {
  static constexpr std::string_view name = "idle";
  using inputs = tyto::events<shop::order_paid>;
  using event = std::variant<rounded>;
  struct state {};
  static tyto::correlation correlate(const shop::order_paid&, const tyto::metadata&) { return tyto::starts("1"); }
  static tyto::decision<event> on(const state&, const shop::order_paid& e, const tyto::metadata&) {
    return rounded{e.cents, "paid"};
  }
  static state evolve(state s, const rounded&) { return s; }
};

constexpr auto rounded_is_lost =
    R"(test.rounded is another one when it is read back from a journal: what is expected was stored
expected:
! test.rounded {"cents":150,"note":"paid"}
!     cents: 150
actual:
! test.rounded {"cents":100,"note":"paid"}
!     cents: 100)";

}  // namespace

using tyto::detail::lost_in_storage;

TEST_CASE("An event that is read back as it was has lost nothing") {
  CHECK(lost_in_storage(shop::order_placed{"ann", {{"tea", 2}}}).empty());
  CHECK(lost_in_storage(rounded{100, "x"}).empty());
  CHECK(lost_in_storage(positive{1}).empty());
  CHECK(lost_in_storage(measured{std::numeric_limits<double>::quiet_NaN()}).empty());
  CHECK(lost_in_storage(tagged{{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}}).empty());
}

TEST_CASE("An event that is read back as another one names the field") {
  CHECK(lost_in_storage(rounded{150, "paid"}) == rounded_is_lost);
}

TEST_CASE("An event that cannot be stored, or not be read back, says why") {
  CHECK(lost_in_storage(positive{0}) ==
        "test.positive is not read back from a journal as it was: tyto: the value of 'number' breaks the field's "
        "invariant");
  CHECK(lost_in_storage(renamed_on_the_way{1}) ==
        "test.renamed_on_the_way is not read back from a journal as it was: count: the field is missing");
}

TEST_CASE("A field that is left out of an inspect() is lost, also one of a value in an event") {
  constexpr auto why = "a field of `partly_listed` is not listed in its inspect(), which lists cents";
  CHECK(lost_in_storage(partly_listed{1, "x"}) ==
        std::string{"test.partly_listed is not read back from a journal as it was: "} + why);
  CHECK(lost_in_storage(holds_partly_listed{{{1, "x"}}}) ==
        std::string{"test.holds_partly_listed is not read back from a journal as it was: "} + why);
}

TEST_CASE("A field that is left out of an inspect() may differ if == says so") {
  CHECK(lost_in_storage(compares_listed{1, 2}).empty());
  CHECK(lost_in_storage(compares_all{1, 0}).empty());
  CHECK(
      lost_in_storage(compares_all{1, 2}) ==
      "test.compares_all is not read back from a journal as it was: a field that its inspect() does not list is lost");
}

TEST_CASE("An event that does not survive storage fails every verdict of its scenario") {
  const rounded lost{150, "paid"};
  CHECK(given<till>().when(shop::pay{150}).then(lost).message() == rounded_is_lost);
  CHECK(given<till>(lost).then_state([](const auto&) { return true; }).message() == rounded_is_lost);
  CHECK(given<deaf>().when(lost).then_nothing().message() == rounded_is_lost);
  CHECK(given<empty>(lost).then_nothing().message() == rounded_is_lost);
  CHECK(given<idle>(lost).then_no_deadlines().message() == rounded_is_lost);
  CHECK(given<idle>().when(shop::order_paid{150}).then_events(lost).message() == rounded_is_lost);
  const auto both = given<till>().when(shop::pay{150}).then_nothing().message();
  CHECK(both == rounded_is_lost + std::string{"\nexpected:\n  nothing\nactual:\n"
                                              "! test.rounded {\"cents\":150,\"note\":\"paid\"}"});
}
