#include "known_consumers.hpp"

#include <tyto/memory_store.hpp>

#include "support/catch.hpp"

namespace tyto::survey {
namespace {

std::vector<std::string> shown(const storage& opened) {
  std::vector<std::string> lines;
  for (const auto& each : known_consumers(opened).value()) {
    lines.push_back(each.name + " of " + each.consumer + " at " + std::to_string(each.position) +
                    (each.has_rows ? ", rows" : ""));
  }
  return lines;
}

TEST_CASE("Consumers are those that have a checkpoint, projections with their rows") {
  const auto opened = open_memory();
  CHECK(shown(opened).empty());
  append_and_wait(*opened.journal, {.writes = {}, .checkpoints = {{"billing", 7}}}).value();
  opened.read_models->commit("balances", {}, {.position = 5}).value();
  CHECK(shown(opened) == std::vector<std::string>{"balances of balances at 5, rows", "billing of billing at 7"});
}

TEST_CASE("A reaction in partitions is shown as the partitions that it had last") {
  const auto opened = open_memory();
  append_and_wait(*opened.journal, {.writes = {},
                                    .checkpoints = {{"billing", 3},
                                                    {"billing#", 2},
                                                    {"billing#before", 4},
                                                    {"billing#0/4", 9},
                                                    {"billing#1/4", 9},
                                                    {"billing#0/2", 11}}})
      .value();
  CHECK(shown(opened) == std::vector<std::string>{"billing[1/2] of billing at 11", "billing[2/2] of billing at 0"});
  CHECK(names_of(known_consumers(opened).value()) == std::vector<std::string>{"billing"});
  append_and_wait(*opened.journal, {.writes = {}, .checkpoints = {{"billing#", 1}, {"billing", 12}}}).value();
  CHECK(shown(opened) == std::vector<std::string>{"billing of billing at 12"});
}

}  // namespace
}  // namespace tyto::survey
