// What a program has registered with its runtime, and whether it fits together. Values and pure functions: registering
// fills them in, start() checks them and makes actors of them.
#pragma once

#include <string_view>
#include <unordered_set>
#include <vector>

#include "aggregate/aggregate_memory.hpp"
#include "tyto/aggregate.hpp"
#include "tyto/consumer.hpp"
#include "tyto/process_manager.hpp"
#include "tyto/result.hpp"

namespace tyto::detail {

struct domain {
  std::unordered_set<const aggregate_definition*> aggregates;
  instance_makers makers;  // of process managers' instances
  std::vector<reaction_definition> reactions;
  std::vector<projection_definition> projections;  // each after the one that it replaces
  std::vector<deadlines_definition> deadlines;

  void add(process_manager_definition definition);

  [[nodiscard]] std::vector<std::string_view> consumer_names() const;

  /// Fails with errc::invalid_argument, saying what does not fit together.
  [[nodiscard]] result<void> check() const;
};

}  // namespace tyto::detail
