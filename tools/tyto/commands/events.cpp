// `tyto tail`, `tyto cat` and `tyto export`: events as they were stored.
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <thread>

#include "commands.hpp"
#include "event_output.hpp"
#include "event_reader.hpp"
#include "known_consumers.hpp"
#include "opened.hpp"
#include "output.hpp"
#include "table.hpp"
#include "time_text.hpp"
#include "tyto/json_lines.hpp"
#include "tyto/printable.hpp"

namespace tyto::tool {
namespace {

using namespace std::chrono_literals;

result<std::string> line_of(const event_view& event, const style& how, std::size_t columns) {
  if (!how.json) return event_line(event, how, columns) + "\n";
  auto line = to_json_line(event);
  if (!line) return line;
  return *std::move(line) + "\n";
}

result<visit> print_event(const event_view& event, const style& how, std::size_t columns) {
  auto line = line_of(event, how, columns);
  if (!line) return std::move(line).error();
  if (auto printed = print(*line); !printed) return std::move(printed).error();
  return visit::next;
}

// Shows what is stored from now on, until a signal ends it. A journal tells nobody in another process that it has
// grown, so it is looked at now and again: that takes a few microseconds.
outcome follow(const event_store& journal, std::uint64_t from, const event_selection& which, const setting& given,
               std::size_t columns) {
  for (;;) {
    if (auto shown = flush_output(); !shown) return std::move(shown).error();
    auto read_to =
        read(journal, {from}, which, [&](const event_view& event) { return print_event(event, given.how, columns); });
    if (!read_to) return read_to.error().code() == errc::stopped ? outcome{done} : std::move(read_to).error();
    if (*read_to < from) std::this_thread::sleep_for(100ms);
    from = std::max(from, *read_to + 1);
  }
}

// Where an export goes: standard output, or a file that has its name only when all of it is there; what is no regular
// file, such as a pipe or a device, is written to as it is.
class destination {
 public:
  static result<destination> open(const std::string& file) {
    destination made;
    if (file.empty()) return made;
    std::error_code failed;
    made.file_ =
        std::filesystem::weakly_canonical(file, failed).string();  // a link stays, and what it leads to is written
    if (failed) return error{errc::io, fmt::format("writing to '{}'", file), failed.message()};
    const auto status = std::filesystem::status(made.file_, failed);
    if (std::filesystem::is_directory(status)) return made.failure("it is a directory");
    made.has_name_at_once_ = std::filesystem::exists(status) && !std::filesystem::is_regular_file(status);
    made.stream_.open(made.written(), std::ios::binary | std::ios::trunc);
    if (!made.stream_) return made.failure(std::generic_category().message(errno));
    return made;
  }
  destination(destination&&) = default;
  ~destination() {
    std::error_code ignored;
    if (stream_.is_open() && !has_name_at_once_) std::filesystem::remove(written(), ignored);
  }

  result<void> write(std::string_view line) {
    if (file_.empty()) {
      auto printed = print(line);
      return printed ? print("\n") : printed;
    }
    if (stream_ << line << '\n') return {};
    return failure(std::generic_category().message(errno));
  }
  result<void> finish() {
    if (file_.empty()) return {};
    stream_.close();
    if (!stream_) return failure(std::generic_category().message(errno));
    std::error_code code;
    if (!has_name_at_once_) std::filesystem::rename(written(), file_, code);
    return code ? failure(code.message()) : result<void>{};
  }

 private:
  destination() = default;
  [[nodiscard]] std::string written() const { return has_name_at_once_ ? file_ : file_ + ".unfinished"; }
  [[nodiscard]] error failure(const std::string& why) const {
    return {errc::io, fmt::format("writing to '{}'", file_), why};
  }
  std::string file_;
  bool has_name_at_once_ = false;
  std::ofstream stream_;
};

}  // namespace

result<event_selection> selection_request::parsed(const style& how) const {
  event_selection made;
  made.only = {types, categories};
  const auto now = system_clock()->now();
  const auto read_time = [&](const std::string& text, std::optional<timestamp>& to) -> result<void> {
    if (text.empty()) return {};
    auto time = parse_time(text, how.utc, now);
    if (!time) return std::move(time).error();
    to = *time;
    return {};
  };
  if (auto read = read_time(since, made.since); !read) return std::move(read).error();
  if (auto read = read_time(until, made.until); !read) return std::move(read).error();
  if (!correlation.empty()) made.correlation = correlation;
  for (const auto& each : where) {
    auto condition = field_condition::parse(each);
    if (!condition) return std::move(condition).error();
    made.where.push_back(*std::move(condition));
  }
  return made;
}

outcome show_tail(const setting& given, const tail_request& request) {
  auto which = request.which.parsed(given.how);
  if (!which) return std::move(which).error();
  auto opened = open_for_reading(given.directory);
  if (!opened) return std::move(opened).error();
  const auto columns = request.full ? 0 : terminal_width();
  auto head = opened->journal->head();
  if (!head) return std::move(head).error();
  auto events = last_events(*opened->journal, *head, request.count, *which);
  if (!events) return std::move(events).error();
  for (const auto& each : *events) {
    auto printed = print_event({each.meta, each.payload}, given.how, columns);
    if (!printed) return std::move(printed).error();
  }
  if (request.follow) return follow(*opened->journal, *head + 1, *which, given, columns);
  if (events->empty() && request.count > 0)
    note(*head == 0 ? "the journal is empty" : "no event fits; `tyto stats` lists the types of events that there are");
  return done;
}

outcome show_stream(const setting& given, const std::string& stream, std::uint64_t from) {
  if (auto usable = check_persistence_id(stream); !usable) {
    return error{errc::invalid_argument, "reading the stream '" + printable(stream) + "'",
                 "a stream is named category|entity, for example 'account|alice'; `tyto streams` lists them"};
  }
  auto opened = open_for_reading(given.directory);
  if (!opened) return std::move(opened).error();
  bool is_empty = true;
  auto known = read_stream(*opened->journal, stream, from, [&](const event_view& event) {
    is_empty = false;
    return print_event(event, given.how, 0);
  });
  if (!known) return std::move(known).error();
  if (known->version == 0) {
    note("there is no stream '" + stream + "'; `tyto streams` lists those that there are");
    return answer_is_no;
  }
  if (known->state == stream_state::deleted) {
    note("the stream was deleted");
  } else if (known->state == stream_state::closed) {
    note("the stream is closed: it takes no more events");
  }
  if (known->state != stream_state::deleted && known->first > 1) {
    note(fmt::format("events before number {} were removed", known->first));
  }
  if (is_empty && known->state == stream_state::open && from > known->version) {
    note(fmt::format("its last event is number {}", known->version));
  }
  return done;
}

outcome export_events(const setting& given, const export_request& request) {
  auto which = request.which.parsed(given.how);
  if (!which) return std::move(which).error();
  if (request.range.from > request.range.to) {
    return error{errc::invalid_argument, "exporting events",
                 fmt::format("--from {} is beyond --to {}", request.range.from, request.range.to)};
  }
  auto opened = open_for_reading(given.directory);
  if (!opened) return std::move(opened).error();
  auto described = describe(given.directory);
  if (!described) return std::move(described).error();
  auto head = opened->journal->head();
  if (!head) return std::move(head).error();
  auto to = destination::open(request.file);
  if (!to) return std::move(to).error();
  const auto source = "urn:tyto:" + described->journal_id;
  if (request.format == "csv") {
    if (auto written = to->write(csv_header()); !written) return std::move(written).error();
  }
  const auto line_as = [&](const event_view& event) {
    if (request.format == "csv") return csv_line(event);
    return request.format == "cloudevents" ? cloud_event(event, source) : to_json_line(event);
  };
  std::uint64_t lines = 0;
  // An export of a journal that is being written ends where that ended when the export began.
  const position_range range{request.range.from, std::min(request.range.to, *head)};
  progress shown{"exporting", range.to};
  auto exported = read(
      *opened->journal, range, *which,
      [&](const event_view& event) -> result<visit> {
        auto line = line_as(event);
        if (!line) return std::move(line).error();
        if (auto written = to->write(*line); !written) return std::move(written).error();
        ++lines;
        return visit::next;
      },
      &shown);
  if (!exported) return std::move(exported).error();
  if (auto finished = to->finish(); !finished) return std::move(finished).error();
  if (!request.file.empty()) note(fmt::format("{} events are in '{}'", grouped(lines), request.file));
  if (lines == 0 && request.file.empty()) note("no event fits; `tyto stats` lists the types of events that there are");
  return done;
}

}  // namespace tyto::tool
