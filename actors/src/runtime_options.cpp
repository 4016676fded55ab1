#include "tyto/runtime_options.hpp"

#include <string>
#include <utility>

#include "control/socket_place.hpp"

namespace tyto {

result<void> runtime_options::check() const {
  constexpr std::size_t longest_batch = 1'000'000;
  constexpr std::size_t most_threads = 1'024;
  const auto refuse = [](std::string why) {
    return error{errc::invalid_argument, "starting the runtime", std::move(why)};
  };
  for (const auto& [value, what] : {std::pair{max_commands_in_flight, "max_commands_in_flight"},
                                    {max_commands_per_aggregate, "max_commands_per_aggregate"},
                                    {max_live_aggregates, "max_live_aggregates"},
                                    {max_commit_events, "max_commit_events"},
                                    {max_recent_events, "max_recent_events"},
                                    {max_consumer_batch, "max_consumer_batch"}}) {
    if (value == 0) return refuse(std::string{"the option "} + what + " is 0");
  }
  if (time == nullptr) return refuse("the option time is null");
  if (ids == nullptr) return refuse("the option ids is null");
  if (max_consumer_batch > longest_batch) {
    return refuse("max_consumer_batch is more than " + std::to_string(longest_batch));
  }
  if (worker_threads > most_threads) return refuse("worker_threads is more than " + std::to_string(most_threads));
  if (min_backoff.count() <= 0 || max_backoff < min_backoff) {
    return refuse("min_backoff must be more than 0 and no more than max_backoff");
  }
  if (passivate_after.count() < 0 || stall_after.count() < 0) {
    return refuse("passivate_after or stall_after is less than 0");
  }
  if (!control_socket.empty()) {
    const auto why = detail::why_no_socket_path(control_socket);
    if (!why.empty()) return refuse("control_socket '" + control_socket.string() + "' " + why);
  }
  return {};
}

}  // namespace tyto
