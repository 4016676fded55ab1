// What would a change have done to what has happened? A journal is run again under other rules, in a simulated world
// whose clock moves along history; decisions and read models that come out differently are listed.
//     tyto::testing::rehearsal last_year{tyto::open_lmdb({.path = "data", .read_only = true}).value()};
//     last_year.program([](tyto::runtime& rt) { rt.aggregate<order>().reaction(billing{no_bank}); });
//     const auto report = last_year.run();
//     std::cout << report.value();
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tyto/aggregate.hpp"
#include "tyto/command.hpp"
#include "tyto/runtime.hpp"
#include "tyto/storage.hpp"
#include "tyto/testing/storage_opener.hpp"

namespace tyto::testing {

/// How a journal is rehearsed.
struct rehearsal_options {
  /// The last position of history that is looked at, if the journal goes further.
  std::uint64_t until = std::numeric_limits<std::uint64_t>::max();
  /// How long the clock goes on behind the last event, so that deadlines that had not run out then may do so.
  std::chrono::milliseconds afterwards{0};

  /// Opens what the rehearsed journal and its read models are stored in, which must be empty, and whose appends are
  /// done when append() returns, as those of Tyto's own stores are. Without it they are kept in memory, which takes
  /// some 500 bytes for each event.
  storage_opener storage = {};

  /// The program's limits. Clock, ids and log are the rehearsal's.
  runtime_options runtime = {};

  /// The most differences and notes of one kind that the report lists; the others are counted.
  std::size_t most_listed = 20;
};

/// An event, as a report shows it.
struct shown_event {
  std::uint64_t sequence_number = 0;
  std::string type;
  timestamp time;
  std::string payload;  // JSON
};

/// A field that has another value; JSON, or empty where there is no such field.
struct field_difference {
  std::string field;
  std::string before;
  std::string after;
};

/// A stream that holds other events.
struct stream_difference {
  std::string persistence_id;
  std::uint64_t events_before = 0;
  std::uint64_t events_after = 0;
  /// How many events are only in one of them. The others are in both, maybe in another order.
  std::uint64_t only_before = 0;
  std::uint64_t only_after = 0;
  /// The first event that is only in one of them.
  std::optional<shown_event> first_before = {};
  std::optional<shown_event> first_after = {};
  /// Where these two are of one type and have one number: the fields that differ.
  std::vector<field_difference> fields = {};
};

/// How the streams of a category compare.
struct category_summary {
  struct type_counts {
    std::uint64_t before = 0;
    std::uint64_t after = 0;
  };
  std::uint64_t streams = 0;  // in one of the journals or in both
  std::uint64_t differ = 0;
  std::uint64_t reordered = 0;                                  // of the others: the same events in another order
  std::map<std::string, type_counts, std::less<>> events = {};  // by their types
};

/// A command that was decided again, with the opposite outcome.
struct decision_difference {
  std::uint64_t position = 0;  // in history, of the first event that stands for the command
  std::string persistence_id;
  std::string type;  // of that event
  std::string command_id;
  rejection why;  // the one of today, or that of history
};

/// A row that differs, or is in one of two read models only; JSON, or empty where there is no such row.
struct row_difference {
  std::string key;  // as text
  std::string before;
  std::string after;
  std::vector<field_difference> fields = {};  // of a row that is in both
};

/// How the rows of a projection compare.
struct read_model_summary {
  std::string projection;
  /// Whether the rows before are those that history's storage holds, and so those of the old projection. Else they were
  /// made of history by the new one, so that all that differs follows from events.
  bool is_stored = false;
  std::uint64_t rows_before = 0;
  std::uint64_t rows_after = 0;
  std::uint64_t differ = 0;
  std::vector<row_difference> rows = {};  // the first ones
};

/// Something that keeps a rehearsal from being the whole truth.
struct rehearsal_note {
  enum class kind : std::uint8_t {
    unknown_category,  // events of a category that the program has no aggregate of; those from outside are left out
    unknown_type,      // events of a type that their aggregate does not know: it could not recover from the old journal
    undecodable,       // events that cannot be brought up to date or decoded; likewise
    removed_events,    // a stream whose first events were removed; what followed from these is taken as it was
    closed_stream,     // a stream that was closed, and takes events in the rehearsal
    dead_letters,      // what became of consumers' dead letters in history; it is not rehearsed
    not_taken,         // an event or a command from outside that the rehearsed aggregate failed at
    not_compared,      // a stream or read model that cannot be read
    refused,           // commands of a consumer that were refused in the rehearsal
    problem,           // a consumer or something else that did not work in the rehearsal
    logged,            // what the rehearsed program has logged
  };
  kind what;
  std::string subject;  // a category, an event's type, a stream, a consumer, or a line
  std::uint64_t count = 1;
  std::uint64_t position = 0;  // of the first one in history, if it is an event
  std::string detail = {};
};

/// Returns the kind's name, for example "unknown_type".
std::string_view name(rehearsal_note::kind what);

/// What a rehearsal has shown.
struct rehearsal_report {
  std::uint64_t events = 0;     // of history
  std::uint64_t given = 0;      // of them, events from outside that were put in as they were
  std::uint64_t decided = 0;    // commands from outside that were decided again
  std::uint64_t followed = 0;   // events of history that had followed from others, and were left to follow again
  std::uint64_t left_out = 0;   // events of history that are in no comparison, see notes
  std::uint64_t rehearsed = 0;  // events in the rehearsed journal
  timestamp first;              // the time of history's first event …
  timestamp last;               // … and of its last one
  std::chrono::duration<double> took{0};

  std::map<std::string, category_summary, std::less<>> categories = {};
  std::vector<stream_difference> streams = {};  // the first ones, of all categories
  std::uint64_t rejected = 0;                   // commands of which history has events, and which are rejected
  std::uint64_t accepted = 0;                   // commands that history has recorded as rejected, and which are not
  std::vector<decision_difference> rejected_commands = {};  // the first ones
  std::vector<decision_difference> accepted_commands = {};  // likewise
  std::vector<read_model_summary> read_models = {};
  std::vector<rehearsal_note> notes = {};
  std::uint64_t notes_unlisted = 0;

  /// Whether nothing differs; but events in another order inside a stream do not count, nor do notes.
  [[nodiscard]] bool is_same() const;

  /// Prints it for people; payloads, rows and fields as JSON.
  friend std::ostream& operator<<(std::ostream& out, const rehearsal_report& report);
};

}  // namespace tyto::testing

namespace tyto::detail {

/// A rehearsal without its types.
struct rehearsal_definition {
  storage history;
  testing::rehearsal_options options;
  std::function<void(runtime&)> program;
  std::function<void(runtime&)> before;  // none: the comparison is with history
  /// By category and type of the event: the command that stands for one from outside, if any.
  using command_of_event = std::function<result<std::optional<outgoing_command>>(const recorded_event&)>;
  std::map<std::pair<std::string, std::string>, command_of_event> commands;
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> ignored;  // fields, by type
};

result<testing::rehearsal_report> rehearse(const rehearsal_definition& of);

}  // namespace tyto::detail

namespace tyto::testing {

/// A journal, and the rules under which it is run again.
///
/// Journals hold events and no commands. An event that came from outside, and not from a consumer or a deadline, is
/// given: it is put into the rehearsed journal as it was, at its time, through its aggregate; or the command that led
/// to it is decided again, where command() says which that was. What had followed from consumers, process managers and
/// deadlines is not copied: it follows again, under the new rules, or does not.
///
/// The rehearsed program does nothing late: what follows from an event has happened when the next given event comes,
/// and a deadline is told when it is due. In history, consumers lagged and the program was down at times. Where an
/// outcome depends on who was faster, it may differ without any change of rules; before() tells such differences from
/// others.
class rehearsal {
 public:
  /// `history` is only read, also while another program writes to it: open it for reading only, through upcasting() if
  /// the program has upcasters. Its read models may be missing.
  explicit rehearsal(storage history, rehearsal_options options = {}) {
    of_.history = std::move(history);
    of_.options = std::move(options);
    of_.program = [](runtime&) {};
  }

  /// Registers aggregates and consumers under the new rules. Reactions that have effects outside of the journal would
  /// have them: give them harmless dependencies. A reaction begins at the first event, also one from start_from::end.
  rehearsal& program(std::function<void(runtime&)> define) {
    of_.program = std::move(define);
    return *this;
  }

  /// Registers aggregates and consumers under the old rules. They are rehearsed, too, in memory, and the comparison is
  /// between the two rehearsals instead of with history: what differs then comes from the rules alone.
  rehearsal& before(std::function<void(runtime&)> define) {
    of_.before = std::move(define);
    return *this;
  }

  /// Says what command stands for an event E from outside in the stream of an aggregate A: it is decided again, with
  /// the ids and tags that it had, instead of the events of the decision being put in. `command_of(const E&, const
  /// metadata&)` returns one of A's commands, or an optional one; none, and the event is put in as it was. Of the
  /// events of one decision, the first one that stands for a command does. With E = command_rejected, for rejections
  /// that history has recorded.
  template <class A, event E, class CommandOf>
  rehearsal& command(CommandOf command_of) {
    of_.commands.insert_or_assign(std::pair{std::string{A::category}, std::string{stored_name<E>}},
                                  [command_of = std::move(command_of)](
                                      const recorded_event& recorded) -> result<std::optional<outgoing_command>> {
                                    auto happened = event_cast<E>(recorded);
                                    if (!happened) return std::move(happened).error();
                                    std::optional<typename A::command> command = command_of(**happened, recorded.meta);
                                    if (!command) return std::optional<outgoing_command>{};
                                    return std::optional{send<A>(recorded.meta.entity_id(), *std::move(command))};
                                  });
    return *this;
  }

  /// Compares events of type E without these fields.
  template <event E>
  rehearsal& ignore(std::initializer_list<std::string> fields) {
    of_.ignored[std::string{stored_name<E>}].insert(fields);
    return *this;
  }

  /// Runs it, on the calling thread. Fails where the journal cannot be read or the rehearsed one not be written, where
  /// the program does not start, and with errc::timeout where no end of what follows from one event is in sight.
  [[nodiscard]] result<rehearsal_report> run() const { return tyto::detail::rehearse(of_); }

 private:
  tyto::detail::rehearsal_definition of_;
};

}  // namespace tyto::testing
