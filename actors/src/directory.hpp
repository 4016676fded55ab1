// Which aggregates are live, and where their mailboxes are. Commands from callers and consumers come through here.
#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "aggregate_actor.hpp"
#include "host.hpp"
#include "messages.hpp"

namespace tyto::detail {

/// Safe to use from any thread. Split by persistence id, so that senders seldom wait for each other.
class directory {
 public:
  directory(const aggregate_surroundings& around, host& runs_on) : around_(around), host_(runs_on) {}

  /// Posts `message` to the aggregate `persistence_id`, which is brought to life if it is not live.
  void post(const aggregate_definition& definition, std::string persistence_id, aggregate_message message);

  [[nodiscard]] std::size_t live() const;

  /// Ends all aggregates.
  void close();

 private:
  struct part {
    mutable std::mutex mutex;
    std::unordered_map<std::string, address<aggregate_message>> live;
  };

  const aggregate_surroundings& around_;
  host& host_;
  std::array<part, 64> parts_;
};

}  // namespace tyto::detail
