#include "control/control_request.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <utility>

#include "time_limit.hpp"
#include "tyto/aggregate.hpp"
#include "tyto/detail/utc.hpp"

namespace tyto::detail {
namespace {

using json = nlohmann::ordered_json;

constexpr auto reading_it = "reading a request";

std::string line_of(const json& answer) { return answer.dump(-1, ' ', false, json::error_handler_t::replace) + '\n'; }

// --- what was asked: any bytes become an object whose fields are known and have the right types

struct field {
  enum class content : std::uint8_t { text, number };
  std::string_view name;
  content type = content::text;
  bool is_required = true;
};

struct request_kind {
  std::string_view name;
  std::span<const field> fields;  // besides "do"
  result<json> (*answer)(const json& asked, controlled& to);
};

std::string cited(const std::string& name) {
  constexpr std::size_t shown = 64;
  return "'" + (name.size() > shown ? name.substr(0, shown) + "..." : name) + "'";
}

error unusable(std::string why) { return {errc::invalid_argument, reading_it, std::move(why)}; }

result<json> parse(std::string_view line) {
  std::set<std::string> names;
  std::string given_twice;
  const auto notice = [&](int depth, json::parse_event_t event, const json& value) {
    if (event != json::parse_event_t::key || depth != 1) return true;
    if (auto name = value.get<std::string>(); !names.insert(name).second) given_twice = std::move(name);
    return true;
  };
  try {
    auto asked = json::parse(line, notice);
    if (!asked.is_object()) return unusable(R"(a request is a JSON object, for example {"do":"status"})");
    if (!given_twice.empty()) return unusable("the field " + cited(given_twice) + " is there twice");
    return asked;
  } catch (const json::parse_error& failed) {
    return unusable("it is not JSON in UTF-8, at byte " + std::to_string(failed.byte) +
                    R"(; a request is a line like {"do":"status"})");
  } catch (const json::exception&) {
    return unusable("it holds a number that is too large");
  }
}

std::string text_of(const json& asked, const char* name) { return asked.at(name).get<std::string>(); }

std::string fields_of(const request_kind& kind) {
  std::string listed = "'do'";
  for (const auto& each : kind.fields) listed += ", '" + std::string{each.name} + "'";
  return listed;
}

std::string field_of(const request_kind& kind, const std::string& name) {
  return "field " + cited(name) + " of the request " + cited(std::string{kind.name});
}

result<void> check_fields(const json& asked, const request_kind& kind) {
  for (const auto& [name, value] : asked.items()) {
    if (name == "do") continue;
    const auto known = std::ranges::find(kind.fields, name, &field::name);
    if (known == kind.fields.end()) {
      return unusable("there is no " + field_of(kind, name) + ", which has: " + fields_of(kind));
    }
    if (known->type == field::content::text && !value.is_string()) {
      return unusable("the " + field_of(kind, name) + " must be a text");
    }
    if (known->type == field::content::number && !value.is_number_unsigned()) {
      return unusable("the " + field_of(kind, name) + " must be a whole number from 0 to 18446744073709551615");
    }
  }
  for (const auto& each : kind.fields) {
    if (each.is_required && !asked.contains(each.name)) {
      return unusable("the " + field_of(kind, std::string{each.name}) + " is missing");
    }
  }
  return {};
}

// --- answers

json shown(const command_counts& of) {
  return {{"commands", of.commands},       {"rejections", of.rejections}, {"conflicts", of.conflicts},
          {"repetitions", of.repetitions}, {"recoveries", of.recoveries}, {"snapshots_used", of.snapshots_used}};
}

json done() { return {{"ok", true}}; }

result<json> done_or(const result<void>& outcome) {
  if (!outcome) return outcome.error();
  return done();
}

json shown(const consumer_status& of) {
  return {{"name", of.name},
          {"consumer", of.consumer},
          {"state", name(of.state)},
          {"position", of.position},
          {"lag", of.lag},
          {"lag_time_us", of.lag_time.count()},
          {"events_per_second", of.events_per_second},
          {"failures", of.failures},
          {"parked", of.parked},
          {"last_error", of.last_error},
          {"refused", of.refused},
          {"last_refusal", of.last_refusal}};
}

result<json> answer_status(const json&, controlled& to) {
  const auto now = to.status();
  auto consumers = json::array();
  for (const auto& each : now.consumers) consumers.push_back(shown(each));
  auto unregistered = json::array();
  for (const auto& each : now.unregistered) {
    unregistered.push_back({{"name", each.name}, {"position", each.position}, {"parked", each.parked}});
  }
  return json{{"ok", true},
              {"process", ::getpid()},
              {"version", TYTO_VERSION},
              {"running", to.is_running()},
              {"head", now.head},
              {"commits", now.commits},
              {"aggregates", shown(now.aggregates)},
              {"commit_events", now.commit_events.of},
              {"commit_events_sum", now.commit_events.sum},
              {"commit_times_us", now.commit_times.of},
              {"commit_times_us_sum", now.commit_times.sum},
              {"live_aggregates", now.live_aggregates},
              {"commands_in_flight", now.commands_in_flight},
              {"consumers", std::move(consumers)},
              {"unregistered", std::move(unregistered)}};
}

result<json> answer_health(const json&, controlled& to) {
  const auto report = to.health();
  auto problems = json::array();
  for (const auto& each : report.problems) {
    problems.push_back({{"subject", each.subject},
                        {"code", name(each.why.code())},
                        {"message", each.why.message()},
                        {"since", to_utc(each.since)},
                        {"times", each.times}});
  }
  return json{
      {"ok", true}, {"healthy", report.is_healthy()}, {"problems", std::move(problems)}, {"unlisted", report.unlisted}};
}

result<json> answer_check(const json&, controlled& to) {
  const std::string doing = "checking the runtime";
  if (!to.is_running()) return error{errc::stopped, doing, "it is starting or stopping"};
  const auto report = to.health();
  if (report.is_healthy()) return done();
  const auto count = report.problems.size() + report.unlisted;
  const auto found = std::to_string(count) + (count == 1 ? " problem" : " problems") + R"(; {"do":"health"} lists all)";
  if (report.problems.empty()) return error{errc::io, doing, found};
  const auto& first = report.problems.front();
  return error{first.why.code(), doing, found + "; the first: " + first.subject}.because(first.why);
}

json shown(const dead_letter& letter) {
  const auto& event = letter.event;
  json made{{"position", event.position},
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

result<json> answer_dead_letters(const json& asked, controlled& to) {
  const auto letters = to.dead_letters(text_of(asked, "consumer"));
  if (!letters) return letters.error();
  const auto from = asked.value("from", std::uint64_t{0});
  auto listed = json::array();
  std::uint64_t unlisted = 0;
  for (const auto& each : *letters) {
    if (each.event.position < from) continue;
    // The parts of one event stay together, so that the next request can go on at a position.
    const bool is_part_of_last = !listed.empty() && listed.back()["position"] == each.event.position;
    if (unlisted == 0 && (listed.size() < most_letters_answered || is_part_of_last)) {
      listed.push_back(shown(each));
    } else {
      ++unlisted;
    }
  }
  return json{{"ok", true}, {"letters", std::move(listed)}, {"unlisted", unlisted}};
}

result<json> answer_replay(const json& asked, controlled& to) {
  std::optional<std::string> key;
  if (asked.contains("key")) key = text_of(asked, "key");
  const auto handled = to.replay_dead_letters(text_of(asked, "consumer"), std::move(key));
  if (!handled) return handled.error();
  return json{{"ok", true}, {"handled", *handled}};
}

result<json> answer_discard(const json& asked, controlled& to) {
  const auto discarded = to.discard_dead_letter(text_of(asked, "consumer"), asked.at("position").get<std::uint64_t>());
  if (!discarded) return discarded.error();
  return json{{"ok", true}, {"discarded", *discarded}};
}

result<json> answer_pause(const json& asked, controlled& to) {
  constexpr std::uint64_t timeout_ms = 10'000;
  constexpr auto longest_ms = static_cast<std::uint64_t>(longest_wait.count());
  const std::chrono::milliseconds timeout{std::min(asked.value("timeout_ms", timeout_ms), longest_ms)};
  return done_or(to.pause(text_of(asked, "consumer"), timeout));
}

result<json> answer_resume(const json& asked, controlled& to) { return done_or(to.resume(text_of(asked, "consumer"))); }

result<json> answer_reset(const json& asked, controlled& to) { return done_or(to.reset(text_of(asked, "consumer"))); }

result<json> change_stream(const json& asked, controlled& to, retention::action what) {
  return done_or(to.change_stream(text_of(asked, "stream"), {what, asked.value("before", std::uint64_t{0}), {}}));
}
result<json> answer_close(const json& asked, controlled& to) {
  return change_stream(asked, to, retention::action::close);
}
result<json> answer_truncate(const json& asked, controlled& to) {
  return change_stream(asked, to, retention::action::truncate);
}
result<json> answer_delete(const json& asked, controlled& to) {
  return change_stream(asked, to, retention::action::remove);
}

constexpr std::array of_consumer{field{"consumer"}};
constexpr std::array of_stream{field{"stream"}};
constexpr std::array for_truncate{field{"stream"}, field{"before", field::content::number}};
constexpr std::array for_letters{field{"consumer"}, field{"from", field::content::number, false}};
constexpr std::array for_replay{field{"consumer"}, field{"key", field::content::text, false}};
constexpr std::array for_discard{field{"consumer"}, field{"position", field::content::number}};
constexpr std::array for_pause{field{"consumer"}, field{"timeout_ms", field::content::number, false}};

constexpr std::array kinds{
    request_kind{"status", {}, answer_status},         request_kind{"health", {}, answer_health},
    request_kind{"check", {}, answer_check},           request_kind{"dead_letters", for_letters, answer_dead_letters},
    request_kind{"replay", for_replay, answer_replay}, request_kind{"discard", for_discard, answer_discard},
    request_kind{"pause", for_pause, answer_pause},    request_kind{"resume", of_consumer, answer_resume},
    request_kind{"reset", of_consumer, answer_reset},  request_kind{"close", of_stream, answer_close},
    request_kind{"delete", of_stream, answer_delete},  request_kind{"truncate", for_truncate, answer_truncate}};

result<json> answer(std::string_view line, controlled& to) {
  if (line.size() > longest_control_request) {
    return unusable("it has more than " + std::to_string(longest_control_request) + " bytes");
  }
  const auto asked = parse(line);
  if (!asked) return asked.error();
  const auto what = asked->find("do");
  if (what == asked->end()) return unusable(R"(the field 'do' is missing, as in {"do":"status"})");
  if (!what->is_string()) return unusable("the field 'do' must be a text");
  const auto wanted = what->get<std::string>();
  const auto* const kind = std::ranges::find(kinds, std::string_view{wanted}, &request_kind::name);
  if (kind == kinds.end()) {
    std::string known;
    for (const auto& each : kinds) known += (known.empty() ? "" : ", ") + std::string{each.name};
    return unusable("there is no request " + cited(wanted) + "; there are: " + known);
  }
  if (auto checked = check_fields(*asked, *kind); !checked) return std::move(checked).error();
  return kind->answer(*asked, to);
}

}  // namespace

std::string control_refusal(const error& why) {
  return line_of({{"ok", false}, {"code", name(why.code())}, {"message", why.message()}});
}

// A clock of the user's is asked on the way, and may throw.
std::string answer_control_request(std::string_view line, controlled& to) {
  try {
    const auto found = answer(line, to);
    return found ? line_of(*found) : control_refusal(found.error());
  } catch (...) {
    return control_refusal(handler_failure("answering a request"));
  }
}

}  // namespace tyto::detail
