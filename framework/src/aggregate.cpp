#include "tyto/aggregate.hpp"

namespace tyto {

command_rejected recorded(const rejection& no) {
  auto fields = no.data.empty() ? result<document>{document{}} : document::open(no.data);
  return {no.reason, no.code, fields ? *std::move(fields) : document{}};
}

rejection rejection_of(const command_rejected& what) {
  return {what.reason, what.code, what.code.empty() ? std::string{} : what.refusal.bytes()};
}

}  // namespace tyto
