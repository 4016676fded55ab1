// The table `dead_letters`: what consumers have given up for now.
#include <array>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "event_bounds.hpp"
#include "event_pages.hpp"
#include "tables.hpp"
#include "tyto/dead_letter.hpp"
#include "tyto/detail/utc.hpp"

namespace tyto::sql {
namespace {

enum : int { consumer, position, part, key, stream, type, reason, attempts, since };

constexpr std::array<column, 9> all_columns{{{"consumer", "TEXT"},
                                             {"position", "INTEGER"},
                                             {"part", "INTEGER"},
                                             {"key", "TEXT"},
                                             {"stream", "TEXT"},
                                             {"type", "TEXT"},
                                             {"reason", "TEXT"},
                                             {"attempts", "INTEGER"},
                                             {"since", "TEXT"}}};

struct letter_row {
  std::string consumer;
  dead_letter letter;
};

class dead_letters_cursor final : public list_cursor<letter_row> {
 public:
  using list_cursor::list_cursor;

  result<void> show(int column, sqlite3_context* to) const override {
    const auto& [name, letter] = row();
    const auto& e = letter.event;
    switch (column) {
      case consumer:
        show_text(to, name);
        break;
      case position:
        show_number(to, e.position);
        break;
      case part:
        e.part ? show_number(to, *e.part) : sqlite3_result_null(to);
        break;
      case key:
        show_text(to, e.key);
        break;
      case stream:
        show_text(to, e.persistence_id);
        break;
      case type:
        show_text(to, e.type);
        break;
      case reason:
        show_known(to, e.reason);
        break;
      case attempts:
        show_number(to, e.attempts);
        break;
      default:
        show_text(to, detail::to_utc(letter.since));
    }
    return {};
  }

 private:
  result<void> list(const request& asked, std::vector<letter_row>& rows) override {
    std::set<std::string> names;
    const auto given = asked.constraints.empty() ? std::nullopt : texts_of(asked.constraints.front());
    if (given) {
      names.insert(given->begin(), given->end());
    } else if (auto found = find_consumers(names); !found) {
      return found;
    }
    for (const auto& name : names) {
      auto letters = tyto::dead_letters(opened().journal(), name);
      if (!letters) return std::move(letters).error();
      for (auto& each : *letters) rows.push_back({name, std::move(each)});
    }
    return {};
  }

  // Whoever has given up anything has a record, and nothing else names them all.
  result<void> find_consumers(std::set<std::string>& names) {
    auto head = opened().head();
    if (!head) return std::move(head).error();
    event_bounds bounds;
    bounds.last = *head;
    bounds.only = {{std::string{stored_name<event_parked>}}, {std::string{consumer_record::category}}};
    event_pages pages{opened().journal()};
    auto done = pages.begin(std::move(bounds), {}, false);
    while (done && !pages.at_end()) {
      done = pages.next();
      for (std::size_t i = 0; done && i < pages.size(); ++i) names.emplace(entity_id_of(pages.row(i).stream));
      if (done) done = check_interrupt(opened().db());
    }
    return done;
  }
};

class dead_letters_of_all final : public table {
 public:
  explicit dead_letters_of_all(std::shared_ptr<opened_journal> what) : what_(std::move(what)) {}

  [[nodiscard]] std::span<const column> columns() const override { return all_columns; }
  [[nodiscard]] const char* primary_key() const override { return "consumer, position, part"; }
  [[nodiscard]] bool takes(int column, comparison how) const override {
    return column == consumer && (how == comparison::equal || how == comparison::one_of);
  }
  [[nodiscard]] estimate expect(std::span<const constraint> taken) const override {
    if (!taken.empty()) return {10, 20};
    auto head = what_->journal().head();
    return {20, head ? static_cast<double>(*head) + 1 : 1e6};
  }
  [[nodiscard]] std::unique_ptr<cursor> open() const override { return std::make_unique<dead_letters_cursor>(what_); }

 private:
  std::shared_ptr<opened_journal> what_;
};

}  // namespace

table_maker dead_letters_table(std::shared_ptr<opened_journal> what) {
  return maker_of<dead_letters_of_all>(std::move(what));
}

}  // namespace tyto::sql
