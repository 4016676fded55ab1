#include "tyto/command.hpp"

#include "orders.hpp"
#include "support/catch.hpp"

using tyto::expected_version;

TEST_CASE("An expected version allows the versions that it stands for") {
  struct row {
    expected_version expected;
    bool allows_none, allows_1, allows_7;
  };
  const row table[] = {
      {expected_version::any(), true, true, true},
      {expected_version::no_stream(), true, false, false},
      {expected_version::stream_exists(), false, true, true},
      {expected_version::exactly(7), false, false, true},
      {expected_version::exactly(0), true, false, false},
  };
  for (const auto& [expected, allows_none, allows_1, allows_7] : table) {
    INFO(expected.describe());
    CHECK(expected.allows(0) == allows_none);
    CHECK(expected.allows(1) == allows_1);
    CHECK(expected.allows(7) == allows_7);
  }
}

TEST_CASE("An expected version describes itself in words") {
  CHECK(expected_version::any().describe() == "any version");
  CHECK(expected_version::no_stream().describe() == "no stream");
  CHECK(expected_version::exactly(0).describe() == "no stream");
  CHECK(expected_version::stream_exists().describe() == "an existing stream");
  CHECK(expected_version::exactly(7).describe() == "version 7");
}

TEST_CASE("A command's failure is said in one printable line") {
  CHECK(tyto::command_failure{tyto::reject("\x1b[2Jno\n")}.message() == "rejected: \\x1b[2Jno\\n");
  CHECK(tyto::command_failure{tyto::error{tyto::errc::io, "asking \x07"}}.message() == "asking \\x07: io");
}

TEST_CASE("Sending addresses a command to an aggregate and keeps a copy of it") {
  const auto outgoing = tyto::send<order>("1042", create{"alice"});
  CHECK(outgoing.target == &tyto::definition_of<order>());
  CHECK(outgoing.entity_id == "1042");
  const auto& command = *static_cast<const order::command*>(outgoing.command.get());
  CHECK(std::get<create>(command).customer == "alice");
}

TEST_CASE("The variant of commands can be sent, too") {
  const order::command either = cancel{};
  const auto outgoing = tyto::send<order>("1", either);
  CHECK(std::holds_alternative<cancel>(*static_cast<const order::command*>(outgoing.command.get())));
}

TEST_CASE("A command's failure is the domain's no or the infrastructure's failure") {
  const tyto::command_failure no{tyto::reject("too late")};
  REQUIRE(no.rejected());
  CHECK(no.failed() == nullptr);
  CHECK(no.message() == "rejected: too late");

  const tyto::command_failure failed{tyto::error{tyto::errc::full, "appending"}};
  REQUIRE(failed.failed());
  CHECK(failed.rejected() == nullptr);
  CHECK(failed.message() == "appending: full");
}
