#include "consumer/consumer_handler.hpp"

#include <optional>
#include <utility>

namespace tyto::detail {
namespace {

class projection_handler final : public consumer_handler {
 public:
  projection_handler(projection_definition definition, read_model_store& rows)
      : definition_(std::move(definition)), store_(rows), work_(definition_, rows) {}

  [[nodiscard]] const consumer_definition& definition() const override { return definition_; }
  [[nodiscard]] event_filter wants() const override { return handled_by(definition_); }

  result<std::uint64_t> load() override {
    auto rows = store_.snapshot(definition_.name);
    if (!rows) return std::move(rows).error();
    try {
      if (definition_.shape.check) definition_.shape.check(**rows);
    } catch (...) {
      return caught_failure("looking at the rows of '" + definition_.name + "'");
    }
    saved_ = (*rows)->checkpoint();
    on_record_at_.reset();
    return saved_.position;
  }

  result<commands> handle(const recorded_event& event) override {
    auto taken = work_.take(event);
    return taken ? result<commands>{commands{}} : std::move(taken).error();
  }

  std::optional<failed_event> run() override { return work_.run(); }
  std::optional<failed_event> finish() override { return work_.finish(); }

  result<void> commit(std::uint64_t position) override {
    // A checkpoint that moves over events of no interest is not worth a transaction of its own.
    if (!work_.has_changes() && position - saved_.position < max_unsaved_events) return abandon(), result<void>{};
    return commit_rows(position, still_named(position));
  }

  void abandon() override { work_.forget(); }

  // The shape too, of rows that earlier versions have written without it.
  [[nodiscard]] bool has_unsaved(std::uint64_t position) const override {
    return position > saved_.position || (position > 0 && saved_.shape != definition_.shape.description);
  }
  result<void> save(std::uint64_t position) override {
    return has_unsaved(position) ? commit_rows(position, still_named(position)) : result<void>{};
  }

  result<void> reset() override {
    abandon();
    return store_.clear(definition_.name);
  }

  // Letters are named along with their effect, and by every later commit until one at a position behind the record of
  // their release. A journal that loses the record with power has then lost the position too, and the rows are refused.
  result<void> commit_letters(const std::vector<delivery_id>& letters, std::uint64_t position) override {
    auto named = still_named(position);
    named.insert(named.end(), letters.begin(), letters.end());
    auto committed = commit_rows(position, std::move(named));
    if (committed) on_record_at_.reset();
    return committed;
  }
  [[nodiscard]] std::vector<delivery_id> committed_letters() const override { return saved_.released; }
  void letters_are_on_record(std::uint64_t position) override { on_record_at_ = position; }
  result<void> sync() override { return store_.sync(); }

 private:
  static constexpr std::uint64_t max_unsaved_events = 16'384;

  [[nodiscard]] std::vector<delivery_id> still_named(std::uint64_t position) const {
    return on_record_at_ && position >= *on_record_at_ ? std::vector<delivery_id>{} : saved_.released;
  }

  result<void> commit_rows(std::uint64_t position, std::vector<delivery_id> released) {
    row_checkpoint checkpoint{position, std::move(released), definition_.shape.description};
    // What was looked at is given back first, for the store could not reuse what the commit replaces.
    const auto changes = work_.take_changes();
    auto saved = store_.commit(definition_.name, changes, checkpoint);
    if (saved) saved_ = std::move(checkpoint);
    return saved;
  }

  const projection_definition definition_;
  read_model_store& store_;
  row_checkpoint saved_;
  std::optional<std::uint64_t> on_record_at_;  // the releases of all that saved_ names; none: not all of them are
  projection_work work_;
};

class reaction_handler : public consumer_handler {
 public:
  explicit reaction_handler(reaction_definition definition) : definition_(std::move(definition)) {}

  [[nodiscard]] const consumer_definition& definition() const override { return definition_; }
  [[nodiscard]] event_filter wants() const override { return handled_by(definition_); }

  result<commands> handle(const recorded_event& event) override {
    try {
      return definition_.handlers.find(event.meta.type)->second(event);
    } catch (...) {
      return failed_consumer(definition_.name, event.meta);
    }
  }

  void abandon() override {}

  result<void> reset() override {
    return error{errc::invalid_argument, "resetting '" + definition_.name + "'",
                 "only the rows of a projection can be made anew; the commands of a reaction were sent"};
  }

  [[nodiscard]] bool hears_refusals() const override { return static_cast<bool>(definition_.on_rejected); }
  result<commands> refused(const refused_command& refused, const metadata& cause) override {
    try {
      return definition_.on_rejected(refused, cause);
    } catch (...) {
      return failed_consumer(definition_.name, cause);
    }
  }

 private:
  const reaction_definition definition_;
};

class durable_reaction_handler final : public reaction_handler {
 public:
  durable_reaction_handler(reaction_definition definition, std::string checkpoint_name, const event_store& journal,
                           address<committer_message> committer)
      : reaction_handler(std::move(definition)),
        checkpoint_name_(std::move(checkpoint_name)),
        journal_(journal),
        committer_(std::move(committer)) {}

  result<std::uint64_t> load() override { return journal_.load_checkpoint(checkpoint_name_); }

  // The checkpoint goes where the effects have gone, into the journal, and costs no transaction of its own while events
  // are being stored. It may arrive late: repeated commands have no effect.
  result<void> commit(std::uint64_t position) override {
    committer_.post(checkpoint{checkpoint_name_, position});
    return {};
  }

  result<void> save(std::uint64_t) override { return {}; }

 private:
  const std::string checkpoint_name_;
  const event_store& journal_;
  address<committer_message> committer_;
};

class subscription_handler final : public reaction_handler {
 public:
  subscription_handler(reaction_definition definition, std::uint64_t position)
      : reaction_handler(std::move(definition)), position_(position) {}

  result<std::uint64_t> load() override { return position_; }
  result<void> commit(std::uint64_t) override { return {}; }
  result<void> save(std::uint64_t) override { return {}; }

 private:
  const std::uint64_t position_;
};

struct deadline_row {
  timestamp due;
  std::string correlation_id;
};
TYTO_VALUE(deadline_row, due, correlation_id)

// A projection of deadlines, whose changes the alarm hears of when they are committed.
class deadlines_handler final : public consumer_handler {
 public:
  deadlines_handler(deadlines_definition definition, read_model_store& rows, address<alarm_message> to)
      : rows_(rows), to_(std::move(to)), projection_(list(std::move(definition), changes_), rows) {}

  [[nodiscard]] const consumer_definition& definition() const override { return projection_.definition(); }
  [[nodiscard]] event_filter wants() const override { return projection_.wants(); }

  result<std::uint64_t> load() override {
    auto position = projection_.load();
    if (!position) return position;
    auto rows = rows_.snapshot(definition().name);
    if (!rows) return std::move(rows).error();
    deadlines_changed all{true, {}};
    try {
      deadline_table{**rows}.for_each([&](const auto& key, const deadline_row& row) {
        all.changes.push_back({key.first, key.second, row.due, row.correlation_id});
      });
    } catch (const table_failure& thrown) {
      return thrown.what_failed();
    }
    to_.post(std::move(all));
    return position;
  }

  result<commands> handle(const recorded_event& event) override { return projection_.handle(event); }
  std::optional<failed_event> run() override { return projection_.run(); }
  std::optional<failed_event> finish() override { return projection_.finish(); }

  result<void> commit(std::uint64_t position) override { return tell(projection_.commit(position)); }
  result<void> commit_letters(const std::vector<delivery_id>& letters, std::uint64_t position) override {
    return tell(projection_.commit_letters(letters, position));
  }
  [[nodiscard]] std::vector<delivery_id> committed_letters() const override { return projection_.committed_letters(); }
  void letters_are_on_record(std::uint64_t position) override { projection_.letters_are_on_record(position); }
  result<void> sync() override { return projection_.sync(); }

  void abandon() override {
    changes_.clear();
    projection_.abandon();
  }

  [[nodiscard]] bool has_unsaved(std::uint64_t position) const override { return projection_.has_unsaved(position); }
  result<void> save(std::uint64_t position) override { return projection_.save(position); }
  result<void> reset() override {
    changes_.clear();
    return projection_.reset();
  }

 private:
  using deadline_table = table<std::pair<std::string, std::string>, deadline_row>;  // by instance and name

  static projection_definition list(deadlines_definition definition, std::vector<deadline_change>& changes) {
    projection_definition made{std::move(static_cast<consumer_definition&>(definition)), {}};
    made.partitions = 1;  // they would share `changes`
    made.shape = deadline_table::shape();
    for (auto& [type, steps_of] : definition.handlers) {
      made.handlers.emplace(
          type,
          [steps_of = std::move(steps_of), &changes](const recorded_event& event, row_buffer& rows) -> result<void> {
            auto follows = steps_of(event);
            if (!follows) return std::move(follows).error();
            deadline_table deadlines{rows};
            const std::string key{event.meta.entity_id()};
            for (const auto& each : *follows) {
              if (const auto* set = std::get_if<set_deadline>(&each)) {
                deadlines.put({key, set->name}, {set->due, event.meta.correlation_id});
                changes.push_back({key, set->name, set->due, event.meta.correlation_id});
              } else if (const auto* off = std::get_if<cancel_deadline>(&each)) {
                deadlines.erase({key, off->name});
                changes.push_back({key, off->name, std::nullopt, {}});
              }
            }
            return {};
          });
    }
    return made;
  }

  result<void> tell(result<void> committed) {
    if (committed && !changes_.empty()) to_.post(deadlines_changed{false, std::exchange(changes_, {})});
    return committed;
  }

  read_model_store& rows_;
  const address<alarm_message> to_;
  std::vector<deadline_change> changes_;  // since the last commit
  projection_handler projection_;
};

}  // namespace

std::unique_ptr<consumer_handler> make_deadlines_handler(deadlines_definition definition, read_model_store& rows,
                                                         address<alarm_message> to) {
  return std::make_unique<deadlines_handler>(std::move(definition), rows, std::move(to));
}

std::unique_ptr<consumer_handler> make_projection_handler(projection_definition definition, read_model_store& rows) {
  return std::make_unique<projection_handler>(std::move(definition), rows);
}

std::unique_ptr<consumer_handler> make_reaction_handler(reaction_definition definition, std::string checkpoint_name,
                                                        const event_store& journal,
                                                        address<committer_message> committer) {
  return std::make_unique<durable_reaction_handler>(std::move(definition), std::move(checkpoint_name), journal,
                                                    std::move(committer));
}

std::unique_ptr<consumer_handler> make_subscription_handler(reaction_definition definition, std::uint64_t position) {
  return std::make_unique<subscription_handler>(std::move(definition), position);
}

}  // namespace tyto::detail
