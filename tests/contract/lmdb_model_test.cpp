// Ten thousand random operations against a model that cannot be wrong. Folds of eight events make runs and merges of
// all levels. A crash is a copy of the journal's file as it lies between two appends, which is opened in place of it:
// whatever had been written then of a run is there, and nobody has closed it.
#include <map>
#include <random>
#include <vector>

#include "lmdb_support.hpp"
#include "raw_index.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

constexpr std::uint64_t fold_events = 8;
constexpr int operations = 10'000;

struct modelled_stream {
  positions places;         // of all events, also removed ones
  std::size_t removed = 0;  // from the front
};

class world {
 public:
  explicit world(unsigned seed) : random_(seed) {}

  void run() {
    open();
    for (int i = 0; i < operations; ++i) {
      INFO("operation " << i);
      const auto what = pick(99);
      if (what < 90) {
        append();
      } else if (what < 94) {
        truncate();
      } else if (what < 96) {
        reopen();
      } else if (what < 98) {
        crash();
      } else {
        check_some();
      }
      if (i % 1'000 == 999) check_all();
    }
    CHECK(levels_seen_ >= 3);
    compact(*store_).value();
    check_all();
    store_.reset();
    CHECK(verify(place()).value().is_sound());
  }

 private:
  std::size_t pick(std::size_t most) { return std::uniform_int_distribution<std::size_t>{0, most}(random_); }
  // Few streams get most of the events.
  std::string pick_stream() { return "s|" + std::to_string(pick(pick(200))); }

  [[nodiscard]] std::filesystem::path place() const { return directory_.path() / std::to_string(crashes_); }

  void open() {
    store_ = open_lmdb({.path = place(), .mode = durability::relaxed, .fold_events = fold_events}).value();
  }

  void append() {
    std::vector<std::shared_ptr<stream_write>> writes;
    for (auto n = pick(3) == 0 ? pick(6) : 0;; --n) {
      const auto id = pick_stream();
      const auto events = pick(2) + 1;
      auto& stream = streams_[id];
      writes.push_back(write_of(id, events, expected_version::exactly(stream.places.size())));
      for (std::size_t i = 0; i < events; ++i) stream.places.push_back(++head_);
      if (n == 0) break;
    }
    append_all(*store_->journal, writes);
  }

  void truncate() {
    const auto id = pick_stream();
    auto& stream = streams_[id];
    if (stream.places.size() < 2) return;
    const auto removed = pick(stream.places.size() - 1);
    if (removed <= stream.removed) return;
    stream.removed = removed;
    // The change takes a position of its own.
    change(*store_->journal, id, retention::action::truncate, removed + 1, "base").value();
    const auto now = store_->journal->head().value();
    if (now > head_) stream.places.push_back(head_ = now);
  }

  void reopen() {
    store_.reset();
    for (const auto& run : raw_runs(place() / "journal")) levels_seen_ = std::max(levels_seen_, run.level);
    open();
  }

  void crash() {
    const auto from = place();
    ++crashes_;
    std::filesystem::create_directories(place() / "journal");
    std::filesystem::copy_file(from / "journal" / "data.mdb", place() / "journal" / "data.mdb");
    store_.reset();
    std::filesystem::remove_all(from);
    CHECK(verify(place()).value().is_sound());
    open();
  }

  void check(const std::string& id, const modelled_stream& stream) const {
    INFO(id);
    REQUIRE(store_->journal->info(id).value().version == stream.places.size());
    const positions kept(stream.places.begin() + static_cast<std::ptrdiff_t>(stream.removed), stream.places.end());
    REQUIRE(positions_of(read_stream(*store_->journal, id)) == kept);
  }
  void check_some() {
    const auto id = pick_stream();
    check(id, streams_[id]);
  }
  void check_all() const {
    REQUIRE(store_->journal->head().value() == head_);
    for (const auto& [id, stream] : streams_) check(id, stream);
    const auto reader = open_lmdb({.path = place(), .read_only = true}).value().journal;
    for (const auto& [id, stream] : streams_) REQUIRE(reader->info(id).value().version == stream.places.size());
  }

  std::mt19937 random_;
  temporary_directory directory_;
  int crashes_ = 0;
  int levels_seen_ = 0;
  std::optional<storage> store_;
  std::map<std::string, modelled_stream> streams_;
  std::uint64_t head_ = 0;
};

}  // namespace

TEST_CASE("Whatever is appended, merged, truncated, reopened and killed, each stream has its events") {
  const unsigned seed = GENERATE(1u, 2u);
  world{seed}.run();
}
