#include "aggregate/recent_commands.hpp"

#include <string>

#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::detail;

namespace {

struct overdrawn {
  std::int64_t cents = 0;
  std::string account;
};
TYTO_REJECTION(overdrawn, "account.overdrawn", cents, account)

first_outcome stored_at(std::uint64_t sequence_number, std::uint32_t events = 1) {
  return {committed{.position = sequence_number + 100, .sequence_number = sequence_number, .event_count = events}, {}};
}
first_outcome refused_at(std::uint64_t sequence_number, rejection no) {
  auto outcome = stored_at(sequence_number);
  outcome.refused = std::make_shared<const rejection>(std::move(no));
  return outcome;
}

// What is left of `known` after it was stored and read back.
recent_commands stored_and_read(const recent_commands& known, std::size_t limit = 10) {
  recent_commands read{limit};
  read.note(from_bytes<std::vector<recent_commands::entry>>(to_bytes(known.entries())).value());
  return read;
}

}  // namespace

TEST_CASE("A command that was noted is found with its outcome, another one is not") {
  recent_commands known{10};
  CHECK(known.find("pay") == nullptr);
  known.note("pay", stored_at(5, 2));
  const auto* found = known.find("pay");
  REQUIRE(found != nullptr);
  CHECK(found->stored.position == 105);
  CHECK(found->stored.sequence_number == 5);
  CHECK(found->stored.event_count == 2);
  CHECK(found->refused == nullptr);
  CHECK(known.find("pay ") == nullptr);
  CHECK(known.find("") == nullptr);
}

TEST_CASE("The oldest command is forgotten when there are more than the limit") {
  recent_commands known{2};
  known.note("a", stored_at(1));
  known.note("b", stored_at(2));
  CHECK(known.find("a") != nullptr);
  known.note("c", stored_at(3));
  CHECK(known.find("a") == nullptr);
  CHECK(known.find("b") != nullptr);
  CHECK(known.find("c") != nullptr);
}

TEST_CASE("The outcome of a command that is known takes the place of the one before, and no room of its own") {
  recent_commands known{2};
  known.note("a", {});
  known.note("b", {});
  known.note("a", stored_at(1));
  known.note("b", stored_at(2));
  REQUIRE(known.find("a") != nullptr);
  CHECK(known.find("a")->stored.sequence_number == 1);
  known.note("c", stored_at(3));
  CHECK(known.find("a") == nullptr);  // it is still the oldest
  CHECK(known.find("b") != nullptr);
}

TEST_CASE("Many commands are found like few, while the oldest are forgotten") {
  recent_commands known{100};
  for (std::uint64_t number = 1; number <= 250; ++number) {
    known.note(std::to_string(number), {});
    known.note(std::to_string(number), stored_at(number));
    const std::uint64_t oldest = number > 100 ? number - 99 : 1;
    for (std::uint64_t each = 1; each <= number; ++each) {
      const auto* found = known.find(std::to_string(each));
      REQUIRE((found != nullptr) == (each >= oldest));
      if (found != nullptr) REQUIRE(found->stored.sequence_number == each);
    }
    REQUIRE(known.entries().size() == number - oldest + 1);
  }
  CHECK(known.entries().front().sequence_number == 151);
  CHECK(known.since() == 151);
}

TEST_CASE("Nothing is known after a clear, and the limit stays") {
  recent_commands known{1};
  known.note("a", stored_at(1));
  known.clear();
  CHECK(known.find("a") == nullptr);
  CHECK(known.entries().empty());
  known.note("b", stored_at(2));
  known.note("c", stored_at(3));
  CHECK(known.find("b") == nullptr);
  CHECK(known.find("c") != nullptr);
}

TEST_CASE("Entries are the known outcomes, the oldest first, without commands that have none yet") {
  recent_commands known{3};
  for (const std::uint64_t number : {1, 2, 3, 4}) known.note(std::to_string(number), stored_at(number));
  known.note("5", {});
  const auto entries = known.entries();
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].sequence_number == 3);
  CHECK(entries[1].sequence_number == 4);
}

TEST_CASE("What is stored of commands and read back answers like before") {
  recent_commands known{10};
  known.note("pay", stored_at(5, 2));
  known.note("ship", stored_at(7));
  known.note("open", {});
  const auto read = stored_and_read(known);
  REQUIRE(read.find("pay") != nullptr);
  CHECK(read.find("pay")->stored.position == 105);
  CHECK(read.find("pay")->stored.sequence_number == 5);
  CHECK(read.find("pay")->stored.event_count == 2);
  CHECK(read.find("pay")->refused == nullptr);
  CHECK(read.find("ship") != nullptr);
  CHECK(read.find("open") == nullptr);
}

TEST_CASE("Who remembers fewer commands than were stored keeps the latest ones") {
  recent_commands known{10};
  for (const std::uint64_t number : {1, 2, 3, 4}) known.note(std::to_string(number), stored_at(number));
  const auto read = stored_and_read(known, 2);
  CHECK(read.find("2") == nullptr);
  CHECK(read.find("3") != nullptr);
  CHECK(read.find("4") != nullptr);
}

TEST_CASE("A recorded rejection that is stored and read back keeps its reason, its code and its refusal") {
  const auto no = reject(overdrawn{350, "savings"}, "the account holds too little");
  recent_commands known{10};
  known.note("pay", refused_at(3, no));
  const auto read = stored_and_read(known);
  const auto* found = read.find("pay");
  REQUIRE(found != nullptr);
  CHECK(found->stored.sequence_number == 3);
  REQUIRE(found->refused != nullptr);
  CHECK(*found->refused == no);
  const auto refusal = found->refused->as<overdrawn>();
  REQUIRE(refusal);
  CHECK(refusal->cents == 350);
  CHECK(refusal->account == "savings");
}

TEST_CASE("A rejection with nothing but a reason keeps it, and an empty reason is one") {
  for (const auto* reason : {"the order is complete", ""}) {
    recent_commands known{10};
    known.note("pay", refused_at(3, reject(reason)));
    const auto read = stored_and_read(known);
    REQUIRE(read.find("pay")->refused != nullptr);
    CHECK(*read.find("pay")->refused == reject(reason));
  }
}

TEST_CASE("Entries from before rejections had a code are read as ones without") {
  std::string bytes;
  encoder out{bytes};
  const auto put = [&out](std::string_view name, std::uint64_t number) {
    out.put_string(name);
    encode(out, number);
  };
  out.put_map(6);
  put("low", 1);
  put("high", 2);
  put("position", 103);
  put("sequence_number", 3);
  put("events", 1);
  out.put_string("refused");
  out.put_string("too little");
  const auto read = from_bytes<recent_commands::entry>(bytes);
  REQUIRE(read);
  recent_commands known{10};
  known.note(std::vector{*read});
  REQUIRE(known.entries().size() == 1);
  CHECK(known.entries()[0].refused == "too little");
  CHECK(known.entries()[0].code.empty());
}

TEST_CASE("The first event of the oldest command that is known tells since when commands are known") {
  recent_commands known{2};
  CHECK(known.since() == 0);
  known.note("a", {});
  CHECK(known.since() == 0);
  known.note("a", stored_at(5, 3));
  CHECK(known.since() == 3);
  known.note("b", stored_at(6));
  CHECK(known.since() == 3);
  known.note("c", stored_at(8, 2));
  CHECK(known.since() == 6);
  known.clear();
  CHECK(known.since() == 0);
}
