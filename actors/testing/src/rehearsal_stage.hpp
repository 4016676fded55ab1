// A program that is rehearsed: one runtime in a simulated world without faults, whose clock is moved along history.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "domain.hpp"
#include "note_list.hpp"
#include "scheduler.hpp"
#include "tyto/runtime.hpp"
#include "tyto/testing/rehearsal.hpp"

namespace tyto::testing {

class rehearsal_stage {
 public:
  /// `history` and `notes` must outlive it.
  rehearsal_stage(const event_store& history, const rehearsal_options& options, note_list& notes);
  ~rehearsal_stage();
  rehearsal_stage(const rehearsal_stage&) = delete;
  rehearsal_stage& operator=(const rehearsal_stage&) = delete;

  /// Starts the program on `stores`, which must be empty, at `begin`.
  result<void> start(storage stores, const std::function<void(runtime&)>& program, timestamp begin);

  /// Lets the program do what it does by `time`, which may be earlier than the last one: then the clock is set back.
  result<void> move_to(timestamp time);

  /// Puts in the events of one decision, which are at least one and each of a type that the aggregate has; or a
  /// recorded rejection. What follows from them has happened when this returns.
  result<void> put_in(const std::vector<recorded_event>& decision);

  /// Decides a command in the place of the events that begin with `past`, and returns the outcome.
  result<command_result> decide(outgoing_command command, const metadata& past);

  /// Lets the program come to rest, notes what did not work, and stops it.
  result<void> finish();

  /// What was registered, from start() on.
  [[nodiscard]] const aggregate_definition* find_aggregate(std::string_view category) const;
  [[nodiscard]] const std::vector<projection_definition>& projections() const { return projections_; }
  [[nodiscard]] const std::set<std::string, std::less<>>& consumers() const { return consumers_; }
  [[nodiscard]] const storage& stores() const { return stores_; }

 private:
  class guided_instance;

  /// Always the plainest.
  class no_choices final : public choices {
   public:
    std::uint64_t below(std::uint64_t) override { return 0; }
  };

  void guide(detail::domain& registered);
  result<void> run_now();
  result<void> run_until(timestamp time);
  result<void> run_to_end(const std::string& what, const std::function<result<void>()>& work);
  std::unique_ptr<aggregate_instance> begin_with_base(std::unique_ptr<aggregate_instance> fresh,
                                                      const std::function<std::unique_ptr<aggregate_instance>()>& make,
                                                      const std::string& persistence_id);

  const event_store& history_;
  const rehearsal_options& options_;
  note_list& notes_;

  no_choices plain_;
  test_clock clock_;
  scheduler scheduler_;
  std::set<timestamp> due_;  // when deadlines run out, also ones that have been cancelled since
  const std::vector<recorded_event>* given_ = nullptr;  // what is put in right now

  storage stores_;
  std::unique_ptr<runtime> program_;
  std::map<std::string, const aggregate_definition*, std::less<>> aggregates_;
  std::vector<projection_definition> projections_;
  std::set<std::string, std::less<>> consumers_;
};

}  // namespace tyto::testing
