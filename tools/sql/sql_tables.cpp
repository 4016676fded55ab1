#include "sql_tables.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "opened_journal.hpp"
#include "tables.hpp"
#include "tyto/codec.hpp"
#include "virtual_table.hpp"

namespace tyto::sql {
namespace {

constexpr auto doing = "adding the tables of a journal to a connection of SQLite";

struct built_in {
  const char* name;
  const char* module;
  table_maker (*make)(std::shared_ptr<opened_journal>);
};

constexpr std::array<built_in, 4> built_ins{{{"events", "tyto_events", events_table},
                                             {"streams", "tyto_streams", streams_table},
                                             {"consumers", "tyto_consumers", consumers_table},
                                             {"dead_letters", "tyto_dead_letters", dead_letters_table}}};

// SQLite takes names that differ in the case of ASCII letters alone for the same.
std::string folded(std::string_view name) {
  std::string text{name};
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

// Returns a name that is not among those `taken`, and adds it to them.
std::string table_name(const std::string& model, std::set<std::string>& taken) {
  auto name = folded(model).starts_with("sqlite_") ? "_" + model : model;  // those are SQLite's own
  while (!taken.insert(folded(name)).second) name += ".rows";
  return name;
}

struct wanted_table {
  std::string name;
  std::string module;
};

result<std::vector<wanted_table>> wanted_tables(const storage& opened) {
  std::vector<wanted_table> wanted;
  std::set<std::string> taken;
  for (const auto& each : built_ins) {
    wanted.push_back({each.name, each.module});
    taken.insert(each.name);
  }
  if (!opened.read_models) return wanted;
  auto models = opened.read_models->checkpoints();
  if (!models) return error{models.error().code(), doing}.because(models.error());
  for (const auto& each : *models) {
    wanted.push_back({table_name(each.name, taken), "tyto_rows(" + quoted(each.name, '\'') + ")"});
  }
  return wanted;
}

// Returns the names of the tables in `temp` that are ours, or that are not.
result<std::vector<std::string>> names_in_temp(sqlite3* db, bool ours) {
  const std::string query = std::string{"SELECT name FROM temp.sqlite_master WHERE type IN ('table', 'view') AND "} +
                            (ours ? "" : "NOT ") + "coalesce(sql, '') GLOB 'CREATE VIRTUAL TABLE * USING tyto_*'";
  std::vector<std::string> names;
  const auto add = [](void* to, int, char** values, char**) {
    static_cast<std::vector<std::string>*>(to)->emplace_back(values[0]);
    return 0;
  };
  if (sqlite3_exec(db, query.c_str(), add, &names, nullptr) == SQLITE_OK) return names;
  return error{errc::io, doing, sqlite3_errmsg(db)};
}

result<void> check_names(sqlite3* db, const std::vector<wanted_table>& wanted) {
  auto others = names_in_temp(db, false);
  if (!others) return std::move(others).error();
  std::set<std::string> taken;
  for (const auto& each : *others) taken.insert(folded(each));
  for (const auto& each : wanted) {
    if (!taken.contains(folded(each.name))) continue;
    return error{errc::conflict, doing, "there is another temporary table '" + each.name + "': drop it, or rename it"};
  }
  return {};
}

result<void> drop_tables(sqlite3* db) {
  auto names = names_in_temp(db, true);
  if (!names) return std::move(names).error();
  for (const auto& each : *names) {
    if (auto dropped = run(db, "DROP TABLE temp." + quoted(each), doing); !dropped) return dropped;
  }
  return {};
}

result<void> make_tables(sqlite3* db, const storage& opened, const std::vector<wanted_table>& wanted) {
  const auto what = std::make_shared<opened_journal>(db, opened);
  for (const auto& each : built_ins) {
    if (auto added = add_module(db, each.module, each.make(what)); !added) return added;
  }
  if (auto added = add_module(db, "tyto_rows", rows_table(what)); !added) return added;
  for (const auto& each : wanted) {
    auto made = run(db, "CREATE VIRTUAL TABLE temp." + quoted(each.name) + " USING " + each.module, doing);
    if (!made) return made;
  }
  return {};
}

}  // namespace

result<void> add_tables(sqlite3* db, const storage& opened) {
  auto wanted = wanted_tables(opened);
  if (!wanted) return std::move(wanted).error();
  if (auto usable = check_names(db, *wanted); !usable) return usable;
  if (auto begun = run(db, "SAVEPOINT tyto_tables", doing); !begun) return begun;
  auto done = drop_tables(db);
  if (done) done = make_tables(db, opened, *wanted);
  if (done) done = run(db, "RELEASE tyto_tables", doing);
  if (!done) (void)run(db, "ROLLBACK TO tyto_tables; RELEASE tyto_tables", doing);
  return done;
}

bool show_json(sqlite3_context* to, std::string_view bytes) {
  const auto json = to_json(bytes);
  if (json.starts_with('<')) return false;  // what to_json() says in place of JSON, which never begins like that
  show_text(to, json);
  return true;
}

}  // namespace tyto::sql
