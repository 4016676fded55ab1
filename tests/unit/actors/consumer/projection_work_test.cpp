#include "consumer/projection_work.hpp"

#include <atomic>
#include <random>

#include "support/catch.hpp"
#include "support/counter.hpp"
#include "tyto/memory_store.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

// Each stream's positions in the order in which they were handled: rows of one key each.
struct histories {
  static constexpr std::string_view name = "histories";
  static constexpr std::size_t partitions = 3;
  using table = tyto::table<std::string, std::string>;
  static inline std::atomic<int> calls = 0;
  static void project(table& rows, const counted& e, const metadata& m) {
    ++calls;
    if (e.by == 0) throw std::runtime_error("poison");
    rows.update(std::string{m.entity_id()}, [&](std::string& all) { all += std::to_string(m.position) + " "; });
  }
};

// One row for all, so that whoever shares the work is in each other's way.
struct one_history : histories {
  static void project(table& rows, const counted&, const metadata& m) {
    rows.update("all", [&](std::string& all) { all += std::to_string(m.position) + " "; });
  }
};

// Rows of one key each, which depend on how many others there are.
struct numbered : histories {
  static void project(table& rows, const counted&, const metadata& m) {
    rows.put(std::string{m.entity_id()}, std::to_string(rows.count()));
  }
};

// Rows of one key each, which depend on what there is before and behind them.
struct neighbours : histories {
  static void project(table& rows, const counted&, const metadata& m) {
    int found = 0;
    rows.for_each([&](const std::string&, const std::string&) { ++found; });
    rows.all().reversed().for_each([&](const std::string&, const std::string&) { ++found; });
    rows.put(std::string{m.entity_id()}, std::to_string(found));
  }
};

// Rows of one key each, which depend on a row of another one.
struct copies : histories {
  static void project(table& rows, const counted&, const metadata& m) {
    const auto others = std::to_string((std::stoi(std::string{m.entity_id()}) + 1) % 7);
    rows.put(std::string{m.entity_id()}, rows.get(others).value_or("") + std::to_string(m.position % 10));
  }
};

// Rows of one key each, which cannot be made before that of another one.
struct second_to_another : histories {
  static void project(table& rows, const counted&, const metadata& m) {
    if (m.position > 1 && !rows.get("first")) throw std::runtime_error("nothing has come before");
    rows.put(m.position == 1 ? "first" : std::string{m.entity_id()}, "here");
  }
};

std::vector<recorded_event> events_of_streams(int streams, int events, std::uint64_t poison = 0) {
  std::vector<recorded_event> all;
  std::minstd_rand pick{1};
  for (int i = 1; i <= events; ++i) {
    auto& event = all.emplace_back();
    event.meta.position = static_cast<std::uint64_t>(i);
    event.meta.persistence_id = "counter|" + std::to_string(pick() % static_cast<unsigned>(streams));
    event.meta.type = stored_name<counted>;
    event.payload = to_bytes(counted{event.meta.position == poison ? 0 : 1});
  }
  return all;
}

template <class P>
row_changes changes_by(std::size_t partitions, const std::vector<recorded_event>& events, std::size_t run_every) {
  auto definition = define_projection<P>();
  CHECK(definition.partitions == 3);
  definition.partitions = partitions;
  const auto store = open_memory().read_models;
  projection_work work{definition, *store};
  for (std::size_t i = 0; i < events.size(); ++i) {
    work.take(events[i]).value();
    if ((i + 1) % run_every == 0) REQUIRE_FALSE(work.run());
  }
  REQUIRE_FALSE(work.finish());
  CHECK(work.has_changes());
  return work.take_changes();
}

template <class P>
void check_that_sharing_changes_nothing() {
  for (const int streams : {1, 2, 7}) {
    for (const int events : {1, 10, 1'000}) {
      const auto all = events_of_streams(streams, events);
      const auto expected = changes_by<P>(1, all, all.size());
      for (const std::size_t partitions : {2, 3, 5}) {
        for (const std::size_t run_every : {7, 128, 5'000}) {
          INFO(streams << " streams, " << events << " events, " << partitions << " partitions, " << run_every);
          CHECK(changes_by<P>(partitions, all, run_every) == expected);
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("Partitions make the rows that one thread would have made") {
  check_that_sharing_changes_nothing<histories>();
}

TEST_CASE("Partitions that change the same row make it as one thread would have") {
  check_that_sharing_changes_nothing<one_history>();
}

TEST_CASE("Partitions that count or scan rows see them as one thread would have") {
  check_that_sharing_changes_nothing<numbered>();
}

TEST_CASE("Partitions that are not in each other's way handle every event once") {
  const auto events = events_of_streams(7, 1'000);
  histories::calls = 0;
  (void)changes_by<histories>(3, events, 128);
  CHECK(histories::calls == 1'000);
}

TEST_CASE("Partitions that go through rows, either way, see them as one thread would have") {
  check_that_sharing_changes_nothing<neighbours>();
}

TEST_CASE("Partitions that read each other's rows see them as one thread would have") {
  check_that_sharing_changes_nothing<copies>();
}

TEST_CASE("An event fails in no partition because it has not seen what another one makes") {
  check_that_sharing_changes_nothing<second_to_another>();
}

TEST_CASE("The first event that fails is named, and nothing is left of the others") {
  const auto events = events_of_streams(7, 500, 333);
  const auto store = open_memory().read_models;
  const auto definition = define_projection<histories>();
  projection_work work{definition, *store};
  for (const auto& event : events) work.take(event).value();
  const auto failed = work.finish();
  REQUIRE(failed);
  CHECK(failed->event->meta.position == 333);
  CHECK(failed->why.code() == errc::handler_failed);
  work.forget();
  CHECK_FALSE(work.has_changes());
  CHECK_FALSE(work.finish());
  CHECK(work.take_changes().empty());
}
