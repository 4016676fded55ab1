#include "tyto/aggregate.hpp"

#include <utility>

namespace tyto {

command_rejected recorded(const rejection& no) {
  auto fields = no.data.empty() ? result<document>{document{}} : document::open(no.data);
  return {no.reason, no.code, fields ? *std::move(fields) : document{}};
}

rejection rejection_of(const command_rejected& what) {
  auto data = what.refusal.bytes();
  if (data == detail::no_fields) data.clear();
  return {what.reason, what.code, std::move(data)};
}

}  // namespace tyto
