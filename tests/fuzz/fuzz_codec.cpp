// Payloads as MessagePack, decoded into a type with every kind of member, opened as a document, and shown as JSON.
#include <array>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <variant>

#include "harness.hpp"
#include "tyto/document.hpp"
#include "tyto/event.hpp"

namespace tyto::fuzz {
namespace {

enum class colour { red, green };

struct line {
  std::string code;
  std::int32_t quantity = 0;
};
TYTO_VALUE(line, code, quantity)

struct everything {
  std::string text;
  std::vector<line> lines;
  std::map<std::string, std::uint8_t> counts;
  std::optional<double> ratio;
  std::set<std::int64_t> numbers;
  std::array<bool, 2> flags{};
  std::pair<std::uint16_t, std::string> pair;
  colour paint = colour::red;
  timestamp at;
  std::chrono::milliseconds took{};
  std::map<std::int64_t, std::vector<std::string>> by_number;
};
TYTO_VALUE(everything, text, lines, counts, ratio, numbers, flags, pair, paint, at, took, by_number)

}  // namespace

std::vector<std::string> seeds() {
  everything x;
  x.text = "größe";
  x.lines = {{"A-1", 3}, {"B-2", -70'000}};
  x.counts = {{"one", 1}, {"two", 200}};
  x.ratio = 0.25;
  x.numbers = {-1, 0, 1'000'000'000'000};
  x.pair = {65'535, "p"};
  x.by_number = {{-5, {"a", "b"}}, {7, {}}};
  return {to_bytes(x), to_bytes(everything{}), to_bytes(x.lines), to_bytes(x.by_number)};
}

void run(std::string_view input) {
  if (auto x = from_bytes<everything>(input)) {
    const auto bytes = to_bytes(*x);
    const auto again = from_bytes<everything>(bytes);
    require(bool{again}, "what is encoded can be decoded");
    require(to_bytes(*again) == bytes, "what is decoded is what was encoded");
  }
  if (auto fields = document::open(input)) {
    const auto bytes = fields->bytes();
    require(bool{document::open(bytes)}, "a document can be opened again");
    (void)fields->get<std::string>("text");
    (void)fields->erase("lines");
    fields->set("text", std::string{"new"});
    require(fields->get<std::string>("text").value() == "new", "a field that is set is there");
  }
  const auto text = to_json(input);
  if (!text.starts_with('<')) require(nlohmann::json::accept(text), "a payload is shown as JSON");
  require(text.find('\n') == std::string::npos, "JSON is one line");
}

}  // namespace tyto::fuzz
