#include "event_output.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "table.hpp"
#include "time_text.hpp"
#include "tyto/codec.hpp"
#include "tyto/detail/utc.hpp"
#include "tyto/json_lines.hpp"
#include "tyto/printable.hpp"

namespace tyto::tool {
namespace {

// Quotes where it must be, and disarms what spreadsheets take for a formula: they run it.
std::string csv_field(std::string_view text) {
  const bool is_formula = !text.empty() && std::string_view{"=+-@\t\r"}.find(text.front()) != std::string_view::npos;
  if (!is_formula && text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string{text};
  std::string quoted = is_formula ? "\"'" : "\"";
  for (const char each : text) {
    if (each == '"') quoted += '"';
    quoted += each;
  }
  return quoted + '"';
}

result<nlohmann::ordered_json> payload_of(const event_view& event) {
  auto parsed = nlohmann::ordered_json::parse(to_json(event.payload), nullptr, false);
  if (!parsed.is_discarded()) return parsed;
  auto why = to_json_line(event);
  if (!why) return std::move(why).error();
  return error{errc::undecodable, fmt::format("reading the event at position {}", event.meta.position),
               "its payload has no form in JSON"};
}

}  // namespace

std::string payload_text(std::string_view payload) { return printable(to_json(payload)); }

std::string event_line(const event_view& event, const style& how, std::size_t columns) {
  const auto& m = event.meta;
  const auto position = fmt::format("{:>8}", m.position);
  const auto time = show_time(m.time, how.utc);
  const auto stream = fmt::format("{} #{}", printable(m.persistence_id), m.sequence_number);
  const auto type = printable(m.type);
  const auto payload = payload_text(event.payload);
  const auto before = columns_of(position) + columns_of(time) + columns_of(stream) + columns_of(type) + 8;
  const auto room = columns == 0 ? 0 : columns > before + 10 ? columns - before : 10;
  return fmt::format("{}  {}  {}  {}  {}", shaded(position, shade::faint, how), shaded(time, shade::faint, how), stream,
                     shaded(type, shade::strong, how), cut(payload, room));
}

result<std::string> cloud_event(const event_view& event, std::string_view source) {
  auto payload = payload_of(event);
  if (!payload) return std::move(payload).error();
  const auto& m = event.meta;
  // Names of extension attributes are lower-case letters and digits; an attribute without a value is left out.
  nlohmann::ordered_json made{
      {"specversion", "1.0"},
      {"id", m.part == 0 ? std::to_string(m.position) : fmt::format("{}.{}", m.position, m.part)},
      {"source", source},
      {"type", m.type},
      {"subject", m.persistence_id},
      {"time", detail::to_utc(m.time)},
      {"datacontenttype", "application/json"},
      {"position", std::to_string(m.position)},
      {"sequence", std::to_string(m.sequence_number)},
      {"schemaversion", std::to_string(m.schema_version)}};
  const std::array<std::pair<const char*, const std::string*>, 3> ids{
      {{"commandid", &m.command_id}, {"correlationid", &m.correlation_id}, {"causationid", &m.causation_id}}};
  for (const auto& [name, value] : ids) {
    if (!value->empty()) made[name] = *value;
  }
  made["data"] = *std::move(payload);
  return to_text(made);
}

std::string csv_header() {
  return "position,time,stream,sequence_number,type,schema_version,command_id,correlation_id,causation_id,payload";
}

result<std::string> csv_line(const event_view& event) {
  auto payload = payload_of(event);
  if (!payload) return std::move(payload).error();
  const auto& m = event.meta;
  return fmt::format("{},{},{},{},{},{},{},{},{},{}", m.position, detail::to_utc(m.time), csv_field(m.persistence_id),
                     m.sequence_number, csv_field(m.type), m.schema_version, csv_field(m.command_id),
                     csv_field(m.correlation_id), csv_field(m.causation_id), csv_field(to_text(*payload)));
}

}  // namespace tyto::tool
