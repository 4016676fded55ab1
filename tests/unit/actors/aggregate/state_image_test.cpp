#include "aggregate/state_image.hpp"

#include <string>

#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::detail;

namespace {

image_header some_header() {
  image_header header;
  header.schema_version = 3;
  header.sequence_number = 70'000;
  header.position = 5'000'000'000;
  header.time = timestamp{std::chrono::microseconds{1'234'567'890'123'456}};
  header.commands_since = 69'990;
  header.commands.push_back({.low = 1, .high = 2, .position = 3, .sequence_number = 4, .events = 5});
  header.commands.push_back({.low = 6, .refused = "too little", .code = "account.overdrawn"});
  return header;
}

const std::string state = to_bytes(std::string{"the aggregate's state"});

errc failure_of(std::string_view image) {
  const auto parsed = parse_image(image);
  REQUIRE_FALSE(parsed);
  return parsed.error().code();
}

}  // namespace

TEST_CASE("An image holds what was put into it") {
  const auto image = make_image(some_header(), state);
  const auto parsed = parse_image(image);
  REQUIRE(parsed);
  const auto& at = parsed->at;
  CHECK(at.schema_version == 3);
  CHECK(at.sequence_number == 70'000);
  CHECK(at.position == 5'000'000'000);
  CHECK(at.time == some_header().time);
  CHECK(at.commands_since == 69'990);
  REQUIRE(at.commands.size() == 2);
  CHECK(at.commands[0].low == 1);
  CHECK(at.commands[0].high == 2);
  CHECK(at.commands[0].position == 3);
  CHECK(at.commands[0].sequence_number == 4);
  CHECK(at.commands[0].events == 5);
  CHECK_FALSE(at.commands[0].refused);
  CHECK(at.commands[1].refused == "too little");
  CHECK(at.commands[1].code == "account.overdrawn");
  CHECK(parsed->state == state);
  CHECK(parsed->state.data() + parsed->state.size() == image.data() + image.size());
}

TEST_CASE("An image is one MessagePack value: an array of the header and the state") {
  const auto image = make_image(some_header(), state);
  decoder in{image};
  std::size_t parts = 0;
  REQUIRE(in.get_array(parts));
  CHECK(parts == 2);
  in.skip();
  CHECK(in.ok());
  in.skip();
  CHECK(in.ok());
  CHECK(in.tell() == image.data() + image.size());
}

TEST_CASE("An image that ends before its state is undecodable, wherever it ends") {
  const auto image = make_image(some_header(), state);
  const auto header_ends_at = image.size() - state.size();
  for (std::size_t size = 0; size < header_ends_at; ++size) {
    INFO(size << " of " << image.size() << " bytes");
    REQUIRE(failure_of(std::string_view{image}.substr(0, size)) == errc::undecodable);
  }
}

TEST_CASE("An image whose header is damaged is undecodable") {
  const auto image = make_image(some_header(), state);
  auto three_parts = image;
  three_parts[0] = '\x93';
  CHECK(failure_of(three_parts) == errc::undecodable);
  auto one_part = image;
  one_part[0] = '\x91';
  CHECK(failure_of(one_part) == errc::undecodable);
  auto other_field = image;
  other_field.replace(image.find("sequence_number"), 1, "S");
  CHECK(failure_of(other_field) == errc::undecodable);
  auto other_type = image;
  other_type[image.find("schema_version") + std::string_view{"schema_version"}.size()] = '\xc0';
  CHECK(failure_of(other_type) == errc::undecodable);
}

TEST_CASE("Bytes that are no image are undecodable") {
  CHECK(failure_of("") == errc::undecodable);
  CHECK(failure_of("order|1") == errc::undecodable);
  CHECK(failure_of(state) == errc::undecodable);
  CHECK(failure_of(to_bytes(some_header())) == errc::undecodable);
  CHECK(failure_of(to_bytes(std::vector<int>{1, 2})) == errc::undecodable);
  CHECK(failure_of(std::string(100, '\xff')) == errc::undecodable);
}
