// Runs a fuzz target a number of times on changed seeds, the same for the same number, or once on each given file:
//   fuzz_record [RUNS [SEED]]
//   fuzz_record --input FILE...
// An input that fails is left in the file `fuzz-failure`, in the current directory.
#include <signal.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>

#include "harness.hpp"

namespace tyto::fuzz {
namespace {

constexpr std::size_t max_bytes = 4096;
constexpr std::uint64_t default_runs = 20'000;

const std::string* current = nullptr;

void keep_current() {
  if (current == nullptr) return;
  std::ofstream{"fuzz-failure", std::ios::binary}.write(current->data(), static_cast<std::streamsize>(current->size()));
}

// Numbers on which programs trip more often than on others.
constexpr std::uint64_t edges[] = {0,
                                   1,
                                   0x7f,
                                   0x80,
                                   0xff,
                                   0x7fff,
                                   0x8000,
                                   0xffff,
                                   0x7fffffff,
                                   0x80000000,
                                   0xffffffff,
                                   0x7fffffffffffffff,
                                   0x8000000000000000,
                                   0xffffffffffffffff};

class mutator {
 public:
  mutator(std::vector<std::string> seeds, std::uint64_t seed) : pool_(std::move(seeds)), random_(seed) {
    pool_.emplace_back();
  }

  std::string next() {
    auto input = pool_[below(pool_.size())];
    for (auto changes = 1 + below(8); changes > 0; --changes) change(input);
    if (input.size() > max_bytes) input.resize(max_bytes);
    return input;
  }

 private:
  std::size_t below(std::size_t end) { return std::uniform_int_distribution<std::size_t>{0, end - 1}(random_); }

  void change(std::string& input) {
    const auto place = input.empty() ? 0 : below(input.size());
    switch (below(7)) {
      case 0:
        if (!input.empty()) input[place] ^= static_cast<char>(1 << below(8));
        break;
      case 1:
        if (!input.empty()) input[place] = static_cast<char>(below(256));
        break;
      case 2:
        input.insert(place, 1 + below(16), static_cast<char>(below(256)));
        break;
      case 3:
        if (!input.empty()) input.erase(place, 1 + below(16));
        break;
      case 4: {  // a number, in either order of bytes
        auto number = edges[below(std::size(edges))] + below(3) - 1;
        const auto size = std::size_t{1} << below(4);
        if (below(2) == 0) number = __builtin_bswap64(number) >> (64 - 8 * size);
        input.replace(place, std::min(size, input.size() - place), reinterpret_cast<const char*>(&number), size);
        break;
      }
      case 5: {  // a piece of another one
        const auto& other = pool_[below(pool_.size())];
        if (!other.empty()) input.insert(place, other, below(other.size()), 1 + below(64));
        break;
      }
      default:
        input.resize(place);
    }
  }

  std::vector<std::string> pool_;
  std::mt19937_64 random_;
};

std::uint64_t number_of(const char* text) {
  const std::string_view digits{text};
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (failed == std::errc{} && end == digits.data() + digits.size()) return number;
  std::cerr << "'" << text << "' is not a number; give RUNS and SEED, or --input FILE...\n";
  std::exit(2);
}

void run_file(const char* path) {
  std::ifstream file{path, std::ios::binary};
  const std::string input{std::istreambuf_iterator<char>{file}, {}};
  if (!file) {
    std::cerr << "cannot read '" << path << "'\n";
    std::exit(2);
  }
  run(input);
}

}  // namespace

void require(bool holds, std::string_view what) {
  if (holds) return;
  std::cerr << "does not hold: " << what << '\n';
  std::abort();
}

}  // namespace tyto::fuzz

int main(int argc, char** argv) {
  using namespace tyto::fuzz;
  if (argc > 1 && std::string_view{argv[1]} == "--input") {
    for (int i = 2; i < argc; ++i) run_file(argv[i]);
    return 0;
  }
  const auto runs = argc > 1 ? number_of(argv[1]) : default_runs;
  const auto seed = argc > 2 ? number_of(argv[2]) : 1;
  for (const int each : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE}) {
    ::signal(each, [](int number) {
      keep_current();
      ::signal(number, SIG_DFL);
      ::raise(number);
    });
  }
  for (const auto& each : seeds()) {
    current = &each;
    run(each);
  }
  mutator inputs{seeds(), seed};
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < runs; ++i) {
    const auto input = inputs.next();
    current = &input;
    run(input);
    current = nullptr;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::cout << runs << " runs in " << took.count() << " s\n";
}
