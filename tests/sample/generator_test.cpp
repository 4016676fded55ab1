#include "generator.hpp"

#include <set>
#include <string>

#include "payment_gateway.hpp"
#include "support/catch.hpp"

namespace {

std::string describe(const shop::invoice& made) {
  auto text = made.number + "|" + made.customer + "|" + made.country + "|" + made.date;
  for (const auto& line : made.lines) {
    text += "|" + line.stock_code + " " + std::to_string(line.quantity) + " " + std::to_string(*line.unit_price_cents);
  }
  return text;
}

}  // namespace

// The figures are fixed here so that a change of compiler, library or generator that changes the orders is noticed:
// data directories that people have kept would otherwise fit no command line any more.
TEST_CASE("A seed gives the same orders everywhere") {
  CHECK(describe(shop::generate_order(42, 1)) ==
        "S42-0000001|17081|United Kingdom|2026-01-05 00:01:00|OP-8X42 2 28900|CD-DUSK 12 1299|ST-FEATHER 8 35");
  CHECK(describe(shop::generate_order(7, 123'456)) ==
        "S7-0123456|13975|EIRE|2026-03-31 17:36:00|WH-LURE 6 799|LP-HAND 8 1849|ST-FEATHER 5 35");
  CHECK(describe(shop::generate_return(42, 50)) == "CS42-0000042|12788|Norway|2026-01-05 00:50:00|LP-HEAD -7 3299");
}

TEST_CASE("Other seeds and other indices give other orders") {
  std::set<std::string> numbers;
  std::set<std::string> contents;
  for (const std::uint64_t seed : {1, 2, 3}) {
    for (std::uint64_t index = 1; index <= 100; ++index) {
      auto made = shop::generate_order(seed, index);
      numbers.insert(made.number);
      made.number.clear();
      contents.insert(describe(made));
    }
  }
  CHECK(numbers.size() == 300);
  CHECK(contents.size() == 300);
}

TEST_CASE("Every generated order and return is one that the domain accepts") {
  for (std::uint64_t index = 1; index <= 2'000; ++index) {
    CHECK(shop::accept_lines(shop::generate_order(42, index).lines, shop::goods::out));
    CHECK(shop::accept_lines(shop::generate_return(42, index).lines, shop::goods::back));
  }
}

TEST_CASE("A source has the orders asked for, a return after every fiftieth, and no number twice") {
  auto source = shop::generate(42, 120);
  CHECK(source.count == 122);
  std::uint64_t orders = 0;
  std::uint64_t returns = 0;
  std::set<std::string> numbers;
  const std::set<std::string> codes{source.stock_codes.begin(), source.stock_codes.end()};
  while (const auto made = source.take_next()) {
    ++(made->is_return() ? returns : orders);
    CHECK(numbers.insert(made->number).second);
    for (const auto& line : made->lines) CHECK(codes.contains(line.stock_code));
  }
  CHECK(orders == 120);
  CHECK(returns == 2);
}

TEST_CASE("A return brings back goods of an order that came before it") {
  for (std::uint64_t index = 50; index <= 1'000; index += 50) {
    const auto back = shop::generate_return(42, index);
    bool found = false;
    for (auto before = index - 49; before <= index; ++before) {
      const auto order = shop::generate_order(42, before);
      found = found || ("C" + order.number == back.number && back.lines[0].stock_code == order.lines[0].stock_code &&
                        -back.lines[0].quantity <= order.lines[0].quantity);
    }
    CHECK(found);
  }
}

TEST_CASE("The gateway declines its share, none or all, and never answers to its share of the rest") {
  const auto count = [](const shop::payment_gateway& gateway, shop::bank_answer answer) {
    int found = 0;
    for (int id = 0; id < 100'000; ++id) found += gateway.answer(std::to_string(id)) == answer ? 1 : 0;
    return found;
  };
  CHECK(count({42, 0}, shop::bank_answer::approved) == 100'000);
  CHECK(count({42, 1, 1}, shop::bank_answer::declined) == 100'000);
  CHECK(count({42, 0, 1}, shop::bank_answer::none) == 100'000);
  const auto declined = count({42, 0.02, 0.5}, shop::bank_answer::declined);
  CHECK(declined > 1'800);
  CHECK(declined < 2'200);
  const auto lost = count({42, 0.5, 0.1}, shop::bank_answer::none);
  CHECK(lost > 4'700);
  CHECK(lost < 5'300);
}

TEST_CASE("The gateway's answer depends on the order and the seed") {
  std::set<std::string> answers;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    std::string pattern;
    for (int id = 0; id < 64; ++id)
      pattern += shop::payment_gateway{seed, 0.5}.answer(std::to_string(id)) == shop::bank_answer::approved ? '+' : '-';
    answers.insert(pattern);
  }
  CHECK(answers.size() == 4);
}
