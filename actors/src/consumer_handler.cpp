#include "consumer_handler.hpp"

#include <optional>
#include <utility>

namespace tyto::detail {
namespace {

class projection_handler final : public consumer_handler {
 public:
  projection_handler(projection_definition definition, read_model_store& rows)
      : definition_(std::move(definition)), store_(rows) {}

  result<std::uint64_t> load() override {
    auto rows = store_.snapshot(definition_.name);
    if (!rows) return std::move(rows).error();
    return saved_ = (*rows)->position();
  }

  [[nodiscard]] bool wants(std::string_view event_type) const override {
    return definition_.handlers.contains(event_type);
  }

  result<commands> handle(const recorded_event& event) override {
    if (!buffer_) {
      auto rows = store_.snapshot(definition_.name);
      if (!rows) return std::move(rows).error();
      snapshot_ = *std::move(rows);
      buffer_.emplace(*snapshot_);
    }
    try {
      auto handled = definition_.handlers.find(event.meta.type)->second(event, *buffer_);
      if (!handled) return std::move(handled).error();
      return commands{};
    } catch (...) {
      return failed_consumer(definition_.name, event.meta);
    }
  }

  result<void> commit(std::uint64_t position) override {
    // A checkpoint that moves over events of no interest is not worth a transaction of its own.
    const bool changed = buffer_ && !buffer_->changes().empty();
    if (!changed && position - saved_ < max_unsaved_events) return abandon(), result<void>{};
    return save(position);
  }

  void abandon() override {
    buffer_.reset();
    snapshot_.reset();
  }

  result<void> close(std::uint64_t position) override { return position > saved_ ? save(position) : result<void>{}; }

 private:
  static constexpr std::uint64_t max_unsaved_events = 16'384;

  result<void> save(std::uint64_t position) {
    const auto changes = buffer_ ? buffer_->changes() : row_changes{};
    abandon();  // the snapshot would keep the store from reusing what the commit replaces
    auto saved = store_.commit(definition_.name, changes, position);
    if (saved) saved_ = position;
    return saved;
  }

  const projection_definition definition_;
  read_model_store& store_;
  std::uint64_t saved_ = 0;
  std::unique_ptr<row_snapshot> snapshot_;
  std::optional<row_buffer> buffer_;
};

class reaction_handler : public consumer_handler {
 public:
  explicit reaction_handler(reaction_definition definition) : definition_(std::move(definition)) {}

  [[nodiscard]] bool wants(std::string_view event_type) const override {
    return definition_.handlers.contains(event_type);
  }

  result<commands> handle(const recorded_event& event) override {
    try {
      return definition_.handlers.find(event.meta.type)->second(event);
    } catch (...) {
      return failed_consumer(definition_.name, event.meta);
    }
  }

  void abandon() override {}

 protected:
  [[nodiscard]] const std::string& name() const { return definition_.name; }

 private:
  const reaction_definition definition_;
};

class durable_reaction_handler final : public reaction_handler {
 public:
  durable_reaction_handler(reaction_definition definition, const event_store& journal,
                           address<committer_message> committer)
      : reaction_handler(std::move(definition)), journal_(journal), committer_(std::move(committer)) {}

  result<std::uint64_t> load() override { return journal_.load_checkpoint(name()); }

  // The checkpoint goes where the effects have gone, into the journal, and costs no transaction of its own while events
  // are being stored. It may arrive late: repeated commands have no effect.
  result<void> commit(std::uint64_t position) override {
    committer_.post(checkpoint{name(), position});
    return {};
  }

  result<void> close(std::uint64_t) override { return {}; }

 private:
  const event_store& journal_;
  address<committer_message> committer_;
};

class subscription_handler final : public reaction_handler {
 public:
  subscription_handler(reaction_definition definition, std::uint64_t position)
      : reaction_handler(std::move(definition)), position_(position) {}

  result<std::uint64_t> load() override { return position_; }
  result<void> commit(std::uint64_t) override { return {}; }
  result<void> close(std::uint64_t) override { return {}; }

 private:
  const std::uint64_t position_;
};

}  // namespace

std::unique_ptr<consumer_handler> make_projection_handler(projection_definition definition, read_model_store& rows) {
  return std::make_unique<projection_handler>(std::move(definition), rows);
}

std::unique_ptr<consumer_handler> make_reaction_handler(reaction_definition definition, const event_store& journal,
                                                        address<committer_message> committer) {
  return std::make_unique<durable_reaction_handler>(std::move(definition), journal, std::move(committer));
}

std::unique_ptr<consumer_handler> make_subscription_handler(reaction_definition definition, std::uint64_t position) {
  return std::make_unique<subscription_handler>(std::move(definition), position);
}

}  // namespace tyto::detail
