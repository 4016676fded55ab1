#include "generator.hpp"

#include <fmt/chrono.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <string_view>
#include <utility>

#include "hash.hpp"

namespace shop {
namespace {

struct catalogue_entry {
  std::string_view stock_code;
  std::string_view description;
  std::int64_t unit_price_cents;
};

constexpr std::array<catalogue_entry, 24> catalogue{{
    {"BK-ATLAS", "ATLAS OF OWLS", 3950},         {"BK-NIGHT", "FIELD GUIDE TO NIGHT BIRDS", 2495},
    {"BX-BARN", "NEST BOX, BARN OWL", 8900},     {"BX-TAWNY", "NEST BOX, TAWNY OWL", 7450},
    {"BX-LITTLE", "NEST BOX, LITTLE OWL", 5990}, {"CD-DUSK", "SOUNDS OF DUSK, CD", 1299},
    {"CP-ENAMEL", "ENAMEL CUP, FEATHERS", 895},  {"CP-STEEL", "STEEL CUP", 1150},
    {"GL-FLEECE", "FLEECE GLOVES", 1675},        {"HT-WOOL", "WOOL HAT, GREY", 2190},
    {"LP-HEAD", "HEAD LAMP, RED LIGHT", 3299},   {"LP-HAND", "HAND LAMP", 1849},
    {"MG-BARN", "MUG, BARN OWL", 925},           {"MG-SNOWY", "MUG, SNOWY OWL", 925},
    {"NB-LINED", "NOTEBOOK, LINED", 450},        {"NB-PLAIN", "NOTEBOOK, PLAIN", 425},
    {"OP-8X42", "BINOCULARS 8X42", 28900},       {"OP-10X50", "BINOCULARS 10X50", 34950},
    {"PC-SET12", "POSTCARDS, SET OF 12", 699},   {"PN-GRAPH", "PENCIL, GRAPHITE", 95},
    {"ST-FEATHER", "STICKER, FEATHER", 35},      {"TH-FLASK", "THERMOS FLASK 1 L", 2750},
    {"TR-SLING", "SHOULDER SLING", 1999},        {"WH-LURE", "WHISTLE", 799},
}};
constexpr std::array<std::string_view, 8> countries{"United Kingdom", "United Kingdom", "United Kingdom", "Germany",
                                                    "France",         "EIRE",           "Netherlands",    "Norway"};
constexpr std::uint64_t orders_per_return = 50;

template <class List>
const auto& any_of(const List& list, number_stream& numbers) {
  return list[static_cast<std::size_t>(numbers.between(0, std::ssize(list) - 1))];
}

std::string date_of(std::uint64_t index) {
  const std::chrono::sys_seconds first_day = std::chrono::sys_days{std::chrono::year{2026} / 1 / 5};
  // Some years of minutes are enough; the dates of huge simulations begin again.
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", first_day + std::chrono::minutes{index % 2'000'000});
}

}  // namespace

invoice generate_order(std::uint64_t seed, std::uint64_t index) {
  number_stream numbers{mix(mix(seed) + index)};
  invoice made;
  made.number = fmt::format("S{}-{:07}", seed, index);
  made.customer = std::to_string(numbers.between(12'000, 18'999));
  made.country = any_of(countries, numbers);
  made.date = date_of(index);
  const auto lines = numbers.between(1, 4);
  for (std::int64_t line = 0; line < lines; ++line) {
    const auto& article = any_of(catalogue, numbers);
    // Dear things go one by one, cheap ones by the dozen.
    const auto most = article.unit_price_cents >= 5000 ? 2 : 12;
    made.lines.push_back({std::string{article.stock_code}, std::string{article.description}, numbers.between(1, most),
                          article.unit_price_cents});
  }
  return made;
}

invoice generate_return(std::uint64_t seed, std::uint64_t index) {
  number_stream numbers{mix(mix(~seed) + index)};
  const auto back = std::min(index, orders_per_return) - 1;
  auto made =
      generate_order(seed, index - static_cast<std::uint64_t>(numbers.between(0, static_cast<std::int64_t>(back))));
  made.number.insert(0, 1, 'C');
  made.date = date_of(index);
  made.lines.resize(1);
  auto& quantity = made.lines.front().quantity;
  quantity = -numbers.between(1, quantity);
  return made;
}

invoice_source generate(std::uint64_t seed, std::uint64_t orders) {
  invoice_source source;
  source.count = orders + orders / orders_per_return;
  for (const auto& article : catalogue) source.stock_codes.emplace_back(article.stock_code);
  source.take_next = [=, index = std::uint64_t{0}, return_is_due = false]() mutable -> std::optional<invoice> {
    if (std::exchange(return_is_due, false)) return generate_return(seed, index);
    if (index == orders) return std::nullopt;
    ++index;
    return_is_due = index % orders_per_return == 0;
    return generate_order(seed, index);
  };
  return source;
}

}  // namespace shop
