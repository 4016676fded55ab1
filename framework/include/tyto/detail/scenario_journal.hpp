// What a test's events would be in a journal: numbered, timed, and in a stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tyto/command.hpp"
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

  /// Returns the event as it is read back, with what `meta` leaves open filled in.
  template <event E>
  recorded_event record(const E& event, metadata meta) {
    auto kept = std::make_shared<const E>(keep(event));
    meta.type = stored_name<E>;
    meta.schema_version = schema_version_of<E>();
    fill_in(meta);
    return {std::move(meta), {}, std::move(kept), &type_of<E>()};
  }

  /// Returns the event as it is read back, and notes it if that is another one.
  template <event E>
  E keep(const E& event) {
    auto kept = detail::keep(event);
    note(kept.lost);
    return std::move(kept.event);
  }

  /// Note what a runtime refuses: a stream's name, and commands.
  void check_stream(std::string_view persistence_id);
  void check(const commands& sent);

  /// Takes down a problem; none if it is empty.
  void note(std::string_view problem);

  [[nodiscard]] timestamp now() const { return now_; }
  void set_time(timestamp now) { now_ = now; }

  /// Returns the verdict over what `difference` says, which is empty if all came as expected.
  [[nodiscard]] testing::verdict judge(std::string_view difference) const;

 private:
  void fill_in(metadata& meta);

  std::string category_;
  timestamp now_ = testing::noon;
  std::uint64_t head_ = 0;
  std::map<std::string, std::uint64_t> versions_;
  std::vector<std::string> problems_;  // the first ones of those that make every verdict a bad one
  std::size_t more_problems_ = 0;
};

}  // namespace tyto::detail
