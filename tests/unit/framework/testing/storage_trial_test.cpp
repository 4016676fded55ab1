#include "tyto/detail/storage_trial.hpp"

#include <cmath>
#include <limits>
#include <memory>
#include <unordered_map>
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

// Written as less than they were.
struct whole_euros {
  double euros = 0;
};
struct compared_euros {
  double euros = 0;
  friend bool operator==(const compared_euros&, const compared_euros&) = default;
};
TYTO_EVENT_NAME(whole_euros, "test.whole_euros")
TYTO_EVENT_NAME(compared_euros, "test.compared_euros")
template <class Inspector, class Euros>
bool inspect_whole(Inspector& f, Euros& x) {
  auto whole = static_cast<std::int64_t>(x.euros);
  if (!f.object(x).fields(f.field("euros", whole))) return false;
  if constexpr (Inspector::is_loading) x.euros = static_cast<double>(whole);
  return true;
}
template <class Inspector>
bool inspect(Inspector& f, whole_euros& x) {
  return inspect_whole(f, x);
}
template <class Inspector>
bool inspect(Inspector& f, compared_euros& x) {
  return inspect_whole(f, x);
}
struct priced {
  std::vector<compared_euros> prices;
};
TYTO_EVENT(priced, "test.priced", prices)
struct copied_first {  // lists the field of a copy
  std::int64_t cents = 0;
};
TYTO_EVENT_NAME(copied_first, "test.copied_first")
template <class Inspector>
bool inspect(Inspector& f, copied_first& x) {
  auto copy = x;
  copy.cents = copy.cents / 100 * 100;
  if (!f.object(copy).fields(f.field("cents", copy.cents))) return false;
  if constexpr (Inspector::is_loading) x = copy;
  return true;
}
struct changed_by_writing {
  std::int64_t cents = 0;
  friend bool operator==(const changed_by_writing&, const changed_by_writing&) = default;
};
TYTO_EVENT_NAME(changed_by_writing, "test.changed_by_writing")
template <class Inspector>
bool inspect(Inspector& f, changed_by_writing& x) {
  x.cents = x.cents / 100 * 100;
  return f.object(x).fields(f.field("cents", x.cents));
}
struct writes_itself {
  std::int64_t cents = 0;
  void encode_to(tyto::encoder& out) const { out.put_int(cents / 100); }
  bool decode_from(tyto::decoder& in) {
    if (!in.get_int(cents)) return false;
    cents *= 100;
    return true;
  }
};
struct holds_writer {
  writes_itself amount;
};
TYTO_EVENT(holds_writer, "test.holds_writer", amount)
struct holds_document {
  tyto::document any;
};
TYTO_EVENT(holds_document, "test.holds_document", any)

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

struct parts {  // in containers without an order, of what has no ==
  std::unordered_set<std::string> tags;
  std::unordered_map<std::int64_t, shop::line> lines;
};
TYTO_EVENT(parts, "test.parts", tags, lines)

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

namespace {

template <class E>
std::string lost_in_storage(const E& event) {
  return tyto::detail::keep(event).lost;
}

// The same as `all`, but in another order.
parts reordered(const parts& all) {
  parts other;
  other.tags.rehash(1'000);
  other.lines.rehash(1'000);
  for (const auto& each : all.tags) other.tags.insert(each);
  for (const auto& each : all.lines) other.lines.insert(each);
  return other;
}

parts fifty_parts() {
  parts all;
  for (std::int64_t i = 0; i < 50; ++i) {
    all.tags.insert(std::to_string(i));
    all.lines[i] = {std::to_string(i), i};
  }
  return all;
}

// Decides what it is told to, and adds up what it decided.
struct purse {
  static constexpr std::string_view category = "purse";
  using event = std::variant<whole_euros, compared_euros, parts, compares_listed>;
  template <class E>
  struct note_down {
    E event;
  };
  using command =
      std::variant<note_down<whole_euros>, note_down<compared_euros>, note_down<parts>, note_down<compares_listed>>;
  struct state {
    double euros = 0;
  };
  template <class E>
  static tyto::decision<event> decide(const state&, const note_down<E>& c) {
    return c.event;
  }
  static state evolve(const state& s, const whole_euros& e) { return {s.euros + e.euros}; }
  static state evolve(const state& s, const compared_euros& e) { return {s.euros + e.euros}; }
  static state evolve(state s, const parts&) { return s; }
  static state evolve(const state& s, const compares_listed& e) { return {s.euros + static_cast<double>(e.cached)}; }
};
TYTO_VALUE(purse::state, euros)

}  // namespace

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
  CHECK(lost_in_storage(compares_all{1, 2}) ==
        "test.compares_all is not read back from a journal as it was: a field of `compares_all` is not listed in its "
        "inspect(), which lists cents");
}

TEST_CASE("A field that an inspect() makes while it runs is lost, as far as == tells, or may be") {
  CHECK(lost_in_storage(whole_euros{1.75}) ==
        "test.whole_euros is not read back from a journal as it was: something may be lost in the field euros of "
        "`whole_euros`, which is no member of it but made by its inspect(); give it an operator== that can tell");
  CHECK(lost_in_storage(copied_first{150}) ==
        "test.copied_first is not read back from a journal as it was: something may be lost in the field cents of "
        "`copied_first`, which is no member of it but made by its inspect(); give it an operator== that can tell");
  CHECK(lost_in_storage(compared_euros{1}).empty());
  CHECK(lost_in_storage(compared_euros{1.75}) ==
        "test.compared_euros is not read back from a journal as it was: something is lost in the field euros of "
        "`compared_euros`, which is no member of it but made by its inspect()");
  CHECK(lost_in_storage(priced{{{1}, {2}}}).empty());
  CHECK(lost_in_storage(priced{{{1}, {1.5}}}) ==
        "test.priced is not read back from a journal as it was: something is lost in the field euros of "
        "`compared_euros`, which is no member of it but made by its inspect()");
  CHECK(lost_in_storage(changed_by_writing{150}).find("test.changed_by_writing") == 0);
}

TEST_CASE("A type that writes itself may lose something unless it has a ==") {
  CHECK(lost_in_storage(holds_writer{{100}}) ==
        "test.holds_writer is not read back from a journal as it was: `writes_itself` writes itself: it cannot be "
        "compared without an operator==");
  tyto::document any;
  any.set("a", 1);
  CHECK(lost_in_storage(holds_document{any}).empty());
}

TEST_CASE("Containers without an order are compared by what is in them") {
  const auto all = fifty_parts();
  const auto same = reordered(all);
  REQUIRE(tyto::to_bytes(all) != tyto::to_bytes(same));
  CHECK(lost_in_storage(all).empty());
  const auto noted = given<purse>().when(purse::note_down<parts>{all});
  CHECK(noted.then(same));
  auto other = same;
  other.lines[7].units = 8;
  CHECK_FALSE(noted.then(other));
}

TEST_CASE("An expectation that only storage takes for what came is not met") {
  CHECK_FALSE(given<purse>().when(purse::note_down<whole_euros>{{1.75}}).then(whole_euros{1.25}));
  CHECK_FALSE(given<purse>().when(purse::note_down<compared_euros>{{1}}).then(compared_euros{1.25}));
  CHECK(given<purse>().when(purse::note_down<compared_euros>{{1}}).then(compared_euros{1}));
}

TEST_CASE("A scenario goes on with what would be read back") {
  CHECK(given<purse>(compares_listed{1, 5}).then_state({0}));
  CHECK(given<purse>().when(purse::note_down<compares_listed>{{1, 5}}).then_state({0}));
  CHECK_FALSE(given<purse>(compared_euros{1.75}).then_state({1.75}));
  CHECK_FALSE(given<purse>(whole_euros{1.75}).then_state([](const auto& s) { return s.euros == 1.75; }));
}

TEST_CASE("Many problems of a scenario are counted") {
  auto all = given<purse>();
  for (int i = 0; i < 100; ++i) all = all.given(compared_euros{i + 0.5});
  const auto once = all.then_state([](const auto&) { return true; }).message();
  CHECK(once.size() < 300);  // they are all the same
  auto cents = given<till>();
  for (int i = 0; i < 100; ++i) cents = cents.given(rounded{i * 100 + 1, "x"});
  const auto many = cents.then_state([](const auto&) { return true; }).message();
  CHECK(many.ends_with("\n... and 95 more problems"));
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
