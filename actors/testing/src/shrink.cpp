#include "shrink.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace tyto::testing {
namespace {

using numbers = std::vector<std::uint64_t>;

class shrinker {
 public:
  shrinker(script from, const std::function<bool(const script&)>& fails, std::size_t runs)
      : best_(std::move(from)), fails_(fails), runs_left_(runs) {}

  script run() {
    bool has_improved = true;
    while (has_improved && runs_left_ > 0) {
      has_improved = lower(&script::faults);
      has_improved |= drop_actions();
      for (auto list : {&script::faults, &script::actions, &script::schedule}) {
        trim(list);
        has_improved |= cut_off(list);
        has_improved |= make_plain(list);
      }
      has_improved |= take_out(&script::actions);
      has_improved |= lower(&script::actions);
    }
    return best_;
  }

 private:
  using list_of = numbers script::*;

  bool attempt(script shorter) {
    if (runs_left_ == 0) return false;
    --runs_left_;
    if (!fails_(shorter)) return false;
    best_ = std::move(shorter);
    return true;
  }

  bool drop_actions() {
    bool has_improved = false;
    for (auto step = best_.most_actions / 2; step > 0;) {
      auto shorter = best_;
      shorter.most_actions -= std::min(step, shorter.most_actions);
      if (attempt(std::move(shorter))) {
        has_improved = true;
        step = std::min(step, best_.most_actions);
      } else {
        step /= 2;
      }
    }
    return has_improved;
  }

  // What comes after the end of a list is 0.
  void trim(list_of list) {
    auto& numbers_now = best_.*list;
    while (!numbers_now.empty() && numbers_now.back() == 0) numbers_now.pop_back();
  }

  bool cut_off(list_of list) {
    bool has_improved = false;
    for (auto size = (best_.*list).size(); size > 0;) {
      if (size > (best_.*list).size()) {
        size = (best_.*list).size();
        continue;
      }
      auto shorter = best_;
      (shorter.*list).resize((shorter.*list).size() - size);
      if (attempt(std::move(shorter))) {
        trim(list);
        has_improved = true;
      } else {
        size /= 2;
      }
    }
    return has_improved;
  }

  // Sets runs of numbers to 0, where there are others.
  bool make_plain(list_of list) {
    bool has_improved = false;
    for (auto size = std::max<std::size_t>((best_.*list).size() / 2, 1); size > 0; size /= 2) {
      for (std::size_t from = 0; from < (best_.*list).size(); from += size) {
        auto plainer = best_;
        auto& all = plainer.*list;
        const auto begin = all.begin() + static_cast<std::ptrdiff_t>(from);
        const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(from + size, all.size()));
        if (std::all_of(begin, end, [](auto each) { return each == 0; })) continue;
        std::fill(begin, end, 0);
        has_improved |= attempt(std::move(plainer));
        if (runs_left_ == 0) return has_improved;
      }
    }
    return has_improved;
  }

  // A crash that comes earlier leaves less to tell.
  bool lower(list_of list) {
    bool has_improved = false;
    for (std::size_t i = 0; i < (best_.*list).size(); ++i) {
      for (auto step = (best_.*list)[i]; step > 0;) {
        auto plainer = best_;
        (plainer.*list)[i] -= step;
        if (attempt(std::move(plainer))) {
          has_improved = true;
          step = i < (best_.*list).size() ? std::min(step, (best_.*list)[i]) : 0;
        } else {
          step /= 2;
        }
        if (runs_left_ == 0) return has_improved;
      }
    }
    return has_improved;
  }

  bool take_out(list_of list) {
    bool has_improved = false;
    for (std::size_t size = 8; size > 0; size /= 2) {
      for (std::size_t from = 0; from + size <= (best_.*list).size();) {
        auto shorter = best_;
        auto& all = shorter.*list;
        const auto begin = all.begin() + static_cast<std::ptrdiff_t>(from);
        all.erase(begin, begin + static_cast<std::ptrdiff_t>(size));
        if (attempt(std::move(shorter))) {
          has_improved = true;
        } else {
          from += size;
        }
        if (runs_left_ == 0) return has_improved;
      }
    }
    return has_improved;
  }

  script best_;
  const std::function<bool(const script&)>& fails_;
  std::size_t runs_left_;
};

}  // namespace

script shrink(script from, const std::function<bool(const script&)>& fails, std::size_t runs) {
  return shrinker{std::move(from), fails, runs}.run();
}

}  // namespace tyto::testing
