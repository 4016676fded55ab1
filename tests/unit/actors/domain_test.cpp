#include "domain.hpp"

#include <string>

#include "support/catch.hpp"
#include "support/counter.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

template <class Definition>
Definition handling(std::string name) {
  Definition made{};
  made.name = std::move(name);
  made.handlers[std::string{stored_name<counted>}];
  return made;
}
reaction_definition reaction(std::string name) { return handling<reaction_definition>(std::move(name)); }
projection_definition projection(std::string name, std::string replaces = {}) {
  auto made = handling<projection_definition>(std::move(name));
  made.replaces = std::move(replaces);
  return made;
}
deadlines_definition deadlines(std::string name) { return handling<deadlines_definition>(std::move(name)); }

aggregate_definition aggregate(std::string_view category, std::vector<const event_type*> events = {}) {
  return {category, nullptr, std::move(events), std::nullopt, {}, nullptr, nullptr};
}
event_type type_named(std::string_view name) { return {name, 1, nullptr}; }

// Returns what does not fit together; "" if everything does.
std::string misfit_of(const domain& registered) {
  const auto checked = registered.check();
  if (checked) return "";
  CHECK(checked.error().code() == errc::invalid_argument);
  CHECK(checked.error().doing() == "starting the runtime");
  return checked.error().detail();
}
std::string misfit_of(reaction_definition only) {
  domain registered;
  registered.reactions.push_back(std::move(only));
  return misfit_of(registered);
}

}  // namespace

TEST_CASE("A domain without anything, and one of parts that fit, is taken") {
  domain registered;
  CHECK(registered.check());
  registered.aggregates = {&definition_of<counter>()};
  registered.reactions = {reaction("billing"), reaction("shipping")};
  registered.projections = {projection("totals.v1"), projection("totals.v2", "totals.v1"), projection("names")};
  registered.deadlines = {deadlines("checkout/deadlines")};
  CHECK(misfit_of(registered).empty());
  CHECK(registered.consumer_names() ==
        std::vector<std::string_view>{"billing", "shipping", "totals.v1", "totals.v2", "names", "checkout/deadlines"});
}

TEST_CASE("Two aggregates of one category are refused") {
  const auto other = aggregate("counter");
  domain registered;
  registered.aggregates = {&definition_of<counter>(), &other};
  CHECK(misfit_of(registered) == "two aggregates have the category 'counter'");
}

TEST_CASE("A category that cannot begin a persistence id is refused") {
  for (const std::string category : {"", "|", "or|der", "order|"}) {
    const auto named = aggregate(category);
    domain registered;
    registered.aggregates = {&named};
    CHECK(misfit_of(registered) == "'" + category + "' is no category: it is empty or holds a '|'");
  }
}

TEST_CASE("A category with which no persistence id can be made is refused") {
  const auto misfit_of_category = [](const std::string& category) {
    const auto named = aggregate(category);
    domain registered;
    registered.aggregates = {&named};
    return misfit_of(registered);
  };
  CHECK_THAT(misfit_of_category(std::string{"or\0der", 6}),
             Catch::Contains("is no category for streams: it holds a NUL byte"));
  CHECK_THAT(misfit_of_category(std::string(399, 'x')), Catch::Contains("the limit is 400"));
  CHECK(misfit_of_category(std::string(398, 'x')).empty());
}

TEST_CASE("Two event types with one stored name are refused, and one type of two aggregates is not") {
  const auto one = type_named("order.created");
  const auto another = type_named("order.created");
  const auto orders = aggregate("order", {&one});
  const auto copies = aggregate("copy", {&one});
  const auto drafts = aggregate("draft", {&another});
  domain registered;
  registered.aggregates = {&orders, &copies};
  CHECK(misfit_of(registered).empty());
  registered.aggregates = {&orders, &drafts};
  CHECK(misfit_of(registered) == "two event types have the stored name 'order.created'");
}

TEST_CASE("A stored name of Tyto's own is refused, except for that of process managers' deadlines") {
  const auto own = type_named("tyto.mine");
  const auto close = type_named("tytonic.mine");
  const auto refused = aggregate("order", {&own});
  const auto taken = aggregate("order", {&close, &type_of<deadline_reached>()});
  domain registered;
  registered.aggregates = {&refused};
  CHECK(misfit_of(registered) == "the stored name 'tyto.mine' begins with 'tyto.', which is Tyto's own");
  registered.aggregates = {&taken};
  CHECK(misfit_of(registered).empty());
}

TEST_CASE("A consumer without a usable name is refused") {
  for (const std::string& name : {std::string{}, std::string(201, 'x'), std::string{"a\0b", 3}}) {
    CHECK_THAT(misfit_of(reaction(name)), Catch::Contains("is no name for a consumer: 1 to 200 bytes without NUL"));
  }
  CHECK(misfit_of(reaction(std::string(200, 'x'))).empty());
  CHECK(misfit_of(reaction("billing#1")) == "'billing#1' is no name for a consumer: it holds a '#'");
}

TEST_CASE("Two consumers of one name are refused, whatever kinds they are of") {
  const std::string why = "two consumers have the name 'twice'";
  domain reactions;
  reactions.reactions = {reaction("twice"), reaction("twice")};
  CHECK(misfit_of(reactions) == why);
  domain mixed;
  mixed.reactions = {reaction("twice")};
  mixed.projections = {projection("twice")};
  CHECK(misfit_of(mixed) == why);
  domain with_deadlines;
  with_deadlines.projections = {projection("twice")};
  with_deadlines.deadlines = {deadlines("twice")};
  CHECK(misfit_of(with_deadlines) == why);
}

TEST_CASE("A consumer with no partition or with very many is refused") {
  auto parted = reaction("billing");
  for (const std::size_t count : {std::size_t{0}, std::size_t{257}}) {
    parted.partitions = count;
    CHECK(misfit_of(parted) == "consumer 'billing' has " + std::to_string(count) + " partitions; it must be 1 to 256");
  }
  parted.partitions = 256;
  CHECK(misfit_of(parted).empty());
}

TEST_CASE("A consumer that handles no events is refused, whatever kind it is of") {
  const std::string why = "consumer 'idle' handles no events";
  domain reactions;
  reactions.reactions.emplace_back().name = "idle";
  CHECK(misfit_of(reactions) == why);
  domain projections;
  projections.projections.emplace_back().name = "idle";
  CHECK(misfit_of(projections) == why);
  domain with_deadlines;
  with_deadlines.deadlines.emplace_back().name = "idle";
  CHECK(misfit_of(with_deadlines) == why);
}

TEST_CASE("A projection that replaces one which is not registered before it is refused") {
  const std::string why = "projection 'totals.v2' replaces 'totals.v1', which must be registered before it";
  domain registered;
  registered.projections = {projection("totals.v2", "totals.v1")};
  CHECK(misfit_of(registered) == why);
  registered.projections.push_back(projection("totals.v1"));
  CHECK(misfit_of(registered) == why);
  std::swap(registered.projections[0], registered.projections[1]);
  CHECK(misfit_of(registered).empty());

  domain of_itself;
  of_itself.projections = {projection("totals.v2", "totals.v2")};
  CHECK_FALSE(misfit_of(of_itself).empty());
  domain of_a_reaction;
  of_a_reaction.reactions = {reaction("totals.v1")};
  of_a_reaction.projections = {projection("totals.v2", "totals.v1")};
  CHECK(misfit_of(of_a_reaction) == why);
}

TEST_CASE("A process manager is added as its instances, two reactions and its deadlines") {
  process_manager_definition checkout{
      .instances = &definition_of<counter>(),
      .create = [](std::string_view key) { return definition_of<counter>().create(key); },
      .input = reaction("checkout"),
      .output = reaction("checkout/commands"),
      .deadlines = deadlines("checkout/deadlines"),
  };
  domain registered;
  registered.add(checkout);
  CHECK(registered.aggregates.contains(&definition_of<counter>()));
  REQUIRE(registered.makers.contains(&definition_of<counter>()));
  CHECK(registered.makers.at(&definition_of<counter>())("1") != nullptr);
  CHECK(registered.consumer_names() ==
        std::vector<std::string_view>{"checkout", "checkout/commands", "checkout/deadlines"});
  CHECK(misfit_of(registered).empty());
  registered.add(std::move(checkout));
  CHECK(misfit_of(registered) == "two consumers have the name 'checkout'");
}
