// What the four kinds of consumers do with an event, behind one interface: a projection changes rows, a reaction
// returns commands, a subscription calls a handler, a process manager's deadlines are set and cancelled. The consumer's
// actor decides when.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "consumer/projection_work.hpp"
#include "deadline/alarm_clock.hpp"
#include "messages.hpp"
#include "tyto/consumer.hpp"
#include "tyto/event_store.hpp"
#include "tyto/read_model_store.hpp"

namespace tyto::detail {

/// Used by one thread. handle() calls are grouped: each group ends with finish() and commit(), or with abandon(). The
/// events of a group stay until then, or until finish().
class consumer_handler {
 public:
  virtual ~consumer_handler() = default;

  [[nodiscard]] virtual const consumer_definition& definition() const = 0;
  /// Returns which events it handles.
  [[nodiscard]] virtual event_filter wants() const = 0;

  /// Returns the position after which to start.
  virtual result<std::uint64_t> load() = 0;
  /// Returns the commands that follow from `event`, which it wants.
  virtual result<commands> handle(const recorded_event& event) = 0;
  /// Does what handle() has put off, if anything; returns an event that failed.
  virtual std::optional<failed_event> run() { return std::nullopt; }
  /// The same at the end of a group.
  virtual std::optional<failed_event> finish() { return std::nullopt; }
  /// Makes what was handled since the last commit stay, with the checkpoint `position`.
  virtual result<void> commit(std::uint64_t position) = 0;
  /// Forgets what was handled since the last commit.
  virtual void abandon() = 0;
  /// Whether commit() has put off saving the checkpoint `position`.
  [[nodiscard]] virtual bool has_unsaved(std::uint64_t) const { return false; }
  /// Saves the checkpoint `position` if commit() has put that off.
  virtual result<void> save(std::uint64_t position) = 0;
  /// Makes everything as if no event had been handled. Fails with errc::invalid_argument if that cannot be.
  virtual result<void> reset() = 0;

  /// Whether it is to be told of commands that were refused.
  [[nodiscard]] virtual bool hears_refusals() const { return false; }
  /// Returns the commands that follow when a command that followed from the event `cause` was refused.
  virtual result<commands> refused(const refused_command&, const metadata&) { return commands{}; }

  /// Like commit(), for what was handled of the dead letters `letters`.
  virtual result<void> commit_letters(const std::vector<delivery_id>&, std::uint64_t position) {
    return commit(position);
  }
  /// Returns the dead letters that were committed and whose release may not be on record: their effect is there, and
  /// must not come again. None for a handler whose effects may be repeated.
  [[nodiscard]] virtual std::vector<delivery_id> committed_letters() const { return {}; }
  /// The releases of all committed letters are in the journal at `position` or before.
  virtual void letters_are_on_record(std::uint64_t) {}
  /// Makes what was committed survive losing power, unless it is the journal's to do so.
  virtual result<void> sync() { return {}; }
};

std::unique_ptr<consumer_handler> make_projection_handler(projection_definition definition, read_model_store& rows);

/// `checkpoint_name` is that of the partition.
std::unique_ptr<consumer_handler> make_reaction_handler(reaction_definition definition, std::string checkpoint_name,
                                                        const event_store& journal,
                                                        address<committer_message> committer);

/// Lists deadlines as rows of a read model, and tells `to` which there are and how they change.
std::unique_ptr<consumer_handler> make_deadlines_handler(deadlines_definition definition, read_model_store& rows,
                                                         address<alarm_message> to);

/// A reaction without a checkpoint that starts after `position`.
std::unique_ptr<consumer_handler> make_subscription_handler(reaction_definition definition, std::uint64_t position);

}  // namespace tyto::detail
