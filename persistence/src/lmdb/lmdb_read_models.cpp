#include "lmdb/lmdb_read_models.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "lmdb/sealed_value.hpp"
#include "write_checks.hpp"

namespace tyto {
namespace {

constexpr auto checkpoints_table = "checkpoints";
constexpr lmdb::table no_table = 0;  // what LMDB gives to a table of its own

std::string rows_table(std::string_view name) { return fmt::format("rows/{}", name); }

constexpr std::uint32_t whole_event = 0xffffffff;
constexpr std::size_t head_bytes = 16;    // position, how many letters, length of the shape
constexpr std::size_t letter_bytes = 12;  // position, part
constexpr std::size_t checksum_bytes = sizeof(std::uint64_t);

template <class Number>
void put_number(std::string& out, Number value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class Number>
Number take_number(std::string_view& in) {
  Number value;
  std::memcpy(&value, in.data(), sizeof value);
  in.remove_prefix(sizeof value);
  return value;
}

std::string bytes_of(const row_checkpoint& checkpoint) {
  std::string bytes;
  bytes.reserve(head_bytes + checkpoint.released.size() * letter_bytes + checkpoint.shape.size());
  put_number(bytes, checkpoint.position);
  put_number(bytes, static_cast<std::uint32_t>(checkpoint.released.size()));
  put_number(bytes, static_cast<std::uint32_t>(checkpoint.shape.size()));
  for (const auto& letter : checkpoint.released) {
    put_number(bytes, letter.position);
    put_number(bytes, letter.part.value_or(whole_event));
  }
  bytes += checkpoint.shape;
  return bytes;
}

}  // namespace

// Earlier stores have kept the position alone, or with the position of one letter, or 0, behind it.
result<row_checkpoint> row_checkpoint_in(std::string_view name, std::string_view sealed_value) {
  const auto doing = fmt::format("loading the checkpoint of {}", name);
  const auto bare_bytes = std::max(head_bytes, sealed_value.size() - std::min(sealed_value.size(), checksum_bytes));
  auto value = unsealed(name, sealed_value, bare_bytes, doing);
  if (!value) return std::move(value).error();
  auto stored = *value;
  row_checkpoint found;
  const auto size = stored.size();
  found.position = take_number<std::uint64_t>(stored);
  if (stored.empty()) return found;
  if (size == head_bytes) {
    if (const auto letter = take_number<std::uint64_t>(stored); letter != 0) found.released = {{letter, std::nullopt}};
    return found;
  }
  const std::size_t letters = take_number<std::uint32_t>(stored);
  const std::size_t shape_bytes = take_number<std::uint32_t>(stored);
  if (stored.size() != letters * letter_bytes + shape_bytes) {
    return error{errc::damaged, doing, "its length is wrong"};
  }
  for (std::size_t i = 0; i < letters; ++i) {
    const auto position = take_number<std::uint64_t>(stored);
    const auto part = take_number<std::uint32_t>(stored);
    found.released.push_back({position, part == whole_event ? std::nullopt : std::optional{part}});
  }
  found.shape = stored;
  return found;
}

namespace {

class empty_snapshot final : public row_snapshot {
 public:
  result<std::optional<std::string>> get(std::string_view) const override { return std::optional<std::string>{}; }
  result<void> scan(std::string_view, const row_visitor&) const override { return {}; }
  result<void> scan_back(std::string_view, const row_visitor&) const override { return {}; }
  result<std::uint64_t> count() const override { return std::uint64_t{0}; }
  const row_checkpoint& checkpoint() const override { return nothing_; }

 private:
  row_checkpoint nothing_;
};

class lmdb_snapshot final : public row_snapshot {
 public:
  lmdb_snapshot(lmdb::transaction transaction, lmdb::table rows, std::string_view name,
                std::shared_ptr<const row_checkpoint> checkpoint)
      : transaction_(std::move(transaction)), rows_(rows), name_(name), checkpoint_(std::move(checkpoint)) {}

  result<std::optional<std::string>> get(std::string_view key) const override {
    std::optional<std::string> value;
    auto looked = look_up(key, [&value](std::string_view found) { value.emplace(found); });
    return looked ? result<std::optional<std::string>>{std::move(value)} : std::move(looked).error();
  }

  result<bool> look_up(std::string_view key, const value_visitor& see) const override {
    if (key.empty() || key.size() > max_row_key_bytes) return false;
    std::string_view value;
    const int code = transaction_.get(rows_, key, value);
    if (code == MDB_NOTFOUND) return false;
    if (code != 0) return lmdb::to_error(code, fmt::format("reading a row of {}", name_));
    see(value);
    return true;
  }

  result<void> scan(std::string_view from, const row_visitor& visitor) const override {
    lmdb::cursor rows{transaction_, rows_};
    int code = from.empty() ? rows.move(MDB_FIRST) : rows.seek(from, MDB_SET_RANGE);
    for (; code == 0; code = rows.move(MDB_NEXT)) {
      if (visitor(rows.key(), rows.value()) == visit::stop) return {};
    }
    if (code == MDB_NOTFOUND) return {};
    return lmdb::to_error(code, fmt::format("reading the rows of {}", name_));
  }

  result<void> scan_back(std::string_view before, const row_visitor& visitor) const override {
    lmdb::cursor rows{transaction_, rows_};
    int code = before.empty() ? MDB_NOTFOUND : rows.seek(before, MDB_SET_RANGE);
    if (code == 0 || code == MDB_NOTFOUND) code = rows.move(code == 0 ? MDB_PREV : MDB_LAST);
    for (; code == 0; code = rows.move(MDB_PREV)) {
      if (visitor(rows.key(), rows.value()) == visit::stop) return {};
    }
    if (code == MDB_NOTFOUND) return {};
    return lmdb::to_error(code, fmt::format("reading the rows of {}", name_));
  }

  result<std::uint64_t> count() const override { return transaction_.size_of(rows_).entries; }

  const row_checkpoint& checkpoint() const override { return *checkpoint_; }

 private:
  lmdb::transaction transaction_;
  lmdb::table rows_;
  std::string name_;
  std::shared_ptr<const row_checkpoint> checkpoint_;
};

}  // namespace

result<std::shared_ptr<lmdb_read_models>> lmdb_read_models::open(std::shared_ptr<lmdb::environment> environment,
                                                                 std::shared_ptr<const void> writer_lock,
                                                                 bool read_only) {
  std::shared_ptr<lmdb_read_models> opened{
      new lmdb_read_models{std::move(environment), std::move(writer_lock), read_only}};
  if (!read_only) {
    if (auto table = opened->open_table(checkpoints_table, true); !table) return std::move(table).error();
  }
  return opened;
}

// Tables are opened before the transaction that uses them begins, for it could not use them otherwise, and stay open.
result<lmdb::table> lmdb_read_models::open_table(const std::string& name, bool create) const {
  lmdb::table table = no_table;
  auto opened = environment_->with_tables(create, [&](lmdb::transaction& transaction) -> result<void> {
    const int code = transaction.open_table(name.c_str(), create ? MDB_CREATE : 0, table);
    if (code == 0 || code == MDB_NOTFOUND) return {};
    return lmdb::to_error(code, fmt::format("opening the table {} of '{}'", name, environment_->directory().string()));
  });
  return opened ? result<lmdb::table>{table} : std::move(opened).error();
}

result<std::optional<lmdb_read_models::model>> lmdb_read_models::model_of(std::string_view name, bool create) const {
  if (auto ours = environment_->check_process(); !ours) return std::move(ours).error();  // before the lock
  const std::lock_guard lock{mutex_};
  if (const auto found = models_.find(name); found != models_.end()) return std::optional{found->second};
  auto rows = open_table(rows_table(name), create);
  if (!rows) return std::move(rows).error();
  auto checkpoints = open_table(checkpoints_table, false);
  if (!checkpoints) return std::move(checkpoints).error();
  if (*rows == no_table || *checkpoints == no_table) return std::optional<model>{};
  return std::optional{models_.emplace(name, model{*rows, *checkpoints, nullptr}).first->second};
}

result<std::shared_ptr<const row_checkpoint>> lmdb_read_models::checkpoint_of(
    std::string_view name, const model& of, const lmdb::transaction& transaction) const {
  auto seen = of.last_seen;
  if (seen == nullptr || seen->transaction != transaction.id()) {
    std::string_view stored;
    const int code = transaction.get(of.checkpoints, name, stored);
    if (code != 0 && code != MDB_NOTFOUND) {
      return lmdb::to_error(code, fmt::format("loading the checkpoint of {}", name));
    }
    auto checkpoint = code == 0 ? row_checkpoint_in(name, stored) : row_checkpoint{};
    if (!checkpoint) return std::move(checkpoint).error();
    seen = std::make_shared<const seen_checkpoint>(seen_checkpoint{transaction.id(), *std::move(checkpoint)});
    const std::lock_guard lock{mutex_};
    models_.find(name)->second.last_seen = seen;
  }
  return std::shared_ptr<const row_checkpoint>{seen, &seen->checkpoint};
}

result<std::unique_ptr<row_snapshot>> lmdb_read_models::snapshot(std::string_view name) const {
  if (auto usable = check_name(name); !usable) return std::move(usable).error();
  if (!environment_) return std::unique_ptr<row_snapshot>{std::make_unique<empty_snapshot>()};
  if (read_only_) {  // whoever writes may have made others
    if (auto found = environment_->check_files(); !found) return std::move(found).error();
  }
  auto found = model_of(name, false);
  if (!found) return std::move(found).error();
  if (!*found) return std::unique_ptr<row_snapshot>{std::make_unique<empty_snapshot>()};
  auto transaction = environment_->begin_read();
  if (!transaction) return std::move(transaction).error();
  auto checkpoint = checkpoint_of(name, **found, *transaction);
  if (!checkpoint) return std::move(checkpoint).error();
  return std::unique_ptr<row_snapshot>{
      std::make_unique<lmdb_snapshot>(*std::move(transaction), (*found)->rows, name, *std::move(checkpoint))};
}

result<void> lmdb_read_models::commit(std::string_view name, const row_changes& changes,
                                      const row_checkpoint& checkpoint) {
  const auto doing = [name] { return fmt::format("committing the read model {}", name); };
  if (read_only_) return error{errc::permission, doing(), "the storage is open for reading only"};
  if (auto usable = check_commit(name, changes); !usable) return usable;
  auto found = model_of(name, true);
  if (!found) return std::move(found).error();
  const auto& to = **found;

  auto transaction = environment_->begin_write();
  if (!transaction) return std::move(transaction).error();
  {
    lmdb::cursor rows{*transaction, to.rows};
    for (const auto& [key, value] : changes) {
      int code = value ? rows.put(key, *value) : transaction->erase(to.rows, key);
      if (!value && code == MDB_NOTFOUND) code = 0;
      if (code != 0) return lmdb::to_error(code, doing());
    }
  }
  int code = transaction->put(to.checkpoints, name, sealed(name, bytes_of(checkpoint)));
  if (code == 0) code = transaction->commit();
  return code == 0 ? result<void>{} : lmdb::to_error(code, doing());
}

result<void> lmdb_read_models::clear(std::string_view name) {
  const auto doing = [name] { return fmt::format("clearing the read model {}", name); };
  if (read_only_) return error{errc::permission, doing(), "the storage is open for reading only"};
  if (auto usable = check_name(name); !usable) return usable;
  auto found = model_of(name, false);
  if (!found) return std::move(found).error();
  if (!*found) return {};

  auto transaction = environment_->begin_write();
  if (!transaction) return std::move(transaction).error();
  int code = transaction->clear((*found)->rows);
  if (code == 0) code = transaction->erase((*found)->checkpoints, name);
  if (code == 0 || code == MDB_NOTFOUND) code = transaction->commit();
  return code == 0 ? result<void>{} : lmdb::to_error(code, doing());
}

result<std::vector<checkpoint>> lmdb_read_models::checkpoints() const {
  std::vector<checkpoint> all;
  if (!environment_) return all;
  auto table = open_table(checkpoints_table, false);
  if (!table) return std::move(table).error();
  if (*table == no_table) return all;
  auto transaction = environment_->begin_read();
  if (!transaction) return std::move(transaction).error();
  lmdb::cursor each{*transaction, *table};
  int code = each.move(MDB_FIRST);
  for (; code == 0; code = each.move(MDB_NEXT)) {
    auto found = row_checkpoint_in(each.key(), each.value());
    if (!found) return std::move(found).error();
    all.push_back({std::string{each.key()}, found->position});
  }
  if (code == MDB_NOTFOUND) return all;
  return lmdb::to_error(code, "listing the read models");
}

result<void> lmdb_read_models::sync() {
  if (read_only_) return error{errc::permission, "syncing the read models", "the storage is open for reading only"};
  return environment_->sync();
}

result<std::uint64_t> last_checkpoint(lmdb::environment& read_models) {
  std::uint64_t last = 0;
  auto looked = read_models.with_tables(false, [&](lmdb::transaction& transaction) -> result<void> {
    const auto doing = fmt::format("reading the checkpoints of '{}'", read_models.directory().string());
    lmdb::table table = 0;
    int code = transaction.open_table(checkpoints_table, 0, table);
    if (code == 0) {
      lmdb::cursor entries{transaction, table};
      for (code = entries.move(MDB_FIRST); code == 0; code = entries.move(MDB_NEXT)) {
        auto checkpoint = row_checkpoint_in(entries.key(), entries.value());
        if (!checkpoint) return std::move(checkpoint).error();
        last = std::max(last, checkpoint->position);
      }
    }
    return code == MDB_NOTFOUND ? result<void>{} : lmdb::to_error(code, doing);
  });
  return looked ? result<std::uint64_t>{last} : std::move(looked).error();
}

storage_condition lmdb_read_models::condition() const {
  return environment_ ? environment_->condition() : storage_condition{};
}

}  // namespace tyto
