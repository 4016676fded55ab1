#include "journal/committer.hpp"

#include "support/catch.hpp"
#include "support/manual_host.hpp"
#include "support/scripted_store.hpp"
#include "tyto/memory_store.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

// Stands for an aggregate: keeps the answers to its writes, and how many came in one message.
struct asker final : actor_of<aggregate_message> {
  asker(std::vector<result<void>>& into, std::vector<std::size_t>& by_message) : answers(into), sizes(by_message) {}
  void on(aggregate_message message) override {
    const auto& answer = std::get<write_answered>(message);
    answers.insert(answers.end(), answer.writes, answer.outcome);
    sizes.push_back(answer.writes);
  }
  std::vector<result<void>>& answers;
  std::vector<std::size_t>& sizes;
};

// Stands for an aggregate's mailbox: looks at the bus when an answer is put into it.
struct looking_mailbox final : mailbox {
  explicit looking_mailbox(const event_bus& bus) : looked_at(bus) {}
  void post(std::shared_ptr<mail>) override { heads.push_back(looked_at.head()); }
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
  std::vector<std::size_t> answer_sizes;
  address<aggregate_message> from = spawn<asker>(host, placement::shared, answers, answer_sizes);

  void write(std::string id, expected_version expected = expected_version::any()) {
    auto write = std::make_shared<stream_write>();
    write->persistence_id = std::move(id);
    write->expected = expected;
    write->events.resize(1);
    write->events[0].meta.persistence_id = write->persistence_id;
    write->events[0].meta.type = "written";
    write->events[0].payload = "\x80";
    commits.post(store_write{std::move(write), from});
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
  w.from = address<aggregate_message>{looking};
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

TEST_CASE("What one aggregate has stored in a row is answered in one message, failures one by one") {
  world w;
  w.write("a|1");
  w.write("a|1");
  w.write("a|1", expected_version::no_stream());
  w.host.run();
  CHECK(w.answer_sizes == std::vector<std::size_t>{2, 1});
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
