#include "opened_journal.hpp"

namespace tyto::sql {

result<std::uint64_t> opened_journal::head() {
  if (!head_) {
    auto now = opened_.journal->head();
    if (!now) return now;
    head_ = *now;
  }
  return *head_;
}

}  // namespace tyto::sql
