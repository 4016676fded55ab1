#include "tyto/past_read_model.hpp"

#include <algorithm>
#include <string>

namespace tyto::detail {
namespace {

class empty_rows final : public row_reader {
 public:
  [[nodiscard]] result<std::optional<std::string>> get(std::string_view) const override {
    return std::optional<std::string>{};
  }
  result<void> scan(std::string_view, const row_visitor&) const override { return {}; }
  result<void> scan_back(std::string_view, const row_visitor&) const override { return {}; }
  [[nodiscard]] result<std::uint64_t> count() const override { return std::uint64_t{0}; }
};

}  // namespace

const row_reader& no_rows() {
  static const empty_rows none;
  return none;
}

result<std::uint64_t> project_rows(const event_store& journal, const projection_definition& definition,
                                   std::uint64_t until, row_buffer& rows) {
  result<void> projected;
  auto read = journal.read_all({.only = handled_by(definition), .max_events = until}, [&](const event_view& event) {
    if (event.meta.position > until) return visit::stop;
    projected = project(definition, {event.meta, std::string{event.payload}, nullptr, nullptr}, rows);
    return projected ? visit::next : visit::stop;
  });
  if (!projected) return std::move(projected).error();
  if (!read) return std::move(read).error();
  return std::min(*read, until);
}

result<void> call_query(std::string_view projection, const std::function<void()>& call) {
  try {
    call();
    return {};
  } catch (...) {
    return caught_failure("querying '" + std::string{projection} + "'");
  }
}

}  // namespace tyto::detail
