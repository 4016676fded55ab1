// The contract of every store of snapshots.

#include "store_support.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

#define OVER_EVERY_STORE()                                    \
  const auto kind = GENERATE(backend::memory, backend::lmdb); \
  INFO("store: " << describe(kind));                          \
  const fresh_store fresh{kind};                              \
  auto& store = *fresh.opened.snapshots

using images = std::vector<std::pair<std::uint64_t, std::string>>;

images load(const snapshot_store& store, std::string_view persistence_id) {
  images seen;
  store
      .load(persistence_id,
            [&](std::uint64_t sequence_number, const result<std::string_view>& image) {
              seen.emplace_back(sequence_number, image.value());
              return visit::next;
            })
      .value();
  return seen;
}

}  // namespace

TEST_CASE("A stream without snapshots has none") {
  OVER_EVERY_STORE();
  CHECK(load(store, "order|1").empty());
  CHECK(load(store, "no persistence id").empty());
}

TEST_CASE("A stream's snapshots come back latest first, and those of other streams do not") {
  OVER_EVERY_STORE();
  const std::string large(100'000, 'x');
  store.save({{"order|1", 10, "ten", 9}, {"order|10", 7, "other", 9}, {"order|1", 300, large, 9}}).value();
  store.save({{"order|1", 20, std::string("\0 twenty", 8), 9}}).value();
  CHECK(load(store, "order|1") == images{{300, large}, {20, std::string("\0 twenty", 8)}, {10, "ten"}});
  CHECK(load(store, "order|10") == images{{7, "other"}});
  CHECK(load(store, "order|100").empty());
}

TEST_CASE("As many of the latest snapshots stay as are to be kept") {
  OVER_EVERY_STORE();
  for (std::uint64_t number = 1; number <= 5; ++number) {
    store.save({{"order|1", number, std::to_string(number), 2}, {"order|2", number, "", 5}}).value();
  }
  CHECK(load(store, "order|1") == images{{5, "5"}, {4, "4"}});
  CHECK(load(store, "order|2").size() == 5);
  store.save({{"order|2", 6, "six", 1}}).value();
  CHECK(load(store, "order|2") == images{{6, "six"}});
}

TEST_CASE("A snapshot after the same event replaces the one before") {
  OVER_EVERY_STORE();
  store.save({{"order|1", 5, "first", 2}}).value();
  store.save({{"order|1", 5, "second, of another length", 2}}).value();
  CHECK(load(store, "order|1") == images{{5, "second, of another length"}});
}

TEST_CASE("A visitor of snapshots may stop at the latest") {
  OVER_EVERY_STORE();
  store.save({{"order|1", 5, "a", 2}, {"order|1", 6, "b", 2}}).value();
  int visits = 0;
  store
      .load("order|1",
            [&](std::uint64_t, const result<std::string_view>&) {
              ++visits;
              return visit::stop;
            })
      .value();
  CHECK(visits == 1);
}

TEST_CASE("Snapshots that were dropped are gone, and no others") {
  OVER_EVERY_STORE();
  store.save({{"order|1", 5, "a", 2}, {"order|1", 6, "b", 2}, {"order|11", 1, "c", 1}}).value();
  store.erase("order|1").value();
  store.erase("order|3").value();
  CHECK(load(store, "order|1").empty());
  CHECK(load(store, "order|11").size() == 1);
}

TEST_CASE("Of snapshots among which one cannot be stored none is stored") {
  OVER_EVERY_STORE();
  for (const auto& unusable : {snapshot{"order", 1, "a", 1}, snapshot{"order|2", 1, "a", 0}}) {
    const auto refused = store.save({{"order|1", 1, "a", 1}, unusable});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == errc::invalid_argument);
    CHECK(load(store, "order|1").empty());
  }
}
