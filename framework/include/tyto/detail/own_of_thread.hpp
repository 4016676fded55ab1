// What each thread has for itself, also for those who may come after the thread has given it up.
#pragma once

namespace tyto::detail {

/// A T of the calling thread, made when it is first asked for and destroyed with the thread.
template <class T>
class own_of_thread {
 public:
  /// Returns nullptr where it is being destroyed or has been: destructors that run later, as those of static objects
  /// do, may still come here.
  static T* get() {
    if (has_ended) return nullptr;
    thread_local holder mine;
    return &mine.value;
  }

 private:
  struct holder {
    holder() = default;
    holder(const holder&) = delete;
    holder& operator=(const holder&) = delete;
    ~holder() { has_ended = true; }
    T value;
  };

  static inline thread_local bool has_ended = false;
};

}  // namespace tyto::detail
