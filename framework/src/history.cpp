#include "tyto/history.hpp"

#include <algorithm>
#include <string>

namespace tyto::detail {
namespace {

class walk {
 public:
  walk(const aggregate_definition& definition, std::string persistence_id, const moment& end,
       const history_visitor& visitor)
      : definition_(definition), persistence_id_(std::move(persistence_id)), end_(end), visitor_(visitor) {}

  result<void> run(const event_store& journal) {
    if (is_before_all()) return {};
    auto read = journal.read_stream(persistence_id_, 1, [this](const event_view& event) { return see(event); });
    if (!read) return std::move(read).error();
    if (!outcome_ || has_stopped_) return outcome_;
    if (read->state == stream_state::deleted) return error{errc::truncated, doing(), "its stream was deleted"};
    return read->first > last_number_ + 1 ? gone_before(read->first) : check_end();
  }

 private:
  [[nodiscard]] bool is_before_all() const {
    const auto* at = std::get_if<at_sequence>(&end_);
    return at != nullptr && at->sequence_number == 0;
  }

  visit see(const event_view& event) {
    const auto& meta = event.meta;
    const bool is_first = last_number_ == 0;
    const bool follows = meta.sequence_number == last_number_ + (meta.part == 0 ? 1 : 0);
    if (is_beyond(meta)) {
      // What was before the first event that is left is only known if that is the first of all.
      if (!follows) outcome_ = gone_before(meta.sequence_number);
      has_stopped_ = true;
      return visit::stop;
    }
    if (!follows && !(is_first && is_summary(meta.type))) {
      outcome_ = gone_before(meta.sequence_number);
      return visit::stop;
    }
    last_number_ = meta.sequence_number;
    if (meta.type == retired_type || meta.type == stored_name<command_rejected>) return visit::next;
    auto seen = visitor_(event);
    if (!seen) {
      outcome_ = std::move(seen).error();
      return visit::stop;
    }
    has_stopped_ = *seen == visit::stop;
    return *seen;
  }

  [[nodiscard]] bool is_beyond(const metadata& meta) const {
    if (const auto* at = std::get_if<at_sequence>(&end_)) return meta.sequence_number > at->sequence_number;
    return meta.time > std::get<at_time>(end_).time;
  }

  [[nodiscard]] bool is_summary(std::string_view type) const {
    return std::ranges::find(definition_.summaries, type) != definition_.summaries.end();
  }

  [[nodiscard]] result<void> check_end() const {
    const auto* at = std::get_if<at_sequence>(&end_);
    if (at == nullptr || at->sequence_number == end_of_stream.sequence_number || at->sequence_number <= last_number_) {
      return {};
    }
    return error{errc::invalid_argument, doing(),
                 "there is no event number " + std::to_string(at->sequence_number) + ", the last one is " +
                     std::to_string(last_number_)};
  }

  [[nodiscard]] error gone_before(std::uint64_t number) const {
    return {errc::truncated, doing(), "its events before number " + std::to_string(number) + " are gone"};
  }

  [[nodiscard]] std::string doing() const { return "reading the history of " + persistence_id_; }

  const aggregate_definition& definition_;
  const std::string persistence_id_;
  const moment& end_;
  const history_visitor& visitor_;
  std::uint64_t last_number_ = 0;
  bool has_stopped_ = false;
  result<void> outcome_;
};

}  // namespace

result<void> walk_history(const event_store& journal, const aggregate_definition& definition,
                          std::string_view entity_id, const moment& end, const history_visitor& visitor) {
  auto persistence_id = make_persistence_id(definition.category, entity_id);
  if (auto usable = check_persistence_id(persistence_id); !usable) return usable;
  return walk{definition, std::move(persistence_id), end, visitor}.run(journal);
}

}  // namespace tyto::detail
