#include "tyto/id_source.hpp"

#include <atomic>
#include <cstdint>
#include <random>
#include <utility>

namespace tyto {
namespace {

// Appends `digits` digits of six bits each, or as many as the number has if `digits` is 0.
void append_digits(std::string& id, std::uint64_t number, int digits) {
  constexpr std::string_view alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
  do {
    id.push_back(alphabet[number % alphabet.size()]);
    number /= alphabet.size();
  } while (--digits > 0 || (digits < 0 && number > 0));
}

std::string random_prefix() {
  std::random_device random;
  std::string prefix;
  append_digits(prefix, (std::uint64_t{random()} << 32) | random(), 10);
  return prefix;
}

class random_id_source final : public id_source {
 public:
  [[nodiscard]] std::string next() const override {
    auto id = prefix_;
    append_digits(id, ++count_, 0);
    return id;
  }

 private:
  const std::string prefix_ = random_prefix();
  mutable std::atomic<std::uint64_t> count_ = 0;
};

class counted_id_source final : public id_source {
 public:
  explicit counted_id_source(std::string_view prefix) : prefix_(prefix) {}
  [[nodiscard]] std::string next() const override { return prefix_ + std::to_string(++count_); }

 private:
  const std::string prefix_;
  mutable std::atomic<std::uint64_t> count_ = 0;
};

}  // namespace

std::shared_ptr<const id_source> random_ids() { return std::make_shared<random_id_source>(); }

std::shared_ptr<const id_source> counted_ids(std::string_view prefix) {
  return std::make_shared<counted_id_source>(prefix);
}

}  // namespace tyto
