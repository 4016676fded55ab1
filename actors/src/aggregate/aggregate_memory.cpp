#include "aggregate/aggregate_memory.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "aggregate/state_image.hpp"

namespace tyto::detail {
namespace {

class rebuilder {
 public:
  rebuilder(const rebuild_sources& from, const aggregate_definition& definition, const std::string& persistence_id,
            std::size_t most_events)
      : from_(from),
        definition_(definition),
        persistence_id_(persistence_id),
        events_left_(most_events),
        memory_(from.command_id_window) {}

  result<aggregate_memory> run() {
    if (from_.snapshots != nullptr && definition_.snapshots) {
      auto outcome = from_snapshot();
      if (!outcome) return std::move(outcome).error();
      memory_.began_with_snapshot = *outcome;
      if (*outcome) return std::move(memory_);
    }
    if (auto outcome = from_nothing(); !outcome) return std::move(outcome).error();
    return std::move(memory_);
  }

  /// Whether run() has failed because there were more events.
  [[nodiscard]] bool has_given_up() const { return has_given_up_; }

 private:
  // Returns whether there was a snapshot to begin with. Fails only where the journal does: then others are of no use.
  result<bool> from_snapshot() {
    std::optional<result<bool>> outcome;
    auto looked = from_.snapshots->load(persistence_id_, [&](std::uint64_t sequence_number,
                                                             const result<std::string_view>& image) {
      auto at = image ? restore(*image, false) : result<image_header>{image.error()};
      if (!at) return skip(sequence_number, at.error());
      const auto from = at->commands_since == 0 ? at->sequence_number : at->commands_since;
      auto replayed = replay(*at, from);
      if (replayed && !replayed->is_complete) {
        return skip(sequence_number, {errc::foreign, "replaying the events after it", "it does not fit the journal"});
      }
      // Of a deleted stream nothing is known, and nothing has to be.
      const bool is_deleted = replayed && replayed->stream.state == stream_state::deleted;
      if (replayed && !is_deleted && replayed->stream.first > from) {
        if (auto recalled = recall_commands(replayed->stream.base); !recalled) replayed = std::move(recalled).error();
      }
      outcome = replayed ? result<bool>{true} : std::move(replayed).error();
      return visit::stop;
    });
    if (!looked) from_.log(persistence_id_ + " recovers without its snapshots: " + looked.error().message());
    return outcome.value_or(false);
  }

  // Takes the commands whose events were truncated from the image that stands for them.
  result<void> recall_commands(std::string_view base) {
    auto parsed = parse_image(base);
    if (!parsed) {
      const auto& why = parsed.error();
      return error{why.code(), "recovering " + persistence_id_,
                   "the image that stands for its truncated events cannot be read, so commands would be done again"}
          .because(why);
    }
    const auto later = memory_.outcomes.entries();
    memory_.outcomes.clear();
    memory_.outcomes.note(parsed->at.commands);
    memory_.outcomes.note(later);
    return {};
  }

  visit skip(std::uint64_t sequence_number, const error& why) {
    from_.log(persistence_id_ + ": the snapshot after event " + std::to_string(sequence_number) +
              " cannot be used: " + why.message());
    return visit::next;
  }

  result<void> from_nothing() {
    auto replayed = create() ? replay({}, 1) : result<replay_outcome>{handler_error_};
    if (!replayed) return std::move(replayed).error();
    const auto& stream = replayed->stream;
    if (replayed->is_complete) {
      return stream.first > 1 && !stream.base.empty() ? recall_commands(stream.base) : result<void>{};
    }
    const auto doing = "recovering " + persistence_id_;
    const auto parsed = parse_image(stream.base);
    if (stream.base.empty() || (parsed && parsed->state == no_state)) {
      return error{errc::truncated, doing,
                   "its events before number " + std::to_string(stream.first) +
                       " are gone, and neither a snapshot nor a summary stands for them"};
    }
    auto at = restore(stream.base, true);
    if (!at) {
      const auto& why = at.error();
      return error{why.code(), doing, "the image that stands for its truncated events cannot be used"}.because(why);
    }
    replayed = replay(*at, stream.first);
    if (!replayed) return std::move(replayed).error();
    if (replayed->is_complete) return {};
    return error{errc::damaged, doing, "the image that stands for its truncated events does not fit them"};
  }

  [[nodiscard]] std::unique_ptr<aggregate_instance> make_instance() const {
    const auto key = entity_id_of(persistence_id_);
    if (from_.makers == nullptr) return definition_.create(key);
    const auto maker = from_.makers->find(&definition_);
    return maker == from_.makers->end() ? definition_.create(key) : maker->second(key);
  }

  bool create() {
    memory_ = aggregate_memory{from_.command_id_window};
    try {
      memory_.instance = make_instance();
      return true;
    } catch (...) {
      handler_error_ = handler_failure("creating the state of " + persistence_id_);
      return false;
    }
  }

  // Begins memory anew with what `image` says: a snapshot, or a base, which stands for events that are gone.
  result<image_header> restore(std::string_view image, bool is_base) {
    auto parsed = parse_image(image);
    if (!parsed) return std::move(parsed).error();
    auto& at = parsed->at;
    const auto expected = definition_.snapshots ? definition_.snapshots->schema_version : 0;
    if (is_base ? at.schema_version > expected : at.schema_version != expected) {
      return error{errc::undecodable, "restoring an image of " + persistence_id_,
                   "its state has schema version " + std::to_string(at.schema_version) + ", the aggregate's is " +
                       std::to_string(expected)};
    }
    if (!create()) return handler_error_;
    auto& instance = *memory_.instance;
    auto restored = is_base ? instance.restore_base(parsed->state, at.schema_version) : instance.restore(parsed->state);
    if (!restored) return std::move(restored).error();
    memory_.durable = {at.position, at.sequence_number};
    memory_.last_time = at.time;
    memory_.outcomes.note(at.commands);
    return std::move(at);
  }

  struct replay_outcome {
    stream_info stream;
    bool is_complete = true;  // no event was missing between where it began and the end
  };

  // Replays what follows `after` to the instance. Of what precedes it, from number `from` on, it only takes note.
  result<replay_outcome> replay(const image_header& after, std::uint64_t from) {
    result<void> applied;
    bool is_complete = true;
    auto read = from_.journal.read_stream(persistence_id_, from, [&](const event_view& event) {
      has_given_up_ = events_left_ == 0;
      if (has_given_up_) return visit::stop;
      --events_left_;
      const auto number = event.meta.sequence_number;
      if (number == after.sequence_number) {
        is_complete = after.position == 0 || after.position == event.meta.position;
      } else if (number > after.sequence_number && !follows(event.meta)) {
        is_complete = after.sequence_number == 0 && is_summary(event.meta.type);
      }
      if (is_complete) applied = take(event, number > after.sequence_number);
      return is_complete && applied ? visit::next : visit::stop;
    });
    if (has_given_up_) return error{errc::overloaded, "recovering " + persistence_id_, "there are too many events"};
    if (!read) return std::move(read).error();
    if (!applied) return std::move(applied).error();
    const auto known = memory_.durable.sequence_number;
    if (read->state == stream_state::deleted) {
      memory_.durable = {0, read->version};
      memory_.instance.reset();
      is_complete = true;
    } else if (read->version < after.sequence_number || read->first > known + 1) {
      is_complete = false;
    }
    memory_.stream = read->state;
    return replay_outcome{*std::move(read), is_complete};
  }

  // The parts of an event that an upcaster split share its number.
  [[nodiscard]] bool follows(const metadata& event) const {
    return event.sequence_number == memory_.durable.sequence_number + (event.part == 0 ? 1 : 0);
  }

  [[nodiscard]] bool is_summary(std::string_view type) const {
    return std::ranges::find(definition_.summaries, type) != definition_.summaries.end();
  }

  result<void> take(const event_view& event, bool is_new) {
    std::shared_ptr<const rejection> refused;
    if (event.meta.type == stored_name<command_rejected>) {
      auto recorded = from_bytes<command_rejected>(event.payload);
      if (!recorded) return std::move(recorded).error();
      refused = std::make_shared<const rejection>(rejection_of(*recorded));
    } else if (is_new && event.meta.type != retired_type) {
      if (auto applied = memory_.instance->replay(event); !applied) return applied;
    }
    memory_.remember(event.meta, std::move(refused));
    memory_.last_time = event.meta.time;
    return {};
  }

  const rebuild_sources& from_;
  const aggregate_definition& definition_;
  const std::string& persistence_id_;
  std::size_t events_left_;
  bool has_given_up_ = false;
  aggregate_memory memory_;
  error handler_error_{errc::handler_failed, {}};
};

}  // namespace

void aggregate_memory::remember(const metadata& event, std::shared_ptr<const rejection> refused) {
  durable.position = event.position;
  durable.sequence_number = event.sequence_number;
  if (event.command_id.empty()) return;
  auto outcome = durable;
  outcome.event_count = event.decision_index + 1;
  outcomes.note(event.command_id, {outcome, std::move(refused)});
}

result<aggregate_memory> rebuild(const rebuild_sources& from, const aggregate_definition& definition,
                                 const std::string& persistence_id) {
  return rebuilder{from, definition, persistence_id, std::numeric_limits<std::size_t>::max()}.run();
}

std::optional<result<aggregate_memory>> rebuild_shortly(const rebuild_sources& from,
                                                        const aggregate_definition& definition,
                                                        const std::string& persistence_id, std::size_t most) {
  rebuilder here{from, definition, persistence_id, most};
  auto rebuilt = here.run();
  if (here.has_given_up()) return std::nullopt;
  return rebuilt;
}

std::string image_of(const aggregate_memory& memory, const aggregate_definition& definition,
                     std::uint64_t sequence_number, std::string_view state, bool events_go) {
  image_header at;
  at.schema_version = definition.snapshots ? definition.snapshots->schema_version : 0;
  at.sequence_number = sequence_number;
  if (sequence_number == memory.durable.sequence_number) at.position = memory.durable.position;
  at.time = memory.last_time;
  at.commands_since = memory.outcomes.since();
  if (events_go) at.commands = memory.outcomes.entries();
  return make_image(at, state);
}

}  // namespace tyto::detail
