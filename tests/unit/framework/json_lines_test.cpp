#include "tyto/json_lines.hpp"

#include <algorithm>
#include <sstream>

#include "journals.hpp"
#include "orders.hpp"
#include "tyto/upcasting.hpp"

using tyto::errc;

namespace {

std::string exported(const tyto::event_store& journal, const tyto::export_options& options = {}) {
  std::ostringstream out;
  const auto lines = tyto::export_json_lines(journal, out, options).value();
  auto text = out.str();
  CHECK(std::count(text.begin(), text.end(), '\n') == static_cast<std::ptrdiff_t>(lines));
  return text;
}

std::shared_ptr<tyto::event_store> journal_of(const std::vector<written>& events) {
  auto journal = tyto::open_memory().journal;
  store(*journal, "order|1", events).value();
  return journal;
}

// The positions of the lines.
std::vector<int> positions_in(const std::string& text) {
  std::vector<int> found;
  std::istringstream lines{text};
  constexpr std::string_view key = R"({"position":)";
  for (std::string line; std::getline(lines, line);) {
    REQUIRE(line.starts_with(key));
    found.push_back(std::stoi(line.substr(key.size())));
  }
  return found;
}

}  // namespace

TEST_CASE("A line has all metadata and the payload") {
  const auto journal = tyto::open_memory().journal;
  auto write = std::make_shared<tyto::stream_write>();
  write->persistence_id = "order|ü \"1\"";
  auto& event = write->events.emplace_back();
  event.meta.type = "order.created";
  event.meta.schema_version = 3;
  event.meta.time = tyto::timestamp{std::chrono::microseconds{1'700'000'000'000'042}};
  event.meta.command_id = "command";
  event.meta.correlation_id = "correlation";
  event.meta.causation_id = "cause";
  event.meta.tags = {"a", "b"};
  event.payload = tyto::to_bytes(order_created{"ann"});
  tyto::append_and_wait(*journal, {{write}, {}}).value().at(0).value();
  CHECK(exported(*journal) ==
        R"({"position":1,"stream":"order|ü \"1\"","sequence_number":1,"part":0,"parts":1,"type":"order.created",)"
        R"("schema_version":3,"time":"2023-11-14T22:13:20.000042Z","command_id":"command",)"
        R"("correlation_id":"correlation","causation_id":"cause","tags":["a","b"],"decision_index":0,)"
        R"("decision_count":1,"payload":{"customer":"ann"}})"
        "\n");
}

TEST_CASE("The export holds the events of a range that the filter lets through") {
  const auto journal = journal_of({{"a"}, {"b"}, {"a"}, {"b"}, {"a"}});
  CHECK(positions_in(exported(*journal)) == std::vector{1, 2, 3, 4, 5});
  CHECK(positions_in(exported(*journal, {.from = 2, .to = 4, .filter = {}})) == std::vector{2, 3, 4});
  CHECK(positions_in(exported(*journal, {.from = 2, .filter = [](const tyto::metadata& m) {
                                           return m.type == "a";
                                         }})) == std::vector{3, 5});
  CHECK(exported(*tyto::open_memory().journal).empty());
}

TEST_CASE("An evolved journal is exported as it is today, without what was retired") {
  auto stored = tyto::open_memory();
  store(*stored.journal, "order|1", {{"a"}, {"b"}, as_written(tyto::command_rejected{"no", {}, {}})}).value();
  const auto opened = tyto::upcasting(stored, tyto::upcasters{}.retire("a").rename("b", "c"));
  CHECK(positions_in(exported(*stored.journal)) == std::vector{1, 2, 3});
  const auto text = exported(*opened.journal);
  CHECK(positions_in(text) == std::vector{2, 3});
  CHECK_THAT(
      text, Catch::Contains(R"("type":"c")") && Catch::Contains(R"("payload":{"reason":"no","code":"","refusal":{}})"));
}

TEST_CASE("A payload that is not MessagePack is an error, after the lines before it") {
  const auto payload = GENERATE(as<std::string>{}, "\x81", "\xc1", "");
  const auto journal = journal_of({{"a"}, {"b", 1, payload}});
  std::ostringstream out;
  const auto lines = tyto::export_json_lines(*journal, out);
  REQUIRE_FALSE(lines);
  CHECK(lines.error().code() == errc::undecodable);
  CHECK_THAT(lines.error().message(), Catch::Contains("position 2 (order|1, b)"));
  CHECK(positions_in(out.str()) == std::vector{1});
}

TEST_CASE("A stream that takes no more text is an error") {
  std::ostringstream out;
  out.setstate(std::ios::badbit);
  const auto lines = tyto::export_json_lines(*journal_of({{"a"}}), out);
  REQUIRE_FALSE(lines);
  CHECK(lines.error().code() == errc::io);
}
