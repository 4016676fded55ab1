#include "tyto/metadata.hpp"
#include "support/catch.hpp"

namespace {
tyto::metadata of(std::string persistence_id) {
  tyto::metadata meta;
  meta.persistence_id = std::move(persistence_id);
  return meta;
}
}  // namespace

TEST_CASE("A persistence id is made of category and entity") {
  CHECK(tyto::make_persistence_id("order", "1042") == "order|1042");
}

TEST_CASE("Metadata tells category and entity apart at the first bar") {
  CHECK(of("order|1042").category() == "order");
  CHECK(of("order|1042").entity_id() == "1042");
  CHECK(of("order|a|b").category() == "order");
  CHECK(of("order|a|b").entity_id() == "a|b");
}

TEST_CASE("A usable persistence id is accepted up to the limit") {
  CHECK(tyto::check_persistence_id("order|1042"));
  CHECK(tyto::check_persistence_id("o|1"));
  CHECK(tyto::check_persistence_id("order|with spaces, a | and \xc3\xa4"));
  CHECK(tyto::check_persistence_id("o|" + std::string(tyto::max_persistence_id_bytes - 2, 'x')));
}

TEST_CASE("A persistence id that cannot name a stream is refused with the reason") {
  for (const std::string id : {"", "|", "order", "order|", "|1042"}) {
    const auto checked = tyto::check_persistence_id(id);
    INFO(id);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code() == tyto::errc::invalid_argument);
    CHECK(checked.error().message() ==
          "naming the stream '" + id + "': a persistence id is 'category|entity' with neither part empty");
  }
  const auto long_one = tyto::check_persistence_id("o|" + std::string(tyto::max_persistence_id_bytes - 1, 'x'));
  REQUIRE_FALSE(long_one);
  CHECK(long_one.error().detail() == "it has 401 bytes, the limit is 400");
  const auto with_nul = tyto::check_persistence_id(std::string_view{"o|a\0b", 5});
  REQUIRE_FALSE(with_nul);
  CHECK(with_nul.error().detail() == "it holds a NUL byte");
}

TEST_CASE("An idempotency key tells consumers, events and the parts of an event apart") {
  auto meta = of("order|1042");
  meta.position = 7;
  CHECK(meta.idempotency_key("billing") == "billing/7");
  CHECK(meta.idempotency_key("mail") == "mail/7");
  meta.part = 2;
  meta.parts = 3;
  CHECK(meta.idempotency_key("billing") == "billing/7.2");
}
