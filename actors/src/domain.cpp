#include "domain.hpp"

#include <cstddef>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace tyto::detail {
namespace {

constexpr std::size_t max_consumer_name_bytes = 200;
constexpr std::size_t max_partitions = 256;
constexpr std::string_view reserved_prefix = "tyto.";

error misfit(std::string what) { return {errc::invalid_argument, "starting the runtime", std::move(what)}; }

std::string in_quotes(std::string_view name) { return "'" + std::string{name} + "'"; }

result<void> check_types(const aggregate_definition& aggregate, std::map<std::string_view, const event_type*>& known) {
  for (const auto* type : aggregate.events) {
    if (type->name.starts_with(reserved_prefix) && type != &type_of<deadline_reached>() &&
        type != &type_of<deadlines_dropped>()) {
      return misfit("the stored name " + in_quotes(type->name) + " begins with " + in_quotes(reserved_prefix) +
                    ", which is Tyto's own");
    }
    if (known.emplace(type->name, type).first->second != type) {
      return misfit("two event types have the stored name " + in_quotes(type->name));
    }
  }
  return {};
}

result<void> check_aggregates(const std::unordered_set<const aggregate_definition*>& aggregates) {
  std::map<std::string_view, const event_type*> types;
  std::set<std::string_view> categories;
  for (const auto* each : aggregates) {
    if (!categories.insert(each->category).second) {
      return misfit("two aggregates have the category " + in_quotes(each->category));
    }
    if (each->category.empty() || each->category.find('|') != std::string_view::npos) {
      return misfit(in_quotes(each->category) + " is no category: it is empty or holds a '|'");
    }
    if (auto usable = check_persistence_id(make_persistence_id(each->category, "1")); !usable) {
      return misfit(in_quotes(each->category) + " is no category for streams: " + usable.error().detail());
    }
    if (each->category.starts_with(reserved_prefix)) {
      return misfit("the category " + in_quotes(each->category) + " begins with " + in_quotes(reserved_prefix) +
                    ", which is Tyto's own");
    }
    if (auto checked = check_types(*each, types); !checked) return checked;
  }
  return {};
}

result<void> check_consumer(const consumer_definition& checked, bool has_handlers,
                            std::set<std::string_view>& known_names) {
  const std::string& name = checked.name;
  if (name.empty() || name.size() > max_consumer_name_bytes || name.find('\0') != std::string::npos) {
    return misfit(in_quotes(name) + " is no name for a consumer: 1 to " + std::to_string(max_consumer_name_bytes) +
                  " bytes without NUL");
  }
  if (name.find('#') != std::string::npos)
    return misfit(in_quotes(name) + " is no name for a consumer: it holds a '#'");
  if (!known_names.insert(name).second) return misfit("two consumers have the name " + in_quotes(name));
  if (checked.partitions == 0 || checked.partitions > max_partitions) {
    return misfit("consumer " + in_quotes(name) + " has " + std::to_string(checked.partitions) +
                  " partitions; it must be 1 to " + std::to_string(max_partitions));
  }
  if (!has_handlers) return misfit("consumer " + in_quotes(name) + " handles no events");
  return {};
}

}  // namespace

void domain::add(process_manager_definition definition) {
  aggregates.insert(definition.instances);
  makers.emplace(definition.instances, std::move(definition.create));
  reactions.push_back(std::move(definition.input));
  reactions.push_back(std::move(definition.output));
  deadlines.push_back(std::move(definition.deadlines));
}

std::vector<std::string_view> domain::consumer_names() const {
  std::vector<std::string_view> names;
  for (const auto& each : reactions) names.push_back(each.name);
  for (const auto& each : projections) names.push_back(each.name);
  for (const auto& each : deadlines) names.push_back(each.name);
  return names;
}

result<void> domain::check() const {
  if (auto checked = check_aggregates(aggregates); !checked) return checked;
  std::set<std::string_view> names;
  const auto check_each = [&names](const auto& consumers) -> result<void> {
    for (const auto& each : consumers) {
      if (auto checked = check_consumer(each, !each.handlers.empty(), names); !checked) return checked;
    }
    return {};
  };
  if (auto checked = check_each(reactions); !checked) return checked;
  if (auto checked = check_each(projections); !checked) return checked;
  std::set<std::string_view> before;
  for (const auto& each : projections) {
    if (!each.replaces.empty() && !before.contains(each.replaces)) {
      return misfit("projection " + in_quotes(each.name) + " replaces " + in_quotes(each.replaces) +
                    ", which must be registered before it");
    }
    before.insert(each.name);
  }
  return check_each(deadlines);
}

}  // namespace tyto::detail
