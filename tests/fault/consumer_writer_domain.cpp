// consumer_writer is crash_writer with consumers of every kind.
#include "consumer_crash_domain.hpp"

namespace tyto::test {

std::unique_ptr<runtime> make_writer_runtime(storage stores, runtime_options options) {
  auto rt = std::make_unique<runtime>(std::move(stores), without_a_word(std::move(options)));
  add_consumer_domain(*rt);
  return rt;
}

}  // namespace tyto::test
