// Sends aggregates to sleep that nobody has used for long: asks their shards from time to time.
#pragma once

#include <chrono>

#include "actor/host.hpp"
#include "aggregate/directory.hpp"

namespace tyto::detail {

/// To the housekeeper: look around.
struct look_around {};

using housekeeper_message = look_around;

class housekeeper final : public actor_of<housekeeper_message> {
 public:
  /// Aggregates that were not used for `passivate_after` leave within a quarter of that time more.
  housekeeper(directory& aggregates, host& runs_on, std::chrono::milliseconds passivate_after)
      : aggregates_(aggregates), host_(runs_on), passivate_after_(passivate_after) {}

 protected:
  void on(housekeeper_message&&) override {
    aggregates_.passivate(host_.now() - passivate_after_);
    post_after(host_, passivate_after_ / 4, self(), look_around{});
  }

 private:
  directory& aggregates_;
  host& host_;
  const std::chrono::milliseconds passivate_after_;
};

}  // namespace tyto::detail
