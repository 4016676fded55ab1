// What docs/rehearsal.md shows: check_readme.py looks for its blocks here.
#include <iostream>
#include <tyto/lmdb_store.hpp>
#include <tyto/testing/rehearsal.hpp>

#include "support/catch.hpp"
#include "support/long_enough.hpp"
#include "support/temporary_directory.hpp"

namespace {

struct booked {
  std::string guest;
  std::int64_t nights = 0;
};
struct invoiced {
  std::int64_t cents = 0;
};
TYTO_EVENT(booked, "room.booked", guest, nights)
TYTO_EVENT(invoiced, "invoice.invoiced", cents)

std::int64_t most_nights = 14;

struct room {
  static constexpr std::string_view category = "room";
  struct book {
    std::string guest;
    std::int64_t nights = 0;
  };
  using command = std::variant<book>;
  using event = std::variant<booked>;
  struct state {};
  static tyto::decision<event> decide(const state&, const book& c) {
    if (c.nights > most_nights) return tyto::reject("nobody stays so long");
    return booked{c.guest, c.nights};
  }
  static state evolve(const state&, const booked&) { return {}; }
};

struct invoice {
  static constexpr std::string_view category = "invoice";
  struct write {
    std::int64_t cents = 0;
  };
  using command = std::variant<write>;
  using event = std::variant<invoiced>;
  struct state {};
  static tyto::decision<event> decide(const state&, const write& c) { return invoiced{c.cents}; }
  static state evolve(const state&, const invoiced&) { return {}; }
};

struct invoicing {
  static constexpr std::string_view name = "invoicing";
  std::int64_t cents_per_night = 0;
  tyto::commands react(const booked& e, const tyto::metadata&) const {
    return {tyto::send<invoice>(e.guest, invoice::write{e.nights * cents_per_night})};
  }
};

tyto::testing::rehearsal_report what_would_have_been(const std::filesystem::path& data) {
  tyto::testing::rehearsal last_year{tyto::open_lmdb({.path = data, .read_only = true}).value()};
  last_year.program([](tyto::runtime& rt) { rt.aggregate<room>().aggregate<invoice>().reaction(invoicing{95'00}); });
  const auto report = last_year.run();
  std::clog << report.value();
  return report.value();
}

}  // namespace

TEST_CASE("The document's rehearsal shows what it says") {
  const tyto::test::temporary_directory data;
  {
    tyto::runtime rt{tyto::open_lmdb({.path = data.path()}).value()};
    rt.aggregate<room>().aggregate<invoice>().reaction(invoicing{90'00});
    rt.start().value();
    CHECK(rt.execute<room>("7", room::book{"ann", 3}));
    CHECK(rt.execute<room>("8", room::book{"bob", 12}));
    rt.settle(tyto::test::long_enough).value();
  }
  const auto report = what_would_have_been(data.path());
  REQUIRE(report.streams.size() == 2);
  CHECK(report.streams[0].persistence_id == "invoice|ann");
  REQUIRE(report.streams[0].fields.size() == 1);
  CHECK(report.streams[0].fields[0].before == "27000");
  CHECK(report.streams[0].fields[0].after == "28500");

  most_nights = 10;
  tyto::testing::rehearsal last_year{tyto::open_lmdb({.path = data.path(), .read_only = true}).value()};
  last_year.program([](tyto::runtime& rt) { rt.aggregate<room>().aggregate<invoice>().reaction(invoicing{90'00}); });
  last_year.command<room, booked>([](const booked& e, const tyto::metadata&) { return room::book{e.guest, e.nights}; });
  const auto decided = last_year.run().value();
  most_nights = 14;
  CHECK(decided.rejected == 1);
  CHECK(decided.rejected_commands.at(0).persistence_id == "room|8");

  last_year.before([](tyto::runtime& rt) { rt.aggregate<room>().aggregate<invoice>().reaction(invoicing{80'00}); });
  CHECK(last_year.run().value().streams.size() == 2);
}
