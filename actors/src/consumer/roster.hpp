// The consumers of a runtime: their names, their mailboxes while they live, and how far they are. Starting the runtime
// fills it, whoever asks for a consumer by name looks here.
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "consumer/progress.hpp"
#include "messages.hpp"

namespace tyto::detail {

/// Safe to use from any thread.
class roster {
 public:
  /// Adds a consumer; returns a number that stands for it.
  std::uint64_t add(std::string name, address<consumer_message> actor, std::shared_ptr<progress> shown);

  /// Returns all, in the order in which they were added.
  [[nodiscard]] std::vector<std::shared_ptr<progress>> all() const;
  /// Returns the one that is shown under `label`, or nullptr.
  [[nodiscard]] std::shared_ptr<progress> find(std::string_view label) const;
  /// Whether there is a consumer `name`.
  [[nodiscard]] bool knows(std::string_view name) const;
  /// Returns the mailboxes of the consumer `name`, one for each partition that lives.
  [[nodiscard]] std::vector<address<consumer_message>> mailboxes_of(std::string_view name) const;

  /// Stops one for good while the runtime goes on: nobody waits for it any more. Returns when it has stopped.
  void retire(progress& shown);
  /// Stops the one that `number` stands for, and forgets it. Returns at once; what is returned says when it has
  /// stopped.
  std::shared_future<void> end(std::uint64_t number);

  /// Stops all, and returns when they have.
  void stop_all();
  /// Lets go of all mailboxes, when nobody uses them any more.
  void let_go();

 private:
  struct member {
    std::uint64_t number = 0;
    std::string name;  // all partitions of a consumer have it
    address<consumer_message> actor;
    std::shared_ptr<progress> shown;
    std::shared_future<void> stopped = {};  // once it was told to stop
  };

  static std::shared_future<void> stop(member& told);

  mutable std::mutex mutex_;
  std::vector<member> members_;
  std::uint64_t last_number_ = 0;
};

}  // namespace tyto::detail
