// Two journals, stream by stream.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "note_list.hpp"
#include "past_decisions.hpp"
#include "tyto/event_store.hpp"
#include "tyto/testing/rehearsal.hpp"

namespace tyto::testing {

/// One side of a comparison.
struct compared_journal {
  const event_store& events;
  std::uint64_t until;                       // a position
  const position_set* left_out = nullptr;    // positions that do not count
  const position_set* unreadable = nullptr;  // positions that cannot be read
};

class journal_comparison {
 public:
  using ignored_fields = decltype(detail::rehearsal_definition::ignored);

  journal_comparison(compared_journal before, compared_journal after, const ignored_fields& ignored,
                     std::size_t most_listed, note_list& notes)
      : before_(before), after_(after), ignored_(ignored), most_listed_(most_listed), notes_(notes) {}

  /// Adds what differs to `report`. Two streams are in memory at once, one of each journal.
  result<void> run(rehearsal_report& report);

 private:
  struct compared_event {
    shown_event shown;
    std::string payload;
    std::string identity;  // what it is compared by
  };
  using compared_events = std::vector<compared_event>;
  /// The first event that only one of two streams has, of each; nullptr if there is none.
  struct first_difference {
    const compared_event* before = nullptr;
    const compared_event* after = nullptr;
  };
  struct stretch;
  using add_count = void (*)(category_summary::type_counts&);

  /// Counts events by their types, and calls `compare` for each stream, once.
  template <class Compare>
  result<void> walk(const compared_journal& side, rehearsal_report& report, add_count count, const Compare& compare);
  /// Counts one event, and notes whether its stream begins with it.
  static void pass(const metadata& meta, const compared_journal& side, bool has_gaps, rehearsal_report& report,
                   add_count count, stretch& here);
  result<void> compare(const std::string& persistence_id, rehearsal_report& report);
  static first_difference find_first(const compared_events& before, const compared_events& after,
                                     stream_difference& found);
  void show(const first_difference& first, stream_difference& found) const;
  result<stream_info> read(const compared_journal& side, const std::string& persistence_id,
                           compared_events& into) const;
  void note_stream(const std::string& persistence_id, const stream_info& stream);
  [[nodiscard]] std::string identity_of(const event_view& event) const;

  const compared_journal before_;
  const compared_journal after_;
  const ignored_fields& ignored_;
  const std::size_t most_listed_;
  note_list& notes_;
};

}  // namespace tyto::testing
