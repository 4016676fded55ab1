#include "tyto/json_lines.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <string>

#include "tyto/detail/utc.hpp"

namespace tyto {
namespace {

std::string describe(const metadata& meta) {
  const nlohmann::ordered_json described{{"position", meta.position},
                                         {"stream", meta.persistence_id},
                                         {"sequence_number", meta.sequence_number},
                                         {"part", meta.part},
                                         {"parts", meta.parts},
                                         {"type", meta.type},
                                         {"schema_version", meta.schema_version},
                                         {"time", detail::to_utc(meta.time)},
                                         {"command_id", meta.command_id},
                                         {"correlation_id", meta.correlation_id},
                                         {"causation_id", meta.causation_id},
                                         {"tags", meta.tags},
                                         {"decision_index", meta.decision_index},
                                         {"decision_count", meta.decision_count}};
  return described.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

result<std::string> to_json_line(const event_view& event) {
  auto payload = to_json(event.payload);
  if (payload.starts_with('<')) {  // what to_json() says in place of JSON, which never begins like that
    return error{errc::undecodable,
                 "showing the event at position " + std::to_string(event.meta.position) + " (" +
                     event.meta.persistence_id + ", " + event.meta.type + ") as JSON",
                 "its payload is not MessagePack"};
  }
  auto line = describe(event.meta);
  line.pop_back();
  return line + R"(,"payload":)" + payload + "}";
}

result<std::uint64_t> export_json_lines(const event_store& journal, std::ostream& out, const export_options& options) {
  std::uint64_t lines = 0;
  std::optional<error> failed;
  auto read = journal.read_all({.from = options.from}, [&](const event_view& event) {
    if (event.meta.position > options.to) return visit::stop;
    if (event.meta.type == retired_type || (options.filter && !options.filter(event.meta))) return visit::next;
    auto line = to_json_line(event);
    if (!line) {
      failed = std::move(line).error();
    } else if (out << *line << '\n') {
      ++lines;
    } else {
      failed = error{errc::io, "exporting the event at position " + std::to_string(event.meta.position),
                     "the stream that it is written to has failed"};
    }
    return failed ? visit::stop : visit::next;
  });
  if (failed) return *std::move(failed);
  if (!read) return std::move(read).error();
  return lines;
}

}  // namespace tyto
