#include "consumer/sent_batch.hpp"

#include <algorithm>
#include <utility>

namespace tyto::detail {

void sent_batch::answered(std::size_t number, const command_result& outcome) {
  if (!outcome) {
    const std::lock_guard lock{mutex_};
    failures_.push_back({number, outcome.error()});
  }
  if (--unanswered_ == 0) to_.post(commands_answered{shared_from_this()});
}

std::vector<sent_batch::failure> sent_batch::take_failures() {
  const std::lock_guard lock{mutex_};
  std::ranges::sort(failures_, {}, &failure::number);
  return std::exchange(failures_, {});
}

}  // namespace tyto::detail
