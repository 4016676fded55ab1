#include "answers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "known_consumers.hpp"
#include "pending_deadlines.hpp"
#include "tyto/aggregate.hpp"
#include "tyto/dead_letter.hpp"
#include "tyto/detail/utc.hpp"

namespace tyto::detail {
namespace {

using json = nlohmann::ordered_json;
using namespace std::chrono_literals;

constexpr std::uint64_t most_events = 1'000;
constexpr std::size_t most_letters = 1'000;
constexpr std::size_t most_deadlines = 1'000;

std::string text_of(const json& answer) { return answer.dump(-1, ' ', false, json::error_handler_t::replace); }

int status_of(std::string_view code) {
  if (code == "invalid_argument") return 400;
  if (code == "permission") return 403;
  if (code == "handler_failed" || code == "conflict" || code == "closed" || code == "locked") return 409;
  if (code == "stopped" || code == "overloaded") return 503;
  return code == "timeout" ? 504 : 500;
}

error unusable(const std::string& name, std::string why) {
  return {errc::invalid_argument, "reading the parameter '" + name + "'", std::move(why)};
}

std::string value_of(const parameters& given, const char* name) {
  const auto found = given.find(name);
  return found == given.end() ? std::string{} : found->second;
}

// Of a parameter that is misspelt it is better to say so than to answer something else.
result<void> check_names(const parameters& given, const std::set<std::string_view>& known) {
  for (const auto& [name, value] : given) {
    if (known.contains(name)) continue;
    std::string names;
    for (const auto& each : known) names += (names.empty() ? "" : ", ") + std::string{each};
    return unusable(name, known.empty() ? "there are none here" : "there is none of this name; there are: " + names);
  }
  return {};
}

// The events are JSON already.
std::string list_of(const std::vector<std::string>& events) {
  std::string list = "[";
  for (const auto& each : events) list += (list.size() == 1 ? "" : ",") + each;
  return list + "]";
}
std::string object_of(const json& fields, const std::vector<std::string>& events) {
  auto text = text_of(fields);
  text.insert(1, "\"events\":" + list_of(events) + ",");
  return text;
}
json number_or_null(const std::optional<std::uint64_t>& number) { return number ? json(*number) : json(nullptr); }

// --- what is asked for

result<std::string> answer_events(const answering& with, const parameters& given) {
  auto wanted = parse_wanted(given, {"from", "before", "limit"});
  if (!wanted) return std::move(wanted).error();
  const auto& journal = *with.what.stores().journal;
  auto head = journal.head();
  if (!head) return std::move(head).error();
  auto limit = parse_number(given, "limit", 100);
  if (!limit) return std::move(limit).error();
  wanted->limit = std::clamp<std::uint64_t>(*limit, 1, most_events);
  if (given.contains("from") && given.contains("before")) {
    return unusable("before", "it goes back from there, and 'from' goes forward: give one of them");
  }
  if (given.contains("from")) {
    auto from = parse_number(given, "from", 1);
    if (!from) return std::move(from).error();
    auto found = events_from(journal, *from, *wanted);
    if (!found) return std::move(found).error();
    return object_of({{"next", number_or_null(found->goes_on)}, {"head", *head}}, found->events);
  }
  auto before = parse_number(given, "before", *head + 1);
  if (!before) return std::move(before).error();
  auto found = events_before(journal, std::min(*before, *head + 1), *wanted);
  if (!found) return std::move(found).error();
  return object_of({{"before", number_or_null(found->goes_on)}, {"head", *head}}, found->events);
}

std::string_view name_of(stream_state state) {
  constexpr std::array<std::string_view, 3> names{"open", "closed", "deleted"};
  return names.at(static_cast<std::size_t>(state));
}

result<std::string> answer_stream(const answering& with, const parameters& given) {
  if (auto known = check_names(given, {"name", "from", "limit"}); !known) return std::move(known).error();
  const auto name = value_of(given, "name");
  auto limit = parse_number(given, "limit", 200);
  if (!limit) return std::move(limit).error();
  std::optional<std::uint64_t> from;
  if (given.contains("from")) {
    auto number = parse_number(given, "from", 1);
    if (!number) return std::move(number).error();
    from = *number;
  }
  auto found =
      events_of_stream(*with.what.stores().journal, name, from, std::clamp<std::uint64_t>(*limit, 1, most_events));
  if (!found) return std::move(found).error();
  return object_of({{"name", name},
                    {"version", found->known.version},
                    {"first", found->known.first},
                    {"state", name_of(found->known.state)},
                    {"next", number_or_null(found->found.goes_on)}},
                   found->found.events);
}

result<std::string> answer_trace(const answering& with, const parameters& given) {
  if (auto known = check_names(given, {"id", "from"}); !known) return std::move(known).error();
  wanted_events wanted;
  wanted.limit = most_events;
  wanted.which.correlation = value_of(given, "id");
  if (wanted.which.correlation->empty())
    return unusable("id", "it is the correlation id that the events have: name one");
  auto from = parse_number(given, "from", 1);
  if (!from) return std::move(from).error();
  const auto& journal = *with.what.stores().journal;
  auto head = journal.head();
  if (!head) return std::move(head).error();
  auto found = events_from(journal, *from, wanted, json_with_cause);
  if (!found) return std::move(found).error();
  return object_of({{"id", *wanted.which.correlation}, {"next", number_or_null(found->goes_on)}, {"head", *head}},
                   found->events);
}

// Where no runtime tells, what the storage says.
result<json> status_of_storage(const storage& opened, const std::vector<survey::known_consumer>& known) {
  auto head = opened.journal->head();
  if (!head) return std::move(head).error();
  std::map<std::string, std::size_t> parked;
  for (const auto& name : survey::names_of(known)) {
    auto letters = tyto::dead_letters(*opened.journal, name);
    if (!letters) return std::move(letters).error();
    parked[name] = letters->size();
  }
  auto consumers = json::array();
  for (const auto& each : known) {
    consumers.push_back({{"name", each.name},
                         {"consumer", each.consumer},
                         {"position", each.position},
                         {"lag", *head - std::min(*head, each.position)},
                         {"parked", parked[each.consumer]}});
  }
  return json{{"head", *head}, {"consumers", std::move(consumers)}};
}

result<std::string> answer_status(const answering& with, const parameters& given) {
  if (auto known = check_names(given, {}); !known) return std::move(known).error();
  auto known = survey::known_consumers(with.what.stores());
  if (!known) return std::move(known).error();
  json made{{"title", with.title}, {"may_act", with.may_act}};
  auto told = with.what.ask({{"do", "status"}});
  made["live"] = told.value("ok", false);
  if (!made["live"]) {
    made["why_not_live"] = told.value("message", std::string{});
    auto stored = status_of_storage(with.what.stores(), *known);
    if (!stored) return std::move(stored).error();
    told = *std::move(stored);
  }
  told.erase("ok");
  made.update(told);
  std::map<std::string, bool> has_rows;
  for (const auto& each : *known) has_rows[each.consumer] = each.has_rows;
  for (auto& each : made["consumers"]) {
    const auto found = has_rows.find(each.value("consumer", std::string{}));
    each["kind"] = found == has_rows.end() ? json(nullptr) : json(found->second ? "projection" : "reaction");
  }
  return text_of(made);
}

json shown(const std::string& consumer, const dead_letter& letter) {
  const auto& event = letter.event;
  json made{{"consumer", consumer},
            {"position", event.position},
            {"key", event.key},
            {"has_known_key", event.has_known_key},
            {"stream", event.persistence_id},
            {"type", event.type},
            {"reason", event.reason},
            {"attempts", event.attempts},
            {"since", to_utc(letter.since)}};
  if (event.part) made["part"] = *event.part;
  return made;
}

result<std::string> answer_dead_letters(const answering& with, const parameters& given) {
  if (auto named = check_names(given, {"consumer"}); !named) return std::move(named).error();
  auto known = survey::known_consumers(with.what.stores());
  if (!known) return std::move(known).error();
  auto names = survey::names_of(*known);
  if (given.contains("consumer")) names = {value_of(given, "consumer")};
  auto listed = json::array();
  std::uint64_t unlisted = 0;
  for (const auto& name : names) {
    auto letters = tyto::dead_letters(*with.what.stores().journal, name);
    if (!letters) return std::move(letters).error();
    for (const auto& each : *letters) {
      if (listed.size() < most_letters) {
        listed.push_back(shown(name, each));
      } else {
        ++unlisted;
      }
    }
  }
  return text_of({{"letters", std::move(listed)}, {"unlisted", unlisted}});
}

result<std::string> answer_deadlines(const answering& with, const parameters& given) {
  if (auto known = check_names(given, {}); !known) return std::move(known).error();
  auto deadlines = survey::pending_deadlines(with.what.stores());
  if (!deadlines) return std::move(deadlines).error();
  std::ranges::stable_sort(*deadlines, {}, &survey::pending_deadline::due);
  auto listed = json::array();
  for (const auto& each : *deadlines) {
    if (listed.size() == most_deadlines) break;
    listed.push_back({{"process_manager", each.process_manager},
                      {"instance", each.instance},
                      {"name", each.name},
                      {"due", to_utc(each.due)}});
  }
  const auto unlisted = deadlines->size() - listed.size();
  return text_of({{"deadlines", std::move(listed)}, {"unlisted", unlisted}});
}

result<std::string> answer_history(const answering& with, const parameters& given) {
  if (auto known = check_names(given, {"after"}); !known) return std::move(known).error();
  auto after = parse_number(given, "after", 0);
  if (!after) return std::move(after).error();
  return text_of(with.past.since(*after));
}

struct data_path {
  std::string_view path;
  result<std::string> (*answer)(const answering&, const parameters&);
};
constexpr std::array data_paths{
    data_path{"/api/events", answer_events},       data_path{"/api/stream", answer_stream},
    data_path{"/api/trace", answer_trace},         data_path{"/api/status", answer_status},
    data_path{"/api/history", answer_history},     data_path{"/api/dead-letters", answer_dead_letters},
    data_path{"/api/deadlines", answer_deadlines},
};

constexpr std::array<std::string_view, 5> acts{"replay", "discard", "pause", "resume", "reset"};

std::string_view act_of(std::string_view path) {
  constexpr std::string_view before = "/api/";
  if (!path.starts_with(before)) return {};
  const auto* const found = std::ranges::find(acts, path.substr(before.size()));
  return found == acts.end() ? std::string_view{} : *found;
}

// What the runtime answers goes on as it is, but for "ok", which the status says.
reply passed_on(json answer) {
  const bool is_done = answer.value("ok", false);
  answer.erase("ok");
  return {is_done ? 200 : status_of(answer.value("code", std::string{})), text_of(answer)};
}

}  // namespace

reply refuse(int status, std::string_view code, std::string_view message) {
  return {status, text_of({{"code", code}, {"message", message}})};
}

reply refuse(const error& why) { return refuse(status_of(name(why.code())), name(why.code()), why.message()); }

result<std::uint64_t> parse_number(const parameters& given, const char* name, std::uint64_t otherwise) {
  const auto found = given.find(name);
  if (found == given.end()) return otherwise;
  const auto& text = found->second;
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed == std::errc{} && end == text.data() + text.size()) return number;
  return unusable(name, "it is a whole number from 0 to 18446744073709551615");
}

result<wanted_events> parse_wanted(const parameters& given, std::initializer_list<std::string_view> others) {
  std::set<std::string_view> known{"type", "category", "stream", "correlation", "where"};
  known.insert(others);
  if (auto checked = check_names(given, known); !checked) return std::move(checked).error();
  wanted_events made;
  const auto each_value = [&given](const char* name, const auto& use) {
    const auto [begin, end] = given.equal_range(name);
    for (auto at = begin; at != end; ++at) use(at->second);
  };
  each_value("type", [&](const std::string& value) { made.which.only.types.push_back(value); });
  each_value("category", [&](const std::string& value) { made.which.only.categories.push_back(value); });
  made.stream = value_of(given, "stream");
  if (given.contains("correlation")) made.which.correlation = value_of(given, "correlation");
  std::optional<error> wrong;
  each_value("where", [&](const std::string& value) {
    auto condition = survey::field_condition::parse(value);
    if (condition) {
      made.which.where.push_back(*std::move(condition));
    } else {
      wrong = unusable("where", condition.error().detail());
    }
  });
  if (wrong) return *std::move(wrong);
  return made;
}

bool is_data_path(std::string_view path) {
  return path == "/api/health" || std::ranges::find(data_paths, path, &data_path::path) != data_paths.end();
}
bool is_act_path(std::string_view path) { return !act_of(path).empty(); }

reply answer_get(const answering& with, std::string_view path, const parameters& given) try {
  if (path == "/api/health") {
    if (auto known = check_names(given, {}); !known) return refuse(known.error());
    return passed_on(with.what.ask({{"do", "health"}}));
  }
  const auto* const found = std::ranges::find(data_paths, path, &data_path::path);
  auto answer = found->answer(with, given);
  return answer ? reply{200, *std::move(answer)} : refuse(answer.error());
} catch (const std::bad_alloc&) {
  throw;
} catch (...) {
  return refuse(handler_failure("answering a request"));
}

reply answer_post(const answering& with, std::string_view path, const std::string& body) try {
  auto given = json::parse(body, nullptr, false);
  if (!given.is_object() || given.contains("do")) {
    return refuse(400, "invalid_argument", R"(the body is a JSON object such as {"consumer":"billing"})");
  }
  json asked{{"do", act_of(path)}};
  asked.update(given);
  return passed_on(with.what.ask(asked));
} catch (const std::bad_alloc&) {
  throw;
} catch (...) {
  return refuse(handler_failure("answering a request"));
}

}  // namespace tyto::detail
