// Memory for what one thread makes and another gives up, a hundred thousand times a second: commands, messages, decided
// events. malloc() takes a third of the processor there, for each thread gives back what belongs to another; here it
// goes back to where such memory is taken from next, while it is still in the cache (decision 30).
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "tyto/detail/own_of_thread.hpp"

// g++ and clang++ say it in different ways.
#if defined(__SANITIZE_ADDRESS__)
#define TYTO_DETAIL_SANITIZES_ADDRESSES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TYTO_DETAIL_SANITIZES_ADDRESSES 1
#endif
#endif
#ifndef TYTO_DETAIL_SANITIZES_ADDRESSES
#define TYTO_DETAIL_SANITIZES_ADDRESSES 0
#endif

namespace tyto::detail {

/// A list of blocks of one size that nobody uses.
struct magazine {
  struct block {
    block* next;
  };
  static constexpr std::size_t capacity = 64;

  void push(void* memory) {
    first = new (memory) block{first};
    ++blocks;
  }
  void* pop() {
    --blocks;
    return std::exchange(first, first->next);
  }

  block* first = nullptr;
  std::size_t blocks = 0;
};

/// The full magazines of one size, through which threads exchange blocks. Never waits for anybody: a forked child may
/// have been left with a lock that nobody releases.
class magazine_depot {
 public:
  /// Returns a full one, or an empty one if there is none.
  magazine take();
  /// Keeps a full one; returns false if there are enough, or others are at it.
  [[nodiscard]] bool keep(magazine full);

 private:
  static constexpr std::size_t most_kept = 64;
  std::mutex mutex_;
  std::vector<magazine> full_;
};

/// Memory of so many bytes. What threads have given back is kept up to some thousand blocks for all and some hundred
/// for each thread. Of large blocks nothing is kept, for that would be much; nor under the address sanitizer, so that
/// it sees what is used too late.
template <std::size_t Bytes>
class recycled_memory {
 public:
  static void* take() {
    if constexpr (keeps_nothing) return ::operator new(Bytes);
    auto* const mine = own_of_thread<magazines>::get();
    if (mine == nullptr) return ::operator new(Bytes);
    if (mine->loaded.blocks == 0) std::swap(mine->loaded, mine->spare);
    if (mine->loaded.blocks == 0) mine->loaded = depot().take();
    return mine->loaded.blocks == 0 ? ::operator new(Bytes) : mine->loaded.pop();
  }

  static void give_back(void* memory) noexcept {
    if constexpr (keeps_nothing) return ::operator delete(memory);
    auto* const mine = own_of_thread<magazines>::get();
    if (mine == nullptr) return ::operator delete(memory);
    if (mine->loaded.blocks == magazine::capacity) {
      std::swap(mine->loaded, mine->spare);
      if (mine->loaded.blocks == magazine::capacity) mine->give_up_loaded();
    }
    mine->loaded.push(memory);
  }

 private:
  static constexpr std::size_t most_bytes = 1'024;
#if TYTO_DETAIL_SANITIZES_ADDRESSES
  static constexpr bool keeps_nothing = true;
#else
  static constexpr bool keeps_nothing = Bytes > most_bytes;
#endif
  static_assert(Bytes >= sizeof(magazine::block));

  // Two magazines, so that a thread which takes and gives back at a magazine's end does not go to the depot each time.
  struct magazines {
    magazines() = default;
    magazines(const magazines&) = delete;
    magazines& operator=(const magazines&) = delete;
    ~magazines() {
      give_up_loaded();
      std::swap(loaded, spare);
      give_up_loaded();
    }

    void give_up_loaded() {
      const bool is_kept = loaded.blocks == magazine::capacity && depot().keep(loaded);
      if (is_kept) loaded = {};
      while (loaded.blocks > 0) ::operator delete(loaded.pop());
    }

    magazine loaded;
    magazine spare;
  };

  static magazine_depot& depot() {
    static auto* const shared = new magazine_depot;  // never destroyed: threads may end after main()
    return *shared;
  }
};

/// For single objects of type T.
template <class T>
struct recycling_allocator {
  using value_type = T;

  recycling_allocator() = default;
  template <class Other>
  recycling_allocator(const recycling_allocator<Other>&) {}

  static T* allocate(std::size_t count) {
    if constexpr (is_recycled) {
      if (count == 1) return static_cast<T*>(recycled_memory<sizeof(T)>::take());
    }
    return std::allocator<T>{}.allocate(count);
  }
  static void deallocate(T* memory, std::size_t count) noexcept {
    if constexpr (is_recycled) {
      if (count == 1) return recycled_memory<sizeof(T)>::give_back(memory);
    }
    std::allocator<T>{}.deallocate(memory, count);
  }

  friend bool operator==(const recycling_allocator&, const recycling_allocator&) = default;

 private:
  static constexpr bool is_recycled = alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__;
};

/// Like std::make_shared().
template <class T, class... Arguments>
std::shared_ptr<T> make_recycled(Arguments&&... arguments) {
  return std::allocate_shared<T>(recycling_allocator<std::remove_const_t<T>>{}, std::forward<Arguments>(arguments)...);
}

}  // namespace tyto::detail
