#include "mcp/journal_tools.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "event_reader.hpp"
#include "known_consumers.hpp"
#include "sql_rows.hpp"
#include "table.hpp"
#include "time_text.hpp"
#include "trace_tree.hpp"
#include "tyto/codec.hpp"
#include "tyto/detail/utc.hpp"
#include "tyto/json_lines.hpp"
#include "tyto/lmdb_store.hpp"

namespace tyto::tool {
namespace {

constexpr std::uint64_t usual_rows = 100;

// Things of which only so many fit into an answer.
class bounded_list {
 public:
  explicit bounded_list(std::uint64_t rows) : rows_(rows) {}

  /// Returns whether it was added; else the list is full, and the answer will say so.
  bool add(json row) {
    const auto size = to_text(row).size();
    if (list_.size() >= rows_ || (bytes_ + size > max_answer_bytes && !list_.empty())) {
      is_cut_ = true;
      return false;
    }
    bytes_ += size;
    list_.push_back(std::move(row));
    return true;
  }
  json finish(const char* name) && { return {{name, std::move(list_)}, {"more", is_cut_}}; }

 private:
  std::uint64_t rows_;
  std::size_t bytes_ = 0;
  bool is_cut_ = false;
  json list_ = json::array();
};

result<json> event_object(const event_view& event) {
  auto line = to_json_line(event);
  if (!line) return std::move(line).error();
  return json::parse(*line);
}

error bad_argument(std::string_view name, std::string_view why) {
  return {errc::invalid_argument, fmt::format("reading the argument '{}'", name), std::string{why}};
}

// The arguments have been compared with the tool's schema.
std::uint64_t number(const json& arguments, const char* name, std::uint64_t otherwise) {
  return arguments.value(name, otherwise);
}
std::uint64_t limit_of(const json& arguments) {
  return std::clamp<std::uint64_t>(number(arguments, "limit", usual_rows), 1, max_answer_rows);
}

result<std::optional<timestamp>> time_in(const json& arguments, const char* name) {
  if (!arguments.contains(name)) return std::optional<timestamp>{};
  auto time = parse_time(arguments[name].get<std::string>(), true, system_clock()->now());
  if (!time) return std::move(time).error();
  return std::optional{*time};
}

json schema_of(json properties, std::vector<std::string> required) {
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", std::move(required)},
          {"additionalProperties", false}};
}
json text_argument(const char* what) { return {{"type", "string"}, {"description", what}}; }
json number_argument(const char* what) { return {{"type", "integer"}, {"minimum", 0}, {"description", what}}; }
json limit_argument() {
  return {{"type", "integer"},
          {"minimum", 1},
          {"maximum", max_answer_rows},
          {"description", "at most so many; 100 if left out"}};
}

// Compares `arguments` with a schema as schema_of() makes it.
result<void> check(const json& arguments, const json& schema) {
  for (const auto& name : schema["required"]) {
    if (!arguments.contains(name.get<std::string>())) return bad_argument(name.get<std::string>(), "it is missing");
  }
  for (const auto& [name, value] : arguments.items()) {
    if (!schema["properties"].contains(name)) return bad_argument(name, "there is no such argument");
    const auto& wanted = schema["properties"][name];
    const auto& type = wanted["type"];
    if (type == "string" && !value.is_string()) return bad_argument(name, "it must be a string");
    if (type == "integer" &&
        (!value.is_number_integer() || (!value.is_number_unsigned() && value.get<std::int64_t>() < 0))) {
      return bad_argument(name, "it must be a whole number that is not negative");
    }
    if (type != "array") continue;
    if (!value.is_array() || !std::ranges::all_of(value, [](const json& each) { return each.is_string(); })) {
      return bad_argument(name, "it must be a list of strings");
    }
  }
  return {};
}

}  // namespace

struct journal_tools::offer {
  std::string name;
  std::string what;
  json schema;
  result<json> (journal_tools::*call)(const json&) const;
};

const std::vector<journal_tools::offer>& journal_tools::all() {
  static const std::vector<offer> offers{
      {"journal_info",
       "Says what the journal is: its id, the position of its last event, when the first and the last happened, "
       "and which types of events and categories of streams there are, with their numbers.",
       schema_of(json::object(), {}), &journal_tools::info},
      {"list_streams", "Lists streams by name. A stream is the history of one thing, named category|entity.",
       schema_of({{"category", text_argument("only streams of this category")},
                  {"after", text_argument("only streams whose names sort behind this one: for the next page")},
                  {"limit", limit_argument()}},
                 {}),
       &journal_tools::streams},
      {"read_stream", "Returns the events of one stream in order.",
       schema_of({{"stream", text_argument("category|entity")},
                  {"from", number_argument("the number of the first event in the stream")},
                  {"limit", limit_argument()}},
                 {"stream"}),
       &journal_tools::stream},
      {"search_events", "Returns events in the order in which they happened, that fit everything that is given.",
       schema_of({{"type", text_argument("of this type")},
                  {"category", text_argument("of streams of this category")},
                  {"since", text_argument("at this time or later: 2h or 3d ago, 2026-03-02T09:30Z")},
                  {"until", text_argument("before this time")},
                  {"where",
                   {{"type", "array"},
                    {"items", {{"type", "string"}}},
                    {"description",
                     "fields of the payload that have a value, each FIELD=VALUE, such as "
                     "address.city=Oslo"}}},
                  {"text", text_argument("that have this text in their payload")},
                  {"from", number_argument("the first position: for the next page")},
                  {"limit", limit_argument()}},
                 {}),
       &journal_tools::search},
      {"list_consumers", "Lists consumers (reactions and projections), how far each is, and its dead letters.",
       schema_of(json::object(), {}), &journal_tools::consumers},
      {"dead_letters", "Lists events that a consumer could not handle, and why.",
       schema_of({{"consumer", text_argument("only of this consumer")}, {"limit", limit_argument()}}, {}),
       &journal_tools::dead_letters},
      {"trace",
       "Returns what one request set off: all events with its correlation id, each with the event that caused "
       "it and the consumer that led from one to the other.",
       schema_of({{"correlation_id", text_argument("as events have it")}, {"limit", limit_argument()}},
                 {"correlation_id"}),
       &journal_tools::trace},
      {"sql",
       "Asks in SQLite's SQL. Tables: events(position, time, stream, category, id, sequence, type, correlation, "
       "causation, command, tags, payload as JSON), streams, consumers, dead_letters, and one for each "
       "projection. Use json_extract(payload, '$.field').",
       schema_of({{"query", text_argument("one SELECT")}, {"limit", limit_argument()}}, {"query"}),
       &journal_tools::sql},
  };
  return offers;
}

json journal_tools::list() {
  auto listed = json::array();
  for (const auto& each : all()) {
    listed.push_back({{"name", each.name},
                      {"description", each.what},
                      {"inputSchema", each.schema},
                      {"annotations", {{"readOnlyHint", true}, {"openWorldHint", false}}}});
  }
  return listed;
}

result<json> journal_tools::call(const std::string& name, const json& arguments) const {
  const auto found = std::ranges::find(all(), name, &offer::name);
  if (found == all().end()) {
    return error{errc::invalid_argument, "calling '" + name + "'", "there is no such tool; tools/list names them"};
  }
  if (auto right = check(arguments, found->schema); !right) return std::move(right).error();
  return (this->*found->call)(arguments);
}

result<json> journal_tools::info(const json&) const {
  auto described = describe(directory_);
  if (!described) return std::move(described).error();
  auto head = opened_.journal->head();
  if (!head) return std::move(head).error();
  std::map<std::string, std::uint64_t> types;
  std::map<std::string, std::uint64_t> categories;
  std::optional<timestamp> first;
  std::optional<timestamp> last;
  auto seen = scan(*opened_.journal, {1, *head}, {}, [&](const event_view& event) {
    ++types[event.meta.type];
    ++categories[std::string{event.meta.category()}];
    if (!first) first = event.meta.time;
    last = event.meta.time;
  });
  if (!seen) return std::move(seen).error();
  json made{{"journal", described->journal_id}, {"head", *head}};
  made["first_event"] = first ? json(detail::to_utc(*first)) : json(nullptr);
  made["last_event"] = last ? json(detail::to_utc(*last)) : json(nullptr);
  made["types"] = types;
  made["categories"] = categories;
  return made;
}

result<json> journal_tools::streams(const json& arguments) const {
  event_selection which;
  if (arguments.contains("category")) which.only.categories = {arguments["category"].get<std::string>()};
  const auto after = arguments.value("after", std::string{});
  std::map<std::string, std::uint64_t> events;
  auto seen = scan(*opened_.journal, {}, which, [&](const event_view& event) {
    if (event.meta.persistence_id > after) ++events[event.meta.persistence_id];
  });
  if (!seen) return std::move(seen).error();
  bounded_list listed{limit_of(arguments)};
  for (const auto& [name, count] : events) {
    if (!listed.add({{"stream", name}, {"events", count}})) break;
  }
  return std::move(listed).finish("streams");
}

result<json> journal_tools::stream(const json& arguments) const {
  const auto name = arguments["stream"].get<std::string>();
  if (auto usable = check_persistence_id(name); !usable) return std::move(usable).error();
  bounded_list listed{limit_of(arguments)};
  auto known =
      read_stream(*opened_.journal, name, number(arguments, "from", 1), [&](const event_view& event) -> result<visit> {
        auto object = event_object(event);
        if (!object) return std::move(object).error();
        return listed.add(*std::move(object)) ? visit::next : visit::stop;
      });
  if (!known) return std::move(known).error();
  if (known->version == 0)
    return error{errc::invalid_argument, "reading '" + name + "'", "there is no such stream; list_streams names them"};
  auto made = std::move(listed).finish("events");
  made["version"] = known->version;
  return made;
}

result<json> journal_tools::search(const json& arguments) const {
  event_selection which;
  if (arguments.contains("type")) which.only.types = {arguments["type"].get<std::string>()};
  if (arguments.contains("category")) which.only.categories = {arguments["category"].get<std::string>()};
  for (const auto& [name, to] : {std::pair{"since", &which.since}, std::pair{"until", &which.until}}) {
    auto time = time_in(arguments, name);
    if (!time) return std::move(time).error();
    *to = *time;
  }
  for (const auto& each : arguments.value("where", json::array())) {
    auto condition = field_condition::parse(each.get<std::string>());
    if (!condition) return std::move(condition).error();
    which.where.push_back(*std::move(condition));
  }
  const auto text = arguments.value("text", std::string{});
  bounded_list listed{limit_of(arguments)};
  auto seen =
      read(*opened_.journal, {number(arguments, "from", 1)}, which, [&](const event_view& event) -> result<visit> {
        if (!text.empty() && to_json(event.payload).find(text) == std::string::npos) return visit::next;
        auto object = event_object(event);
        if (!object) return std::move(object).error();
        return listed.add(*std::move(object)) ? visit::next : visit::stop;
      });
  if (!seen) return std::move(seen).error();
  return std::move(listed).finish("events");
}

result<json> journal_tools::consumers(const json&) const {
  auto known = survey::known_consumers(opened_);
  if (!known) return std::move(known).error();
  auto head = opened_.journal->head();
  if (!head) return std::move(head).error();
  auto listed = json::array();
  for (const auto& each : *known) {
    auto letters = tyto::dead_letters(*opened_.journal, each.consumer);
    if (!letters) return std::move(letters).error();
    listed.push_back({{"consumer", each.name},
                      {"kind", each.has_rows ? "projection" : "reaction"},
                      {"position", each.position},
                      {"lag", *head - std::min(*head, each.position)},
                      {"dead_letters", letters->size()}});
  }
  return json{{"consumers", std::move(listed)}, {"head", *head}};
}

result<json> journal_tools::dead_letters(const json& arguments) const {
  auto known = survey::known_consumers(opened_);
  if (!known) return std::move(known).error();
  auto names = names_of(*known);
  if (arguments.contains("consumer")) {
    const auto wanted = arguments["consumer"].get<std::string>();
    if (std::ranges::find(names, wanted) == names.end()) {
      return bad_argument("consumer", "there is no such consumer; list_consumers names them");
    }
    names = {wanted};
  }
  bounded_list listed{limit_of(arguments)};
  for (const auto& name : names) {
    auto letters = tyto::dead_letters(*opened_.journal, name);
    if (!letters) return std::move(letters).error();
    for (const auto& [event, since] : *letters) {
      if (!listed.add({{"consumer", name},
                       {"position", event.position},
                       {"part", event.part ? json(*event.part) : json(nullptr)},
                       {"key", event.key},
                       {"stream", event.persistence_id},
                       {"type", event.type},
                       {"reason", event.reason},
                       {"attempts", event.attempts},
                       {"since", detail::to_utc(since)}})) {
        return std::move(listed).finish("dead_letters");
      }
    }
  }
  return std::move(listed).finish("dead_letters");
}

result<json> journal_tools::trace(const json& arguments) const {
  event_selection which;
  which.correlation = arguments["correlation_id"].get<std::string>();
  const auto limit = limit_of(arguments);
  std::vector<recorded_event> events;
  bool is_cut = false;
  auto seen = read(*opened_.journal, {}, which, [&](const event_view& event) -> result<visit> {
    if (events.size() == limit) {
      is_cut = true;
      return visit::stop;
    }
    events.push_back({event.meta, std::string{event.payload}, nullptr, nullptr});
    return visit::next;
  });
  if (!seen) return std::move(seen).error();
  const auto traced = survey::trace(std::move(events));
  bounded_list listed{limit};
  for (const auto& each : traced) {
    auto object = event_object({each.event.meta, each.event.payload});
    if (!object) return std::move(object).error();
    (*object)["caused_by"] = each.cause ? json(traced[*each.cause].event.meta.position) : json(nullptr);
    (*object)["consumer"] = each.consumer.empty() ? json(nullptr) : json(each.consumer);
    if (!listed.add(*std::move(object))) break;
  }
  auto made = std::move(listed).finish("events");
  if (is_cut) made["more"] = true;
  return made;
}

result<json> journal_tools::sql(const json& arguments) const {
  bounded_list listed{limit_of(arguments)};
  const sql::query_limits limits{.max_rows = limit_of(arguments), .time = std::chrono::seconds{30}};
  auto asked = query_rows(opened_, arguments["query"].get<std::string>(), limits,
                          [&](const std::vector<std::string>&, json row) {
                            return listed.add(std::move(row)) ? visit::next : visit::stop;
                          });
  if (!asked) return std::move(asked).error();
  auto made = std::move(listed).finish("rows");
  if (asked->has_more) made["more"] = true;
  return made;
}

}  // namespace tyto::tool
