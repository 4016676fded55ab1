#include "tyto/event_store.hpp"

#include <future>

#include "support/catch.hpp"

namespace {

// A journal that answers from another thread, and with what the test wants.
class answering_store final : public tyto::event_store {
 public:
  explicit answering_store(tyto::result<tyto::append_outcomes> answer) : answer_(std::move(answer)) {}

  void append(tyto::append_batch, append_done done) override {
    answering_ = std::async(std::launch::async, [this, done = std::move(done)] { done(answer_); });
  }
  tyto::result<tyto::stream_info> read_stream(std::string_view, std::uint64_t,
                                              const tyto::event_visitor&) const override {
    return tyto::stream_info{};
  }
  tyto::result<std::uint64_t> read_all(const tyto::journal_range&, const tyto::event_visitor&) const override {
    return 0;
  }
  [[nodiscard]] tyto::result<tyto::stream_info> info(std::string_view) const override { return tyto::stream_info{}; }
  [[nodiscard]] tyto::result<std::uint64_t> head() const override { return 0; }
  [[nodiscard]] tyto::result<std::vector<tyto::checkpoint>> checkpoints() const override {
    return std::vector<tyto::checkpoint>{};
  }
  [[nodiscard]] tyto::result<std::uint64_t> load_checkpoint(std::string_view) const override { return 0; }
  [[nodiscard]] tyto::result<std::uint64_t> size_bytes() const override { return 0; }

 private:
  tyto::result<tyto::append_outcomes> answer_;
  std::future<void> answering_;
};

}  // namespace

TEST_CASE("An append that is waited for returns the store's outcomes") {
  answering_store store{tyto::append_outcomes{{}, tyto::error{tyto::errc::conflict, "appending"}}};
  const auto outcomes = append_and_wait(store, {}).value();
  REQUIRE(outcomes.size() == 2);
  CHECK(outcomes[0]);
  CHECK(outcomes[1].error().code() == tyto::errc::conflict);
}

TEST_CASE("An append that is waited for returns the store's failure") {
  answering_store store{tyto::error{tyto::errc::full, "appending"}};
  CHECK(append_and_wait(store, {}).error().code() == tyto::errc::full);
}
