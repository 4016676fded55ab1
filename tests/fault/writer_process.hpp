// crash_writer as a child process: what it is to do, what it acknowledges, how it ends.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "crash_domain.hpp"

namespace tyto::test {

inline constexpr auto endless = std::numeric_limits<std::uint64_t>::max() / 2;

/// The arguments of crash_writer, which describes them.
struct writer_plan {
  std::filesystem::path directory;
  int in_flight = 48;
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  int kill_at = 0;
  std::string moment = "before";
  std::vector<std::uint64_t> numbers;
};

enum class writer_end { finished, killed, failed };

class writer_process {
 public:
  /// Starts it.
  explicit writer_process(const writer_plan& plan);
  writer_process(const writer_process&) = delete;
  /// Kills it if it has not been waited for.
  ~writer_process();

  /// Waits for the next acknowledgement; none when the writer has ended.
  std::optional<acknowledgement> next();
  /// Kills it at a moment `delay` from now, whatever it is doing then. What it has acknowledged can still be read.
  void kill_after(std::chrono::microseconds delay) const;
  /// Waits for its end.
  writer_end wait();

 private:
  int process_ = -1;
  int output_ = -1;
};

}  // namespace tyto::test
