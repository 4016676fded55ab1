// One check of the storage contract under way: it has a new store, appends and waits, and takes down what does not
// hold.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "testing/journal_content.hpp"
#include "tyto/testing/store_contract.hpp"

namespace tyto::testing {

/// What an append has come to. Stores hold on to it until they call back.
struct append_answer {
  std::mutex mutex;
  std::condition_variable called;
  int calls = 0;
  std::optional<result<append_outcomes>> first;
};

class contract_run {
 public:
  /// `store` must outlive the run.
  explicit contract_run(const store_factory& store) : factory_(store) {}

  /// Runs `check` over a new store and returns what did not hold.
  std::vector<std::string> findings_of(void (*check)(contract_run&));

  /// Throw if the storage has none.
  event_store& journal();
  read_model_store& rows();
  snapshot_store& snapshots();
  /// Returns what the read model holds; throws if it cannot be looked at.
  std::unique_ptr<row_snapshot> snapshot(std::string_view model);
  [[nodiscard]] const store_limits& limits() const { return factory_.limits; }

  /// Goes on with a new store, which holds nothing.
  void begin_anew();
  /// Closes the store and opens it again.
  void reopen();
  /// Loses power, and opens the store again.
  void lose_power();

  /// Appends without waiting.
  std::shared_ptr<append_answer> begin_append(append_batch batch);
  /// Returns what the append called back with first; throws if there is no call for longer than the factory allows.
  result<append_outcomes> wait_for(append_answer& answer) const;
  /// Appends and waits. Throws if there is not one outcome for each write.
  result<append_outcomes> append(append_batch batch);
  /// Appends and returns the outcomes; throws if the batch fails.
  append_outcomes append_all(std::vector<std::shared_ptr<stream_write>> writes);
  /// Appends one write and returns its outcome.
  result<void> append_one(std::shared_ptr<stream_write> write);
  /// Changes what is kept of a stream and returns the outcome.
  result<void> change(std::string id, retention::action what, std::uint64_t first = 0, std::string base = {});

  /// Calls `work(0)` to `work(threads - 1)` on a thread each, and throws what one of them throws.
  static void on_threads(int threads, const std::function<void(int)>& work);

  /// Takes down `finding`. Call it, as all that follow, from the check's own thread.
  void report(std::string finding);
  /// Takes `what` down unless it holds.
  void expect(bool holds, std::string_view what);
  /// Takes down that `got` was found for `what`, if it is not `wanted`.
  template <class Got>
  void same(std::string_view what, const Got& got, const std::type_identity_t<Got>& wanted);
  /// Takes down that `what` did not fail as it must.
  template <class T>
  void fails(std::string_view what, const result<T>& got, errc wanted);
  void conflicts(std::string_view what, const result<void>& got, std::uint64_t actual_version);
  template <class T>
  void succeeds(std::string_view what, const result<T>& got);

 private:
  void open();

  const store_factory& factory_;
  std::unique_ptr<store_under_test> place_;
  storage opened_;
  std::mutex mutex_;  // guards answers_
  std::vector<std::shared_ptr<append_answer>> answers_;
  std::vector<std::string> findings_;
};

/// Return what a finding says of a value.
std::string show(bool value);
std::string show(std::uint64_t value);
std::string show(std::string_view value);
std::string show(errc value);
std::string show(stream_state value);
std::string show(const delivery_id& value);
std::string show(const row_checkpoint& value);
inline std::string show(const std::string& value) { return show(std::string_view{value}); }
template <class A, class B>
std::string show(const std::pair<A, B>& value);
template <class T>
std::string show(const std::optional<T>& value) {
  return value ? show(*value) : "none";
}
template <class T>
std::string show(const std::vector<T>& values) {
  constexpr std::size_t max_shown = 30;
  std::string text = "[";
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i == max_shown) return text + ", … " + std::to_string(values.size()) + " in all]";
    text += (i == 0 ? "" : ", ") + show(values[i]);
  }
  return text + "]";
}
template <class A, class B>
std::string show(const std::pair<A, B>& value) {
  return "(" + show(value.first) + ", " + show(value.second) + ")";
}

template <class Got>
void contract_run::same(std::string_view what, const Got& got, const std::type_identity_t<Got>& wanted) {
  if (!(got == wanted)) report(std::string{what} + ": found " + show(got) + ", must be " + show(wanted));
}

template <class T>
void contract_run::fails(std::string_view what, const result<T>& got, errc wanted) {
  if (got) return report(std::string{what} + " succeeds; it must fail with " + std::string{tyto::name(wanted)});
  same("the error of " + std::string{what}, got.error().code(), wanted);
}

template <class T>
void contract_run::succeeds(std::string_view what, const result<T>& got) {
  if (!got) report(std::string{what} + " fails: " + got.error().message());
}

/// The checks of each port, and of streams that are closed, truncated and deleted.
std::vector<contract_check> event_store_contract();
std::vector<contract_check> retention_contract();
std::vector<contract_check> read_model_contract();
std::vector<contract_check> snapshot_contract();

/// Returns the check that runs `check`.
contract_check make_check(std::string name, std::set<capability> needs, void (*check)(contract_run&));

}  // namespace tyto::testing
