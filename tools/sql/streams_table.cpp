// The table `streams`: what all events of a stream come to. One pass over the journal, or over one stream.
#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "event_bounds.hpp"
#include "event_pages.hpp"
#include "tables.hpp"
#include "tyto/detail/utc.hpp"

namespace tyto::sql {
namespace {

enum : int { stream, category, id, version, first, state, events, first_time, last_time, last_type };

constexpr std::array<column, 10> all_columns{{{"stream", "TEXT"},
                                              {"category", "TEXT"},
                                              {"id", "TEXT"},
                                              {"version", "INTEGER"},
                                              {"first", "INTEGER"},
                                              {"state", "TEXT"},
                                              {"events", "INTEGER"},
                                              {"first_time", "TEXT"},
                                              {"last_time", "TEXT"},
                                              {"last_type", "TEXT"}}};

struct stream_row {
  std::string stream;
  std::uint64_t version = 0;
  std::uint64_t first = 0;
  std::uint64_t events = 0;
  timestamp first_time;
  timestamp last_time;
  std::string last_type;

  void count(const event_row& event) {
    if (events++ == 0) {
      first = event.sequence_number;
      first_time = event.time;
    }
    version = event.sequence_number;
    last_time = event.time;
    last_type = event.type;
  }
};

const char* name_of(stream_state state) {
  return state == stream_state::open ? "open" : state == stream_state::closed ? "closed" : "deleted";
}

class streams_cursor final : public list_cursor<stream_row> {
 public:
  using list_cursor::list_cursor;

  result<void> show(int column, sqlite3_context* to) const override {
    const auto& s = row();
    const auto show_time = [&](timestamp time) {
      s.events == 0 ? sqlite3_result_null(to) : show_text(to, detail::to_utc(time));
    };
    switch (column) {
      case stream:
        show_text(to, s.stream);
        break;
      case category:
        show_text(to, category_of(s.stream));
        break;
      case id:
        show_text(to, entity_id_of(s.stream));
        break;
      case version:
        show_number(to, s.version);
        break;
      case first:
        show_number(to, s.first);
        break;
      case state:
        return show_state(to);
      case events:
        show_number(to, s.events);
        break;
      case first_time:
        show_time(s.first_time);
        break;
      case last_time:
        show_time(s.last_time);
        break;
      default:
        show_known(to, s.last_type);
    }
    return {};
  }

 private:
  result<void> list(const request& asked, std::vector<stream_row>& rows) override {
    auto head = opened().head();
    if (!head) return std::move(head).error();
    event_bounds bounds;
    bounds.last = *head;
    std::optional<std::set<std::string>> names;
    for (const auto& each : asked.constraints) {
      if (each.column == category) {
        bounds.narrow_categories(each);
      } else if (auto texts = texts_of(each); texts && !names) {  // of a second one SQLite takes care
        names.emplace(texts->begin(), texts->end());
      }
    }
    if (!names) return count_events(std::move(bounds), rows);
    for (const auto& name : *names) {
      bounds.stream = name;
      if (auto counted = count_events(bounds, rows); !counted) return counted;
      if (!rows.empty() && rows.back().stream == name) continue;
      if (auto listed = list_emptied(name, rows); !listed) return listed;
    }
    return {};
  }

  result<void> count_events(event_bounds bounds, std::vector<stream_row>& rows) {
    std::unordered_map<std::string, std::size_t> places;
    event_pages pages{opened().journal()};
    auto done = pages.begin(std::move(bounds), {}, false);
    while (done && !pages.at_end()) {
      done = pages.next();
      for (std::size_t i = 0; done && i < pages.size(); ++i) {
        const auto& event = pages.row(i);
        const auto [place, is_new] = places.try_emplace(event.stream, rows.size());
        if (is_new) rows.emplace_back().stream = event.stream;
        rows[place->second].count(event);
      }
      if (done) done = check_interrupt(opened().db());
    }
    return done;
  }

  // A stream of which no event is left is known to who asks for it by name.
  result<void> list_emptied(const std::string& name, std::vector<stream_row>& rows) const {
    auto known = opened().journal().info(name);
    if (!known) return std::move(known).error();
    const bool is_emptied = known->state == stream_state::deleted || known->first > known->version;
    if (known->version == 0 || !is_emptied) return {};
    stream_row emptied;
    emptied.stream = name;
    emptied.version = known->version;
    emptied.first = known->version + 1;
    rows.push_back(std::move(emptied));
    return {};
  }

  result<void> show_state(sqlite3_context* to) const {
    auto known = opened().journal().info(row().stream);
    if (!known) return std::move(known).error();
    show_text(to, name_of(known->state));
    return {};
  }
};

class streams final : public table {
 public:
  explicit streams(std::shared_ptr<opened_journal> what) : what_(std::move(what)) {}

  [[nodiscard]] std::span<const column> columns() const override { return all_columns; }
  [[nodiscard]] const char* primary_key() const override { return "stream"; }
  [[nodiscard]] bool takes(int column, comparison how) const override {
    return (column == stream || column == category) && (how == comparison::equal || how == comparison::one_of);
  }
  [[nodiscard]] estimate expect(std::span<const constraint> taken) const override {
    // Names are never left to a pass over the journal, which does not find streams without events.
    if (std::ranges::any_of(taken, [](const auto& each) { return each.column == stream; })) return {1, 20};
    auto head = what_->journal().head();
    const double all = (head ? static_cast<double>(*head) : 0) + 1e6;
    return {all / 10, taken.empty() ? all : all / 2};
  }
  [[nodiscard]] std::unique_ptr<cursor> open() const override { return std::make_unique<streams_cursor>(what_); }

 private:
  std::shared_ptr<opened_journal> what_;
};

}  // namespace

table_maker streams_table(std::shared_ptr<opened_journal> what) { return maker_of<streams>(std::move(what)); }

}  // namespace tyto::sql
