#include "write_checks.hpp"

#include <string>

#include "support/catch.hpp"

using namespace tyto;

namespace {

stream_write write_of(std::size_t events, std::string persistence_id = "order|1") {
  stream_write write;
  write.persistence_id = std::move(persistence_id);
  write.events.resize(events);
  return write;
}
stream_write write_that(retention::action what, std::uint64_t first = 0, std::size_t events = 0) {
  auto write = write_of(events);
  write.retain = retention{what, first, "base"};
  return write;
}
stream_info stream_at(std::uint64_t version, stream_state state = stream_state::open) {
  stream_info info;
  info.version = version;
  info.state = state;
  return info;
}

// Returns the code of what `checked` failed with, which is to name `subject` if it failed.
std::optional<errc> failure(const result<void>& checked, const std::string& subject = "order|1") {
  if (checked) return std::nullopt;
  CHECK_THAT(checked.error().message(), Catch::Contains(subject));
  return checked.error().code();
}

using action = retention::action;
constexpr auto refused = errc::invalid_argument;

}  // namespace

TEST_CASE("A write has a stream's name, and at least one event or a change of what is kept") {
  CHECK(check_write(write_of(1)));
  CHECK(check_write(write_that(action::close)));
  CHECK(failure(check_write(write_of(0))) == refused);
  CHECK(failure(check_write(write_of(1, "order")), "order") == refused);
}

TEST_CASE("A write with a string or a number of tags that the stored form has no room for is refused") {
  const std::string fits(max_field_bytes, 'x');
  const auto with = [](auto change, const std::string& text) {
    auto write = write_of(2);
    change(write.events[1].meta, text);
    return check_write(write);
  };
  const auto check = [&](auto change) {
    CHECK(with(change, fits));
    CHECK(failure(with(change, fits + "x")) == refused);
  };
  check([](metadata& m, const std::string& text) { m.type = text; });
  check([](metadata& m, const std::string& text) { m.command_id = text; });
  check([](metadata& m, const std::string& text) { m.correlation_id = text; });
  check([](metadata& m, const std::string& text) { m.causation_id = text; });
  check([](metadata& m, const std::string& text) { m.tags = {"short", text}; });
  check([](metadata& m, const std::string& text) { m.tags.resize(text.size()); });
}

TEST_CASE("A checkpoint or a read model has a name of 1 to 500 bytes without NUL") {
  CHECK(check_name("x"));
  CHECK(check_name(std::string(500, 'x')));
  CHECK(failure(check_name(""), "''") == refused);
  CHECK(failure(check_name(std::string(501, 'x')), "501 bytes") == refused);
  CHECK(failure(check_name(std::string_view{"a\0b", 3}), "NUL") == refused);
}

TEST_CASE("What is stored under one key has at most so many bytes as one write to a file takes") {
  CHECK(check_size(0x7fff'0000 - 16, "the event", [] { return std::string{"appending to order|1"}; }));
  CHECK(failure(check_size(0x7fff'0000 - 15, "the event", [] { return std::string{"appending to order|1"}; })) ==
        refused);
  CHECK(failure(check_size(std::uint64_t{1} << 31, "the row", [] { return std::string{"changing a row of m"}; }),
                "2147483648 bytes") == refused);
}

TEST_CASE("A row's key has 1 to 500 bytes, also if the row is erased") {
  CHECK(check_commit("totals", {}));
  CHECK(check_commit("totals", {{std::string(max_row_key_bytes, 'k'), "value"}, {"gone", std::nullopt}}));
  CHECK(failure(check_commit("totals", {{"", "value"}}), "totals") == refused);
  CHECK(failure(check_commit("totals", {{"", std::nullopt}}), "totals") == refused);
  CHECK(failure(check_commit("totals", {{"a", "value"}, {std::string(501, 'k'), "value"}}), "501 bytes") == refused);
  CHECK(failure(check_commit("", {}), "''") == refused);
}

TEST_CASE("A snapshot is of a stream, and keeps itself") {
  snapshot saved;
  saved.persistence_id = "order|1";
  saved.keep = 1;
  CHECK(check_snapshot(saved));
  saved.keep = 0;
  CHECK(failure(check_snapshot(saved)) == refused);
  saved.keep = 1;
  saved.persistence_id = "order";
  CHECK(failure(check_snapshot(saved), "order") == refused);
}

TEST_CASE("A stream that is not at the expected version takes no write, and the error says at which it is") {
  auto write = write_of(1);
  write.expected = expected_version::exactly(3);
  CHECK(check_stream(write, stream_at(3)));
  const auto conflict = check_stream(write, stream_at(4));
  CHECK(failure(conflict) == errc::conflict);
  REQUIRE(conflict.error().conflict());
  CHECK(conflict.error().conflict()->actual == 4);
  CHECK_THAT(conflict.error().message(), Catch::Contains("expected version 3, but the stream is at version 4"));
}

TEST_CASE("A closed stream takes no events and is not closed again, but may be truncated and deleted") {
  const auto closed = stream_at(5, stream_state::closed);
  CHECK(failure(check_stream(write_of(1), closed)) == errc::closed);
  CHECK(failure(check_stream(write_that(action::close), closed)) == errc::closed);
  CHECK(failure(check_stream(write_that(action::truncate, 2, 1), closed)) == errc::closed);
  CHECK(check_stream(write_that(action::truncate, 2), closed));
  CHECK(check_stream(write_that(action::remove), closed));
}

TEST_CASE("A deleted stream takes nothing") {
  const auto deleted = stream_at(5, stream_state::deleted);
  CHECK(failure(check_stream(write_of(1), deleted)) == errc::closed);
  for (const auto what : {action::close, action::truncate, action::remove}) {
    CHECK(failure(check_stream(write_that(what, 1), deleted)) == errc::closed);
  }
}

TEST_CASE("A stream is truncated at most to its end, which the same write may move") {
  CHECK(check_stream(write_that(action::truncate, 6), stream_at(5)));
  CHECK(failure(check_stream(write_that(action::truncate, 7), stream_at(5))) == refused);
  CHECK(check_stream(write_that(action::truncate, 7, 1), stream_at(5)));
  CHECK(failure(check_stream(write_that(action::truncate, 8, 1), stream_at(5))) == refused);
}

TEST_CASE("A refusal concerns one write, any other failure all of them") {
  for (const auto code : {errc::conflict, errc::closed, errc::invalid_argument}) CHECK(is_refusal({code, "appending"}));
  for (const auto code : {errc::full, errc::io, errc::damaged}) CHECK_FALSE(is_refusal({code, "appending"}));
}

TEST_CASE("What is known of a stream changes with what is kept of it") {
  auto known = stream_at(9);
  retain(known, {action::truncate, 4, "first base"});
  CHECK(known.first == 4);
  CHECK(known.base == "first base");
  CHECK(known.state == stream_state::open);
  retain(known, {action::truncate, 2, "second base"});
  CHECK(known.first == 4);  // what is gone does not come back
  CHECK(known.base == "second base");
  retain(known, {action::close, 0, {}});
  CHECK(known.state == stream_state::closed);
  CHECK(known.first == 4);
  retain(known, {action::remove, 0, {}});
  CHECK(known.state == stream_state::deleted);
  CHECK(known.first == 10);
  CHECK(known.version == 9);
  CHECK(known.base.empty());
}

TEST_CASE("Events are numbered after those of their stream and of the journal, and know their place in the decision") {
  auto write = write_of(3);
  number_events(write, 7, 100);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const auto& m = write.events[i].meta;
    CHECK(m.persistence_id == "order|1");
    CHECK(m.sequence_number == 8 + i);
    CHECK(m.position == 101 + i);
    CHECK(m.decision_index == i);
    CHECK(m.decision_count == 3);
  }
}
