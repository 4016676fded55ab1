// The port to the read models: rows that projections derive from events, and how far each projection is. Projections
// write through it, queries read through it.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tyto/checkpoint.hpp"
#include "tyto/result.hpp"
#include "tyto/storage_condition.hpp"
#include "tyto/visit.hpp"

namespace tyto {

/// The longest key of a row, in bytes.
inline constexpr std::size_t max_row_key_bytes = 500;

/// Called for one row after the other, in the order of the keys' bytes. Key and value are lent for the call only.
using row_visitor = std::function<visit(std::string_view key, std::string_view value)>;

/// Called with the value of one row, which is lent for the call only.
using value_visitor = std::function<void(std::string_view value)>;

/// Read access to the rows of one read model.
class row_reader {
 public:
  virtual ~row_reader() = default;
  /// Returns the value stored under `key`.
  [[nodiscard]] virtual result<std::optional<std::string>> get(std::string_view key) const = 0;
  /// Calls `see(value)` with the value stored under `key`, unless there is none; returns whether there is one. The same
  /// as get(), on which it rests by default, for readers that can show a value without copying it.
  virtual result<bool> look_up(std::string_view key, const value_visitor& see) const;
  /// Visits the rows whose keys are not less than `from`.
  virtual result<void> scan(std::string_view from, const row_visitor& visitor) const = 0;
  /// Visits the rows whose keys are less than `before`, or all if it is empty, in the reverse order of their keys.
  virtual result<void> scan_back(std::string_view before, const row_visitor& visitor) const = 0;
  /// Returns how many rows there are, without a look at each.
  [[nodiscard]] virtual result<std::uint64_t> count() const = 0;
  /// Returns what was committed as the rows' shape; empty if that is not known.
  [[nodiscard]] virtual const std::string& shape() const;
};

/// Some of a read model's rows, and how to go through them.
struct row_range {
  std::string from = {};  // the first key that belongs to it, if there is such a row
  std::string end = {};   // the first key that does not; empty: there is no end
  bool is_reversed = false;
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();  // the most rows that are visited
};

/// Visits the rows of `range`.
result<void> scan(const row_reader& rows, const row_range& range, const row_visitor& visitor);

/// How far a read model is. Its rows hold the effect of every event up to `position`, except for what are dead letters
/// of the projection, and of none after it.
struct row_checkpoint {
  std::uint64_t position = 0;
  /// Dead letters, at or before `position`, that were handled later: the rows hold their effect, and the journal's
  /// record of their release, if there is one, lies after `position`.
  std::vector<delivery_id> released = {};
  /// What the rows' author says of their keys and indexes, see table_shape; empty: nothing.
  std::string shape = {};

  friend bool operator==(const row_checkpoint&, const row_checkpoint&) = default;
};

/// The rows of one read model as they were at one position. Used by one thread at a time; holds on to storage, so give
/// it back soon.
class row_snapshot : public row_reader {
 public:
  /// Returns what was committed with these rows.
  [[nodiscard]] virtual const row_checkpoint& checkpoint() const = 0;
  [[nodiscard]] std::uint64_t position() const { return checkpoint().position; }
  [[nodiscard]] const std::string& shape() const override { return checkpoint().shape; }
};

/// Changes to rows: a new value, or none to erase the row.
using row_changes = std::map<std::string, std::optional<std::string>, std::less<>>;

/// Rows and checkpoints of any number of read models. Safe to call from any thread.
class read_model_store {
 public:
  virtual ~read_model_store() = default;

  /// Returns a consistent view of the read model `name`, never null; one that was never committed is empty at position
  /// 0. This and what follows fails with errc::invalid_argument for a name that is empty, has a NUL byte or is longer
  /// than the store takes.
  [[nodiscard]] virtual result<std::unique_ptr<row_snapshot>> snapshot(std::string_view name) const = 0;

  /// Applies `changes` and replaces the checkpoint of `name`: both or neither. Losing power may undo the last commit.
  /// Fails with errc::invalid_argument for a change, also an erasure, of a key that is empty or longer than
  /// max_row_key_bytes; get() just finds no row there.
  virtual result<void> commit(std::string_view name, const row_changes& changes, const row_checkpoint& checkpoint) = 0;

  /// Removes the rows and the checkpoint of `name`: both or neither. Losing power may undo it.
  virtual result<void> clear(std::string_view name) = 0;

  /// Returns all read models that were committed and not cleared since, by name, and how far each is.
  [[nodiscard]] virtual result<std::vector<checkpoint>> checkpoints() const = 0;

  /// Makes everything that has been committed survive losing power. Fails if it may not.
  virtual result<void> sync() = 0;

  /// Returns how the read models are where they are stored, like event_store::condition().
  [[nodiscard]] virtual storage_condition condition() const { return {}; }
};

/// Changes that are not yet committed, over a snapshot: what is read through it includes them.
class row_buffer final : public row_reader {
 public:
  /// `base` must outlive the buffer.
  explicit row_buffer(const row_reader& base) : base_(base) {}

  [[nodiscard]] result<std::optional<std::string>> get(std::string_view key) const override;
  result<bool> look_up(std::string_view key, const value_visitor& see) const override;
  result<void> scan(std::string_view from, const row_visitor& visitor) const override;
  result<void> scan_back(std::string_view before, const row_visitor& visitor) const override;
  /// Looks up each changed row the first time, and then each one that changes.
  [[nodiscard]] result<std::uint64_t> count() const override;
  [[nodiscard]] const std::string& shape() const override { return base_.shape(); }

  void put(std::string key, std::string value) { change(std::move(key), std::move(value)); }
  void erase(std::string key) { change(std::move(key), std::nullopt); }

  [[nodiscard]] const row_changes& changes() const { return changes_; }
  /// Returns the changes and forgets them.
  row_changes take_changes();

 private:
  void change(std::string key, std::optional<std::string> value);

  const row_reader& base_;
  row_changes changes_;
  mutable std::optional<std::uint64_t> count_;  // once somebody asked
};

}  // namespace tyto
