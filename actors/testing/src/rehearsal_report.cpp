#include "tyto/detail/utc.hpp"
#include "tyto/printable.hpp"
#include "tyto/testing/rehearsal.hpp"

namespace tyto::testing {
namespace {

const std::string& or_none(const std::string& json) {
  static const std::string none = "none";
  return json.empty() ? none : json;
}

void print_fields(std::ostream& out, const std::vector<field_difference>& fields) {
  for (const auto& each : fields) {
    out << "      " << printable(each.field) << ": " << or_none(each.before) << " -> " << or_none(each.after) << "\n";
  }
}

void print_event(std::ostream& out, const char* side, const std::optional<shown_event>& event) {
  if (!event) return;
  out << "    first only " << side << ": #" << event->sequence_number << " " << printable(event->type) << " "
      << event->payload << " at " << detail::to_utc(event->time) << "\n";
}

void print_rest(std::ostream& out, std::uint64_t all, std::size_t listed) {
  if (all > listed) out << "  and " << all - listed << " more\n";
}

void print_categories(std::ostream& out, const rehearsal_report& report) {
  for (const auto& [category, summary] : report.categories) {
    out << "category '" << printable(category) << "': " << summary.streams << " streams, " << summary.differ
        << " differ";
    if (summary.reordered > 0) out << ", " << summary.reordered << " have the same events in another order";
    out << "\n";
    for (const auto& [type, count] : summary.events) {
      if (count.before == count.after) continue;
      out << "  " << printable(type) << ": " << count.before << " -> " << count.after << "\n";
    }
  }
}

void print_streams(std::ostream& out, const rehearsal_report& report) {
  std::uint64_t differ = 0;
  for (const auto& [category, summary] : report.categories) differ += summary.differ;
  if (differ > 0) out << differ << " streams differ\n";
  for (const auto& each : report.streams) {
    out << "  " << printable(each.persistence_id) << ": " << each.events_before << " -> " << each.events_after
        << " events, " << each.only_before << " only before, " << each.only_after << " only after\n";
    if (each.fields.empty()) {
      print_event(out, "before", each.first_before);
      print_event(out, "after", each.first_after);
    } else {
      out << "    first: #" << each.first_after->sequence_number << " " << printable(each.first_after->type) << "\n";
      print_fields(out, each.fields);
    }
  }
  print_rest(out, differ, report.streams.size());
}

void print_decisions(std::ostream& out, const char* what, std::uint64_t count,
                     const std::vector<decision_difference>& list) {
  if (count > 0) out << count << " commands " << what << "\n";
  for (const auto& each : list) {
    out << "  " << printable(each.persistence_id) << " at position " << each.position << " (" << printable(each.type)
        << ")";
    if (!each.command_id.empty()) out << " command '" << printable(each.command_id) << "'";
    if (!each.why.reason.empty()) out << ": " << printable(each.why.reason);
    out << "\n";
  }
  print_rest(out, count, list.size());
}

void print_read_models(std::ostream& out, const rehearsal_report& report) {
  for (const auto& each : report.read_models) {
    out << "read model '" << printable(each.projection) << "': " << each.rows_before << " -> " << each.rows_after
        << " rows, " << each.differ << " differ" << (each.is_stored ? " from those that were stored" : "") << "\n";
    for (const auto& row : each.rows) {
      out << "  " << row.key << ": ";
      if (row.fields.empty()) {
        out << or_none(row.before) << " -> " << or_none(row.after) << "\n";
      } else {
        out << "\n";
        print_fields(out, row.fields);
      }
    }
    print_rest(out, each.differ, each.rows.size());
  }
}

}  // namespace

std::string_view name(rehearsal_note::kind what) {
  switch (what) {
    case rehearsal_note::kind::unknown_category:
      return "unknown_category";
    case rehearsal_note::kind::unknown_type:
      return "unknown_type";
    case rehearsal_note::kind::undecodable:
      return "undecodable";
    case rehearsal_note::kind::removed_events:
      return "removed_events";
    case rehearsal_note::kind::closed_stream:
      return "closed_stream";
    case rehearsal_note::kind::dead_letters:
      return "dead_letters";
    case rehearsal_note::kind::not_taken:
      return "not_taken";
    case rehearsal_note::kind::not_compared:
      return "not_compared";
    case rehearsal_note::kind::refused:
      return "refused";
    case rehearsal_note::kind::problem:
      return "problem";
    case rehearsal_note::kind::logged:
      return "logged";
  }
  return "unknown";
}

bool rehearsal_report::is_same() const {
  for (const auto& [category, summary] : categories) {
    if (summary.differ > 0) return false;
  }
  for (const auto& each : read_models) {
    if (each.differ > 0) return false;
  }
  return rejected == 0 && accepted == 0;
}

std::ostream& operator<<(std::ostream& out, const rehearsal_report& report) {
  out << report.events << " events from " << detail::to_utc(report.first) << " to " << detail::to_utc(report.last)
      << "\n  " << report.given << " were put in as they were, " << report.decided << " commands were decided again, "
      << report.followed << " events were left to follow again, " << report.left_out << " were left out\n"
      << report.rehearsed << " events were rehearsed, in " << report.took.count() << " s\n";
  out << (report.is_same() ? "nothing differs\n" : "");
  print_categories(out, report);
  print_decisions(out, "that history has events of are rejected", report.rejected, report.rejected_commands);
  print_decisions(out, "that were rejected are accepted", report.accepted, report.accepted_commands);
  print_streams(out, report);
  print_read_models(out, report);
  for (const auto& each : report.notes) {
    out << "note: " << name(each.what) << ": " << printable(each.subject);
    if (each.count > 1) out << ", " << each.count << " times";
    if (each.position > 0) out << ", first at position " << each.position;
    if (!each.detail.empty()) out << ": " << printable(each.detail);
    out << "\n";
  }
  if (report.notes_unlisted > 0) out << "and " << report.notes_unlisted << " more notes\n";
  return out;
}

}  // namespace tyto::testing
