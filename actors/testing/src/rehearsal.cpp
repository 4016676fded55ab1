#include "tyto/testing/rehearsal.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "consumer/command_ids.hpp"
#include "consumer/partition.hpp"
#include "journal_comparison.hpp"
#include "note_list.hpp"
#include "past_decisions.hpp"
#include "rehearsal_stage.hpp"
#include "row_comparison.hpp"
#include "tyto/dead_letter.hpp"
#include "tyto/memory_store.hpp"
#include "tyto/past_read_model.hpp"

namespace tyto::testing {
namespace {

using decision_events = std::vector<recorded_event>;
using kind = rehearsal_note::kind;

// An alarm's commands have no id; what causes them is `process manager/deadline`.
bool followed_from_deadline(const metadata& first) {
  const bool is_told = first.type == stored_name<deadline_reached> || first.type == stored_name<deadlines_dropped>;
  return is_told && first.command_id.empty() && first.causation_id.starts_with(std::string{first.category()} + "/");
}

class rehearser {
 public:
  explicit rehearser(const detail::rehearsal_definition& of) : of_(of), notes_(of.options.most_listed) {}

  result<rehearsal_report> run() {
    const auto begun = std::chrono::steady_clock::now();
    if (!of_.history.journal) {
      return error{errc::invalid_argument, "rehearsing a journal", "the storage has no journal"};
    }
    const auto head = journal().head();
    if (!head) return head.error();
    until_ = std::min(*head, of_.options.until);
    if (auto known = find_consumers(); !known) return std::move(known).error();
    auto stores = of_.options.storage ? of_.options.storage() : result<storage>{open_memory()};
    if (!stores) return std::move(stores).error();
    // Under the old rules first: the figures are those of the second one.
    note_list ignored{0};
    rehearsal_stage old_stage{journal(), of_.options, ignored};
    if (of_.before) {
      if (auto ran = perform(old_stage, of_.before, open_memory(), ignored); !ran) return std::move(ran).error();
    }
    rehearsal_stage stage{journal(), of_.options, notes_};
    report_ = {};
    left_out_ = {};
    if (auto ran = perform(stage, of_.program, *std::move(stores), notes_); !ran) return std::move(ran).error();
    if (auto compared = compare(of_.before ? &old_stage : nullptr, stage); !compared) {
      return std::move(compared).error();
    }
    notes_.move_to(report_);
    report_.took = std::chrono::steady_clock::now() - begun;
    return std::move(report_);
  }

 private:
  [[nodiscard]] const event_store& journal() const { return *of_.history.journal; }

  result<void> find_consumers() {
    auto checkpoints = journal().checkpoints();
    if (!checkpoints) return std::move(checkpoints).error();
    for (const auto& [name, position] : detail::positions_of_consumers(*checkpoints)) consumers_.insert(name);
    return {};
  }

  // Runs history up to its end under the rules of `program`.
  result<void> perform(rehearsal_stage& stage, const std::function<void(runtime&)>& program, storage stores,
                       note_list& notes) {
    past_decisions past{journal(), until_, notes};
    auto decision = past.next();
    if (!decision) return std::move(decision).error();
    const auto begin = decision->empty() ? timestamp{} : decision->front().meta.time;
    report_.first = report_.last = begin;
    if (auto started = stage.start(std::move(stores), program, begin); !started) return started;
    for (; decision && !decision->empty(); decision = past.next()) {
      report_.events += decision->size();
      report_.last = std::max(report_.last, decision->back().meta.time);
      check_types(stage, *decision, notes);
      if (auto happened = happen(stage, past, *decision, notes); !happened) return happened;
    }
    if (!decision) return std::move(decision).error();
    unreadable_ = past.unreadable();
    if (auto moved = stage.move_to(report_.last + of_.options.afterwards); !moved) return moved;
    return stage.finish();
  }

  // What the program could not read is worth knowing of every event, whether or not it is put in.
  void check_types(const rehearsal_stage& stage, decision_events& decision, note_list& notes) {
    for (auto& event : decision) {
      const auto& meta = event.meta;
      if (meta.type == retired_type || meta.type == stored_name<command_rejected>) continue;
      if (meta.category() == consumer_record::category) {
        notes.add(kind::dead_letters, meta.type, meta.position);
        continue;
      }
      const auto* aggregate = stage.find_aggregate(meta.category());
      if (aggregate == nullptr) {
        notes.add(kind::unknown_category, std::string{meta.category()}, meta.position);
        continue;
      }
      const auto type = std::ranges::find(aggregate->events, meta.type, &event_type::name);
      if (type == aggregate->events.end()) {
        notes.add(kind::unknown_type, meta.type, meta.position, "in " + meta.persistence_id);
        continue;
      }
      auto value = (*type)->decode(event.payload);
      if (!value) {
        notes.add(kind::undecodable, meta.type, meta.position,
                  "in " + meta.persistence_id + ": " + value.error().message());
        continue;
      }
      event.type = *type;
      event.value = *std::move(value);
    }
  }

  // Whether it follows again from what is in the rehearsed journal.
  [[nodiscard]] bool follows_again(const rehearsal_stage& stage, const past_decisions& past,
                                   const metadata& first) const {
    if (first.category() == consumer_record::category || followed_from_deadline(first)) return true;
    const auto cause = detail::cause_of(first);
    if (!cause || (!consumers_.contains(cause->consumer) && !stage.consumers().contains(cause->consumer))) return false;
    return !past.missing().has(cause->position) && !left_out_.has(cause->position);
  }

  static result<std::optional<outgoing_command>> command_of_event(
      const detail::rehearsal_definition::command_of_event& ask, const recorded_event& event) {
    try {
      return ask(event);
    } catch (...) {
      return detail::handler_failure("asking what command led to event " + std::to_string(event.meta.position) + ", " +
                                     event.meta.type);
    }
  }

  result<void> happen(rehearsal_stage& stage, const past_decisions& past, decision_events& decision, note_list& notes) {
    const auto first = decision.front().meta;
    if (follows_again(stage, past, first)) {
      report_.followed += decision.size();
      return {};
    }
    if (auto moved = stage.move_to(first.time); !moved) return moved;
    for (const auto& event : decision) {
      const auto command_of = of_.commands.find({std::string{first.category()}, event.meta.type});
      if (command_of == of_.commands.end()) continue;
      auto command = command_of_event(command_of->second, event);
      if (!command && command.error().code() == errc::handler_failed) return command.error();
      if (!command) {
        notes.add(kind::undecodable, event.meta.type, event.meta.position, command.error().message());
      } else if (*command) {
        return decide(stage, **std::move(command), event.meta);
      }
    }
    std::erase_if(decision, [&](const recorded_event& event) {
      if (event.meta.type == retired_type) return true;
      const bool is_rejection = event.meta.type == stored_name<command_rejected>;
      if (event.type != nullptr || (is_rejection && stage.find_aggregate(event.meta.category()) != nullptr))
        return false;
      left_out_.add(event.meta.position, event.meta.position);
      ++report_.left_out;
      return true;
    });
    if (decision.empty()) return {};
    report_.given += decision.size();
    return stage.put_in(decision);
  }

  result<void> decide(rehearsal_stage& stage, outgoing_command command, const metadata& past) {
    ++report_.decided;
    const auto outcome = stage.decide(std::move(command), past);
    if (!outcome) return outcome.error();
    const bool was_rejected = past.type == stored_name<command_rejected>;
    const auto* no = *outcome ? nullptr : outcome->error().rejected();
    decision_difference found{past.position, past.persistence_id, past.type, past.command_id, {}};
    const auto note = [&](std::uint64_t& count, std::vector<decision_difference>& list) {
      ++count;
      if (list.size() < of_.options.most_listed) list.push_back(std::move(found));
    };
    if (!was_rejected && no != nullptr) {
      found.why = *no;
      note(report_.rejected, report_.rejected_commands);
    } else if (was_rejected && *outcome) {
      note(report_.accepted, report_.accepted_commands);
    }
    return {};
  }

  result<void> compare(const rehearsal_stage* old_stage, const rehearsal_stage& stage) {
    const auto head = stage.stores().journal->head();
    if (!head) return head.error();
    report_.rehearsed = *head;
    std::uint64_t old_head = until_;
    if (old_stage != nullptr) {
      const auto known = old_stage->stores().journal->head();
      if (!known) return known.error();
      old_head = *known;
    }
    const auto& before = old_stage != nullptr ? *old_stage->stores().journal : journal();
    journal_comparison streams{
        {before, old_head, old_stage != nullptr ? nullptr : &left_out_, old_stage != nullptr ? nullptr : &unreadable_},
        {*stage.stores().journal, *head},
        of_.ignored,
        of_.options.most_listed,
        notes_};
    if (auto compared = streams.run(report_); !compared) return compared;
    for (const auto& each : stage.projections()) {
      const auto is_replacement = [&](const projection_definition& other) { return other.replaces == each.name; };
      // What has been replaced stops where the other one has caught up.
      if (std::ranges::any_of(stage.projections(), is_replacement)) continue;
      if (auto compared = compare_read_model(old_stage, stage, each); !compared) return compared;
    }
    return {};
  }

  result<void> compare_read_model(const rehearsal_stage* old_stage, const rehearsal_stage& stage,
                                  const projection_definition& projection) {
    auto after = stage.stores().read_models->snapshot(projection.name);
    if (!after) return std::move(after).error();
    read_model_summary summary{projection.name};
    std::unique_ptr<row_snapshot> stored;
    row_buffer projected{detail::no_rows()};
    const row_reader* before = &projected;
    if (old_stage != nullptr) {
      auto rows = old_stage->stores().read_models->snapshot(projection.name);
      if (!rows) return std::move(rows).error();
      stored = *std::move(rows);
    } else {
      auto rows = stored_rows(projection);
      if (!rows) return std::move(rows).error();
      stored = *std::move(rows);
      summary.is_stored = stored != nullptr;
    }
    if (stored) {
      before = stored.get();
    } else if (auto made = detail::project_rows(journal(), projection, until_, projected); !made) {
      notes_.add(kind::not_compared, projection.name, 0, made.error().message());
      return {};
    }
    if (auto compared = compare_rows(projection, *before, **after, of_.options.most_listed, summary); !compared) {
      return compared;
    }
    report_.read_models.push_back(std::move(summary));
    return {};
  }

  // The rows that history's storage holds, if they are as of the end of what is looked at; else nullptr.
  result<std::unique_ptr<row_snapshot>> stored_rows(const projection_definition& projection) const {
    if (!of_.history.read_models) return std::unique_ptr<row_snapshot>{};
    auto rows = of_.history.read_models->snapshot(projection.name);
    if (!rows) return std::move(rows).error();
    const auto position = (*rows)->position();
    if (position == 0) return std::unique_ptr<row_snapshot>{};
    const auto [first, last] = std::minmax(position, until_);
    bool is_between = false;
    auto read = journal().read_all({.from = first + 1, .only = handled_by(projection), .max_events = last - first},
                                   [&, last = last](const event_view& event) {
                                     is_between = event.meta.position <= last;
                                     return visit::stop;
                                   });
    if (!read || is_between) return std::unique_ptr<row_snapshot>{};
    return rows;
  }

  const detail::rehearsal_definition& of_;
  note_list notes_;
  std::uint64_t until_ = 0;
  std::set<std::string, std::less<>> consumers_;  // that the old program had
  position_set left_out_;
  position_set unreadable_;
  rehearsal_report report_;
};

}  // namespace
}  // namespace tyto::testing

namespace tyto::detail {

result<testing::rehearsal_report> rehearse(const rehearsal_definition& of) {
  try {
    return testing::rehearser{of}.run();
  } catch (...) {
    return handler_failure("rehearsing a journal");
  }
}

}  // namespace tyto::detail
