// What a projection makes of a group of events: changed rows, not yet committed. Events come in one after the other,
// several threads may share them, and the changes go out together.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tyto/consumer.hpp"
#include "tyto/read_model_store.hpp"

namespace tyto::detail {

/// Which event could not be handled, and why.
struct failed_event {
  const recorded_event* event = nullptr;
  error why;
};

/// With one partition, events are handled as they come. With more, they are collected, and handled when it is time, by
/// as many threads: those of one key by one thread and in order. A row that one thread changes and another one has
/// looked at or changed is found; then, and when an event fails, everything is done again by one thread. So the rows
/// are those that one thread would have made, and an event fails that would have failed there, whatever the keys are.
///
/// Used by one thread. Events must stay until finish(), take_changes() or forget().
class projection_work {
 public:
  /// Both must outlive it.
  projection_work(const projection_definition& definition, const read_model_store& store);
  projection_work(const projection_work&) = delete;
  projection_work& operator=(const projection_work&) = delete;
  ~projection_work();

  /// Handles `event`, now or in run().
  result<void> take(const recorded_event& event);
  /// Handles what was collected.
  std::optional<failed_event> run();
  /// The same for the last time, and sees to it that the threads were not in each other's way.
  std::optional<failed_event> finish();

  [[nodiscard]] bool has_changes() const;
  /// Returns the changes since the last time and begins anew, after finish().
  row_changes take_changes();
  /// Begins anew.
  void forget();

 private:
  class share;

  result<share*> share_of(std::size_t part);
  [[nodiscard]] bool have_clashed() const;
  std::optional<failed_event> run_alone();

  const projection_definition& definition_;
  const read_model_store& store_;
  std::vector<std::unique_ptr<share>> shares_;    // one for each partition, once it has got an event
  std::vector<const recorded_event*> collected_;  // since the beginning
  bool is_alone_ = false;                         // one share does everything
};

}  // namespace tyto::detail
