// tyto::verify(): the pages first, without LMDB; then, where they are sound, what they hold.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "lmdb/acknowledged_position.hpp"
#include "lmdb/journal_check.hpp"
#include "lmdb/journal_tables.hpp"
#include "lmdb/page_check.hpp"
#include "lmdb/read_models_check.hpp"
#include "lmdb/storage_layout.hpp"
#include "lmdb/store_meta.hpp"
#include "tyto/lmdb_store.hpp"

namespace tyto {

namespace fs = std::filesystem;

namespace {

// A writer may commit twice between the begin of a read and the look at its meta page, or a compaction exchange the
// directory: then it begins anew.
constexpr int attempts_max = 100;

constexpr std::uint64_t no_head = std::numeric_limits<std::uint64_t>::max();

class storage_check {
 public:
  storage_check(const fs::path& directory, const verify_options& options)
      : directory_(directory), options_(options), most_(std::max<std::size_t>(options.max_findings, 1)) {}

  result<verification> run() {
    auto checked = check_journal_file();
    if (checked && lmdb::has_data(read_models_in(directory_))) checked = check_read_models_file();
    return checked ? result<verification>{std::move(report_)} : std::move(checked).error();
  }

 private:
  result<void> check_journal_file() {
    const auto place = journal_in(directory_);
    finding_list found{report_, place / "data.mdb", most_};
    if (!lmdb::has_data(place)) {
      if (lmdb::has_data(read_models_in(directory_))) {
        found.add("the journal", "it is missing or empty", "restore it from a backup");
        return {};
      }
      return error{errc::invalid_argument, fmt::format("verifying '{}'", directory_.string()), "there is no journal"};
    }
    const auto held = acknowledged_position::read(directory_);  // before the journal, which may be growing
    auto environment = check_pages_of(place, storage_part::journal, report_.journal, found);
    if (!environment) return std::move(environment).error();
    if (!*environment) return {};
    auto id = read_journal_id(**environment, journal_kind);
    if (!id && id.error().code() != errc::damaged) return std::move(id).error();
    if (!id) found.add(id.error(), std::string{page_advice(storage_part::journal)});
    if (!id || !*id) return {};
    journal_id_ = **id;
    journal_ = *environment;
    if (auto checked = check_content(**environment, found); !checked) return checked;
    const auto end = head_ == no_head ? 0 : head_;
    auto lost = acknowledged_position::find_loss(directory_, held, *journal_id_, end);
    if (lost) found.add("the end of the journal", std::move(lost->what), std::move(lost->advice));
    return {};
  }

  result<void> check_content(lmdb::environment& environment, finding_list& found) {
    if (!has_events(environment)) return {};
    auto tables = open_journal_tables(environment, true);
    if (!tables) return std::move(tables).error();
    auto transaction = environment.begin_read();
    if (!transaction) return std::move(transaction).error();
    auto head = check_journal(*transaction, *tables, found);
    if (!head) return std::move(head).error();
    head_ = *head;
    return {};
  }

  // A process may have ended after creating the journal and before creating its tables.
  static bool has_events(lmdb::environment& environment) {
    bool has = false;
    auto looked = environment.with_tables(false, [&](lmdb::transaction& transaction) -> result<void> {
      lmdb::table events = 0;
      has = transaction.open_table("events", MDB_INTEGERKEY, events) != MDB_NOTFOUND;
      return {};
    });
    return !looked || has;
  }

  result<void> check_read_models_file() {
    const auto place = read_models_in(directory_);
    finding_list found{report_, place / "data.mdb", most_};
    const std::string advice{page_advice(storage_part::read_models)};
    auto environment = check_pages_of(place, storage_part::read_models, report_.read_models, found);
    if (!environment) return std::move(environment).error();
    if (!*environment) return {};
    auto id = read_journal_id(**environment, read_models_kind);
    if (!id && id.error().code() == errc::newer_format) return std::move(id).error();
    if (!id) found.add(id.error(), advice);
    if (!id || !*id) return {};
    if (journal_id_ && *journal_id_ != **id) found.add("the journal's id", "it is that of another journal", advice);
    // Where the journal's events could not all be followed, nothing is said of its end.
    const auto head = [this] { return head_ == no_head ? result<std::uint64_t>{no_head} : last_position(*journal_); };
    return check_read_models(**environment, head, found);
  }

  // Returns nothing if LMDB must not touch the file.
  result<std::shared_ptr<lmdb::environment>> check_pages_of(const fs::path& place, storage_part part,
                                                            verified_file& seen, finding_list& found) {
    const auto max_tables = part == storage_part::journal ? journal_tables_max : read_models_max;
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
      auto file = lmdb::page_file::open(place / "data.mdb");
      if (!file) return std::move(file).error();
      seen.file = file->path();
      auto last = lmdb::read_last_meta(*file);
      if (!last) return refuse(last.error(), part, seen, found);
      auto environment = lmdb::environment::open({place, options_.map_bytes, max_tables, true, false});
      if (!environment) return refuse(environment.error(), part, seen, found);
      if ((*environment)->data_file_id() != file->id()) continue;
      auto transaction = (*environment)->begin_read();
      if (!transaction) return std::move(transaction).error();
      auto meta = lmdb::read_meta_of(*file, transaction->id());
      if (!meta && meta.error().code() == errc::overloaded) continue;
      if (!meta) return refuse(meta.error(), part, seen, found);
      auto checked = check_pages(*file, *meta, part, found);
      if (!checked) return std::move(checked).error();
      seen = *checked;
      return seen.has_sound_pages ? std::move(environment) : result<std::shared_ptr<lmdb::environment>>{nullptr};
    }
    return error{errc::io, fmt::format("verifying '{}'", place.string()), "it keeps changing: try again"};
  }

  static result<std::shared_ptr<lmdb::environment>> refuse(const error& why, storage_part part, verified_file& seen,
                                                           finding_list& found) {
    if (why.code() != errc::damaged) return why;
    seen.has_sound_pages = false;
    found.add(why, std::string{page_advice(part)});
    return std::shared_ptr<lmdb::environment>{};
  }

  const fs::path& directory_;
  const verify_options& options_;
  std::size_t most_;
  verification report_;
  std::optional<std::string> journal_id_;
  std::shared_ptr<lmdb::environment> journal_;
  std::uint64_t head_ = no_head;
};

}  // namespace

std::string finding::message() const { return fmt::format("'{}': {}: {}; {}", file.string(), where, what, advice); }

result<verification> verify(const fs::path& directory, const verify_options& options) {
  return storage_check{directory, options}.run();
}

}  // namespace tyto
