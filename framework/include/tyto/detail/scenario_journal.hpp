// What a test's events would be in a journal: numbered, timed, and in a stream.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "tyto/detail/comparison.hpp"
#include "tyto/detail/storage_trial.hpp"
#include "tyto/event.hpp"
#include "tyto/metadata.hpp"
#include "tyto/testing/test_clock.hpp"
#include "tyto/testing/verdict.hpp"

namespace tyto::detail {

/// Numbers the events of one scenario; its copies go on from there on their own.
class scenario_journal {
 public:
  /// `category` is that of streams of which the test says nothing.
  explicit scenario_journal(std::string category) : category_(std::move(category)) {}

  /// Returns the event with what `meta` leaves open filled in.
  template <event E>
  recorded_event record(const E& event, metadata meta) {
    check(event);
    meta.type = stored_name<E>;
    meta.schema_version = schema_version_of<E>();
    fill_in(meta);
    return {std::move(meta), {}, std::make_shared<const E>(event), &type_of<E>()};
  }

  /// Notes it if the event would not be read back as it is.
  template <event E>
  void check(const E& event) {
    problems_ = joined(problems_, lost_in_storage(event));
  }
  void note(std::string_view problem) { problems_ = joined(problems_, problem); }

  [[nodiscard]] timestamp now() const { return now_; }
  void set_time(timestamp now) { now_ = now; }

  /// Returns the verdict over what `difference` says, which is empty if all came as expected.
  [[nodiscard]] testing::verdict judge(std::string_view difference) const {
    return testing::verdict{joined(problems_, difference)};
  }

 private:
  void fill_in(metadata& meta);

  std::string category_;
  timestamp now_ = testing::noon;
  std::uint64_t head_ = 0;
  std::map<std::string, std::uint64_t> versions_;
  std::string problems_;  // that make every verdict a bad one
};

}  // namespace tyto::detail
