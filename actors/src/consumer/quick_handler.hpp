// Which thread runs a handler that never blocks: there nobody can wait for what needs this very thread.
#pragma once

#include <utility>

namespace tyto::detail {

/// Stands for one call of such a handler.
class quick_handler_call {
 public:
  quick_handler_call() : before_(std::exchange(is_under_way, true)) {}
  ~quick_handler_call() { is_under_way = before_; }
  quick_handler_call(const quick_handler_call&) = delete;
  quick_handler_call& operator=(const quick_handler_call&) = delete;

  /// Whether the calling thread is in one.
  static bool is_here() { return is_under_way; }

 private:
  static inline thread_local bool is_under_way = false;
  const bool before_;
};

}  // namespace tyto::detail
