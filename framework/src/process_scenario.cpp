#include "tyto/testing/process_scenario.hpp"

#include <algorithm>

#include "tyto/detail/utc.hpp"
#include "tyto/document.hpp"

namespace tyto::detail {

std::string difference_of_deadlines(std::vector<deadline> expected, const std::map<std::string, timestamp>& set) {
  std::ranges::sort(expected, {}, &deadline::name);
  std::vector<deadline> came;
  came.reserve(set.size());
  for (const auto& [name, due] : set) came.push_back({name, due});
  const auto items = [](const std::vector<deadline>& all) {
    std::vector<compared_item> made;
    made.reserve(all.size());
    for (const auto& each : all) {
      document fields;
      fields.set("due", to_utc(each.due));
      made.push_back({"deadline " + each.name, fields.bytes()});
    }
    return made;
  };
  return difference(items(expected), items(came), [&](std::size_t i, std::size_t j) {
    return expected[i].name == came[j].name && expected[i].due == came[j].due;
  });
}

}  // namespace tyto::detail
