// A store that does what disks do: it fails, is full, takes its time, and ends with the program at any moment. The
// ports that it gives out stand before those of another storage, which keeps what is stored; the faults are drawn in
// between.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tyto/storage.hpp"
#include "tyto/testing/choices.hpp"
#include "tyto/testing/storage_faults.hpp"
#include "tyto/testing/storage_opener.hpp"

namespace tyto::testing {

/// What a simulated program stores. It outlasts the program, which may end and start again. All of it, the ports too,
/// is used by one thread. The same numbers drawn and the same calls give the same effects.
class simulated_storage {
 public:
  /// What the store needs of the world around it.
  struct callbacks {
    /// Runs the function when so much virtual time has passed: not before it has returned.
    std::function<void(std::chrono::microseconds, std::function<void()>)> later;
    /// Takes a line for the story of a run; may be empty.
    std::function<void(std::string)> tell;
  };

  /// Stores in memory or, with `open`, in what that opens; throws bad_result_access where it fails to. `from` must
  /// outlive the store.
  simulated_storage(choices& from, const storage_faults& often, callbacks around, storage_opener open = {});
  ~simulated_storage();
  simulated_storage(const simulated_storage&) = delete;
  simulated_storage& operator=(const simulated_storage&) = delete;

  /// Returns what the program is given until the next crash(): a port for each that the storage behind has. Then these
  /// ports fail for ever, with errc::io, and have no effect; snapshots of rows that came from them can still be read.
  storage ports();

  /// Ends the program and starts anew: new ports find what is stored. Of the appends that are under way, some may have
  /// been stored, the first ones; those who wait for them are not told. Everything that has been acknowledged is there.
  /// But with `power_lost`, changes since the last sync may be undone: the last ones of each read model, and of the
  /// snapshots, and of each as many as may be. An append that has broken the journal may be there. A storage that is
  /// opened by a function is closed and opened again, so nobody may be in the middle of a call to it; throws
  /// bad_result_access where that fails.
  void crash(bool power_lost);

  /// Returns what is stored, without faults.
  [[nodiscard]] const storage& stored() const { return behind_; }

  /// Returns how many operations that change something have begun since the store was made, failed ones included.
  [[nodiscard]] std::uint64_t operations() const { return operations_; }

  /// Returns how often what is stored has changed since the store was made, also by what a crash stores or undoes.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }

  /// Returns whether an append has broken the journal, so that only a crash() helps.
  [[nodiscard]] bool is_broken() const { return is_broken_; }

  /// Has the program die at a point of operation `point / 2`, counted from 0 on: if `point` is even, before it has an
  /// effect, and if it is odd, when it has, and before anybody is told. From then on, the ports fail as they do after a
  /// crash(), and appends that are under way stay so. Holds until the next crash().
  void crash_at(std::uint64_t point) { death_ = point; }

  /// Returns whether the program has died at the point that crash_at() names.
  [[nodiscard]] bool is_down() const { return is_down_; }

  /// Draws no more faults and no more delays, and makes room on the disk. Losing power still undoes changes, and a
  /// journal that is broken stays so.
  void heal();

 private:
  class port;
  class journal_port;
  class read_models_port;
  class snapshots_port;

  /// One run of the program, shared with its ports.
  struct program {
    simulated_storage* store;  // nullptr when the program has ended
  };

  struct pending_append {
    append_batch batch;
    event_store::append_done done;
    std::string doing;
    std::uint64_t operation = 0;
    bool breaks_journal = false;
    std::chrono::microseconds delay{0};  // from now to the next step, storing or telling
    std::chrono::microseconds delay_of_telling{0};
    std::optional<result<append_outcomes>> outcome = {};  // once it is stored, or is known to fail
  };

  /// A change that losing power may undo.
  struct change {
    std::string of;  // the read model; empty: the snapshots
    std::string doing;
    std::function<void()> undo;
  };

  // Faults are drawn here. Each returns the error that the operation ends with, if it is to fail.
  std::optional<error> fault(std::uint32_t often, const std::string& doing);
  std::optional<error> write_fault(std::uint32_t often, const std::string& doing);
  std::optional<error> read_fault(const std::string& doing);

  /// Returns whether the program dies at this point of the operation, before or after it, and tells.
  bool dies_at(std::uint64_t point, std::string_view which, const std::string& doing);

  void tell(const std::string& what) const;
  void tell_of(const stream_write& stored) const;

  void append(append_batch batch, event_store::append_done done);
  /// Stores and tells until the first append has to wait, or all are done.
  void run_appends();
  void store(pending_append& next);
  /// Decides what has become of the appends that are under way when the program ends, and of one that broke the
  /// journal.
  void end_appends();
  void lose_power();

  result<void> commit(std::string_view name, const row_changes& changes, const row_checkpoint& checkpoint);
  result<void> clear(std::string_view name);
  result<void> sync();
  result<void> save(const std::vector<snapshot>& snapshots);
  result<void> erase(std::string_view persistence_id);

  /// Carries out `effect`, unless the program ends before or it `fails`.
  result<void> carry_out(const std::string& doing, std::optional<error> fails,
                         const std::function<result<void>()>& effect);
  /// Carries out `effect` on the read model `of`, or on the snapshots, which `undo` takes back, and may fail to.
  result<void> make_change(std::string_view of, const std::string& doing, result<std::function<void()>> undo,
                           const std::function<result<void>()>& effect);

  // What takes back a change that comes next: of these rows, or all if it is nullptr, and of these streams' snapshots.
  [[nodiscard]] result<std::function<void()>> undo_of_rows(std::string_view name, const row_changes* changes) const;
  [[nodiscard]] result<std::function<void()>> undo_of_snapshots(const std::vector<std::string>& persistence_ids) const;

  choices& from_;
  storage_faults often_;
  callbacks around_;
  storage_opener open_;
  storage behind_;
  std::shared_ptr<program> program_ = std::make_shared<program>(program{this});
  std::uint64_t operations_ = 0;
  std::uint64_t changes_ = 0;
  std::optional<std::uint64_t> death_;
  bool is_down_ = false;
  bool is_full_ = false;
  bool is_broken_ = false;
  std::optional<append_batch> in_doubt_;  // what broke it, and may be there
  std::deque<pending_append> appends_;    // under way, the first one first
  bool is_appending_ = false;             // somebody sees to the first one
  std::deque<change> unsynced_;           // the last ones, as many as losing power may undo
};

}  // namespace tyto::testing
