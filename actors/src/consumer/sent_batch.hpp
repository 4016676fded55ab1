// Commands that a consumer has sent together. Aggregates answer from their threads; the consumer hears of it once, when
// all are answered, and then finds here which of them were not accepted.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "command_reply.hpp"
#include "messages.hpp"
#include "tyto/command.hpp"

namespace tyto::detail {

class sent_batch final : public answer_taker, public std::enable_shared_from_this<sent_batch> {
 public:
  /// A command that was not accepted.
  struct failure {
    std::size_t number;
    command_failure why;
  };

  /// Tells `to` when all `commands` are answered, of which there is one at least.
  sent_batch(std::size_t commands, address<consumer_message> to) : unanswered_(commands), to_(std::move(to)) {}

  void answered(std::size_t number, const command_result& outcome) override;

  /// Returns those that were not accepted, in the order in which they were sent. For the consumer, when it was told.
  [[nodiscard]] std::vector<failure> take_failures();

 private:
  std::atomic<std::size_t> unanswered_;
  const address<consumer_message> to_;
  std::mutex mutex_;
  std::vector<failure> failures_;
};

}  // namespace tyto::detail
