// crash_writer runs the aggregates, the reaction and the projection of crash_domain.hpp.
#include "crash_domain.hpp"

namespace tyto::test {

std::unique_ptr<runtime> make_writer_runtime(storage stores, runtime_options options) {
  auto rt = std::make_unique<runtime>(std::move(stores), std::move(options));
  add_crash_domain(*rt);
  return rt;
}

void work_beside(runtime&, const std::stop_token&) {}

}  // namespace tyto::test
