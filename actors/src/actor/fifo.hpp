// A queue that costs no memory while it is empty, as most queues of most live aggregates are; std::deque does.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace tyto::detail {

template <class T>
class fifo {
 public:
  [[nodiscard]] bool empty() const { return first_ == items_.size(); }
  [[nodiscard]] std::size_t size() const { return items_.size() - first_; }
  [[nodiscard]] T& front() { return items_[first_]; }
  [[nodiscard]] const T& front() const { return items_[first_]; }
  [[nodiscard]] T& operator[](std::size_t place) { return items_[first_ + place]; }
  [[nodiscard]] const T& operator[](std::size_t place) const { return items_[first_ + place]; }
  [[nodiscard]] auto begin() const { return items_.begin() + static_cast<std::ptrdiff_t>(first_); }
  [[nodiscard]] auto end() const { return items_.end(); }

  void push(T item) { items_.push_back(std::move(item)); }

  T pop() {
    T item = std::move(items_[first_++]);
    if (empty()) {
      items_.clear();
      first_ = 0;
      if (items_.capacity() > keep) std::vector<T>{}.swap(items_);
    } else if (first_ >= keep && first_ > items_.size() / 2) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
    return item;
  }

 private:
  static constexpr std::size_t keep = 16;
  std::vector<T> items_;
  std::size_t first_ = 0;
};

}  // namespace tyto::detail
