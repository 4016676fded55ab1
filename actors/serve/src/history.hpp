// How the runtime has been doing over the last minutes: what the page's plots begin with when it is opened. A thread
// asks for the status every so often and keeps the figures that are drawn.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "actor/threads.hpp"
#include "served.hpp"

namespace tyto::detail {

class history {
 public:
  static constexpr std::size_t most_samples = 1'200;
  static constexpr std::chrono::milliseconds interval{250};

  /// Asks from now on. `what` must outlive it.
  explicit history(served& what);

  /// Returns the samples that are there, those after the one numbered `after`, see docs/serve.md.
  [[nodiscard]] nlohmann::ordered_json since(std::uint64_t after) const;

 private:
  struct consumer_sample {
    std::string name;
    std::uint64_t lag = 0;
    double rate = 0;
    std::uint64_t failures = 0;
  };
  struct sample {
    std::uint64_t number = 0;
    std::int64_t time_ms = 0;  // since 1970
    std::uint64_t head = 0;
    std::vector<std::uint64_t> commit_events;  // by their powers of two, since the sample before
    std::vector<std::uint64_t> commit_times;
    std::vector<consumer_sample> consumers;
  };

  void take();

  served& what_;
  mutable std::mutex mutex_;
  std::condition_variable_any ending_;  // of the thread
  std::deque<sample> samples_;
  std::uint64_t taken_ = 0;
  std::vector<std::uint64_t> last_events_;  // as the runtime counts them
  std::vector<std::uint64_t> last_times_;
  std::optional<worker> taking_;
};

}  // namespace tyto::detail
