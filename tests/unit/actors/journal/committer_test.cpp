#include "journal/committer.hpp"

#include "support/catch.hpp"
#include "support/manual_host.hpp"
#include "support/scripted_store.hpp"
#include "tyto/memory_store.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

// Stands for a shard of aggregates: keeps the answers to its writes, and of how many runs each message was.
struct asker final : actor_of<shard_message> {
  asker(std::vector<result<void>>& into, std::vector<std::size_t>& by_message) : answers(into), runs(by_message) {}
  void on(shard_message&& message) override {
    const auto& answer = std::get<writes_answered>(message);
    for (const auto& run : answer.runs) answers.insert(answers.end(), run.writes, run.outcome);
    runs.push_back(answer.runs.size());
  }
  std::vector<result<void>>& answers;
  std::vector<std::size_t>& runs;
};

// Stands for a shard's mailbox: looks at the bus when an answer is put into it.
struct looking_mailbox final : mailbox {
  explicit looking_mailbox(const event_bus& bus) : looked_at(bus) {}
  void post(mail_ptr) override { heads.push_back(looked_at.head()); }
  void close() override {}
  const event_bus& looked_at;
  std::vector<std::uint64_t> heads;
};

struct world {
  manual_clock time;
  manual_host host{time};
  scripted_store journal{open_memory().journal};
  event_bus bus{0, 1'000, 1'000};
  health_board health{time};
  address<committer_message> commits = spawn<committer>(
      host, placement::dedicated, journal, bus, host, health, [](std::string_view) {}, std::size_t{3});
  std::vector<result<void>> answers;
  std::vector<std::size_t> answer_runs;
  address<shard_message> from = spawn<asker>(host, placement::shared, answers, answer_runs);

  void write(std::string id, expected_version expected = expected_version::any()) {
    commits.post(store_writes{{write_of(std::move(id), expected)}, from});
  }

  static std::shared_ptr<stream_write> write_of(std::string id, expected_version expected = expected_version::any()) {
    auto write = std::make_shared<stream_write>();
    write->persistence_id = std::move(id);
    write->expected = expected;
    write->events.resize(1);
    write->events[0].meta.persistence_id = write->persistence_id;
    write->events[0].meta.type = "written";
    write->events[0].payload = "\x80";
    return write;
  }
};

}  // namespace

TEST_CASE("What has queued up is stored in one transaction, within the limit") {
  world w;
  for (int i = 0; i < 5; ++i) w.write("a|1");
  w.host.run();
  CHECK(w.journal.batch_sizes() == std::vector<std::size_t>{3, 2});
  CHECK(w.answers.size() == 5);
  CHECK(w.bus.head() == 5);
}

TEST_CASE("A lone write is stored at once") {
  world w;
  w.write("a|1");
  w.host.run();
  CHECK(w.journal.batch_sizes() == std::vector<std::size_t>{1});
  CHECK(w.bus.head() == 1);
}

TEST_CASE("Who is told that events are stored finds them on the bus") {
  world w;
  const auto looking = std::make_shared<looking_mailbox>(w.bus);
  w.from = address<shard_message>{looking};
  w.write("a|1");
  w.host.run();
  CHECK(looking->heads == std::vector<std::uint64_t>{1});
}

TEST_CASE("A conflict fails its own write and no other") {
  world w;
  w.write("a|1");
  w.write("a|1", expected_version::no_stream());
  w.write("b|1", expected_version::no_stream());
  w.host.run();
  REQUIRE(w.answers.size() == 3);
  CHECK(w.answers[0]);
  CHECK(w.answers[1].error().code() == errc::conflict);
  CHECK(w.answers[2]);
  CHECK(w.bus.head() == 2);
}

TEST_CASE("A shard is answered once for each transaction, in the order of its writes") {
  world w;
  std::vector<result<void>> others_answers;
  std::vector<std::size_t> others_runs;
  const auto other = spawn<asker>(w.host, placement::shared, others_answers, others_runs);
  w.write("a|1");
  w.commits.post(store_writes{{world::write_of("b|1")}, other});
  w.write("a|1", expected_version::no_stream());
  w.host.run();
  CHECK(w.answer_runs == std::vector<std::size_t>{2});
  REQUIRE(w.answers.size() == 2);
  CHECK(w.answers[0]);
  CHECK(w.answers[1].error().code() == errc::conflict);
  CHECK(others_runs == std::vector<std::size_t>{1});
  REQUIRE(others_answers.size() == 1);
  CHECK(others_answers[0]);
}

TEST_CASE("Writes that come together are stored together, and answered in one run") {
  world w;
  w.commits.post(store_writes{{world::write_of("a|1"), world::write_of("a|1"), world::write_of("b|1")}, w.from});
  w.host.run();
  CHECK(w.journal.batch_sizes() == std::vector<std::size_t>{3});
  CHECK(w.answer_runs == std::vector<std::size_t>{1});
  CHECK(w.answers.size() == 3);
  CHECK(w.bus.head() == 3);
}

TEST_CASE("A failed transaction fails every write in it and publishes nothing") {
  world w;
  w.journal.fail_next_append(error{errc::full, "storing events"});
  w.write("a|1");
  w.write("b|1");
  w.host.run();
  REQUIRE(w.answers.size() == 2);
  CHECK(w.answers[0].error().code() == errc::full);
  CHECK(w.answers[1].error().code() == errc::full);
  CHECK(w.bus.head() == 0);
  w.write("a|1");
  w.host.run();
  CHECK(w.bus.head() == 1);
}

TEST_CASE("A checkpoint is stored with the next events, or alone after a while") {
  world w;
  w.commits.post(checkpoint{"billing", 7});
  w.host.run();
  CHECK(w.journal.batch_sizes().empty());
  SECTION("with events") { w.write("a|1"); }
  SECTION("alone") { w.host.advance(std::chrono::milliseconds{50}); }
  w.host.run();
  CHECK(w.journal.batch_sizes().size() == 1);
  CHECK(w.journal.load_checkpoint("billing").value() == 7);
}

TEST_CASE("A checkpoint outlives a failed transaction") {
  world w;
  w.commits.post(checkpoint{"billing", 7});
  w.journal.fail_next_append(error{errc::io, "storing events"});
  w.write("a|1");
  w.host.run();
  CHECK(w.journal.load_checkpoint("billing").value() == 0);
  w.write("a|1");
  w.host.run();
  CHECK(w.journal.load_checkpoint("billing").value() == 7);
}

TEST_CASE("Stopping stores what has been taken") {
  world w;
  bool stopped = false;
  w.write("a|1");
  w.commits.post(checkpoint{"billing", 7});
  w.commits.post(stop_actor{[&] { stopped = true; }});
  w.host.run();
  CHECK(stopped);
  CHECK(w.journal.head().value() == 1);
  CHECK(w.journal.load_checkpoint("billing").value() == 7);
}
