#include "tyto/detail/scenario_journal.hpp"

namespace tyto::detail {

void scenario_journal::fill_in(metadata& meta) {
  if (meta.position == 0) meta.position = head_ + 1;
  head_ = meta.position;
  if (meta.persistence_id.empty()) meta.persistence_id = make_persistence_id(category_, "1");
  auto& version = versions_[meta.persistence_id];
  if (meta.sequence_number == 0) meta.sequence_number = version + 1;
  version = meta.sequence_number;
  if (meta.time == timestamp{}) meta.time = now_;
  now_ = meta.time;
}

}  // namespace tyto::detail
