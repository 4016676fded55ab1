// New versions of projections that are built beside the old ones: which of them are to be started, and the moment in
// which a new one has caught up and answers instead.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "actor/threads.hpp"
#include "consumer/roster.hpp"
#include "tyto/consumer.hpp"
#include "tyto/read_model_store.hpp"

namespace tyto::detail {

class rebuilds {
 public:
  rebuilds(roster& consumers, std::function<void(std::string_view)> log)
      : consumers_(consumers), log_(std::move(log)) {}

  /// Looks which versions have taken over from those that they replace, and erases what was replaced from
  /// `projections`. Fails with what the store says.
  result<void> plan(const read_model_store& rows, std::vector<projection_definition>& projections);

  /// Whether the projection `name` is one that is built beside another.
  /// How many are planned: each takes a thread.
  [[nodiscard]] std::size_t planned() const { return planned_.size(); }
  [[nodiscard]] bool is_planned(std::string_view name) const;

  /// Begins to wait for those that are planned; all consumers are in the roster. `head` returns the journal's.
  void begin(std::function<std::uint64_t()> head);

  /// Stops building `projection`. Fails with errc::invalid_argument if it is not being built.
  result<void> cancel(std::string_view projection);

  /// Ends all waiting: from here on nothing takes over.
  void stop();

 private:
  /// A projection that is built beside the one that it replaces.
  struct replacement {
    std::string name;
    std::string old_name;
  };

  void wait_and_take_over(const std::stop_token& cancelled, progress& fresh,
                          const std::vector<std::shared_ptr<progress>>& older);

  roster& consumers_;
  const std::function<void(std::string_view)> log_;
  std::function<std::uint64_t()> head_;
  std::vector<replacement> planned_;

  std::mutex mutex_;
  std::map<std::string, worker, std::less<>> waiting_;  // by the new projection's name
};

}  // namespace tyto::detail
