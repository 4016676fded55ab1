#include "tyto/detail/scenario_journal.hpp"

#include <algorithm>

#include "tyto/aggregate.hpp"
#include "tyto/printable.hpp"

namespace tyto::detail {
namespace {

constexpr std::size_t most_problems = 5;  // what else is wrong follows from these, as a rule

// Returns why a runtime refuses the command, whatever the aggregate is; empty if it does not.
std::string refusal_of(const outgoing_command& sent) {
  if (sent.target == nullptr || (sent.command == nullptr && !sent.retain)) return "it is empty; make it with send()";
  const auto usable = check_persistence_id(make_persistence_id(sent.target->category, sent.entity_id));
  if (!usable) return usable.error().detail();
  const auto& tags = sent.options.tags;
  if (tags.size() > max_tags) {
    return "it has " + std::to_string(tags.size()) + " tags, the limit is " + std::to_string(max_tags);
  }
  const auto longest = std::ranges::max_element(tags, {}, &std::string::size);
  if (longest != tags.end() && longest->size() > max_id_bytes) {
    return "a tag has " + std::to_string(longest->size()) + " bytes, the limit is " + std::to_string(max_id_bytes);
  }
  return {};
}

}  // namespace

void scenario_journal::fill_in(metadata& meta) {
  if (meta.position == 0) meta.position = head_ + 1;
  head_ = meta.position;
  if (meta.persistence_id.empty()) meta.persistence_id = make_persistence_id(category_, "1");
  check_stream(meta.persistence_id);
  auto& version = versions_[meta.persistence_id];
  if (meta.sequence_number == 0) meta.sequence_number = version + 1;
  version = meta.sequence_number;
  if (meta.time == timestamp{}) meta.time = now_;
  now_ = meta.time;
}

void scenario_journal::check_stream(std::string_view persistence_id) {
  const auto usable = check_persistence_id(persistence_id);
  if (!usable) note("there is no stream '" + printable(persistence_id) + "': " + usable.error().detail());
}

void scenario_journal::check(const commands& sent) {
  for (const auto& each : sent) {
    if (const auto why = refusal_of(each); !why.empty()) {
      note("a runtime refuses the command `" + item_of(each).title + "`: " + why);
    }
  }
}

void scenario_journal::note(std::string_view problem) {
  if (problem.empty() || std::ranges::find(problems_, problem) != problems_.end()) return;
  if (problems_.size() < most_problems) {
    problems_.emplace_back(problem);
  } else {
    ++more_problems_;
  }
}

testing::verdict scenario_journal::judge(std::string_view difference) const {
  std::string text;
  for (const auto& each : problems_) text = joined(text, each);
  if (more_problems_ > 0) text += "\n... and " + std::to_string(more_problems_) + " more problems";
  return testing::verdict{joined(text, difference)};
}

}  // namespace tyto::detail
