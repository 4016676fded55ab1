#include "tyto/expected_version.hpp"

namespace tyto {

std::string expected_version::describe() const {
  switch (kind_) {
    case kind::any:
      return "any version";
    case kind::exists:
      return "an existing stream";
    case kind::exact:
      return sequence_number_ == 0 ? "no stream" : "version " + std::to_string(sequence_number_);
  }
  return {};
}

}  // namespace tyto
