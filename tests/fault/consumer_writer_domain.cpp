// consumer_writer is crash_writer with consumers of every kind.
#include "consumer_crash_domain.hpp"

namespace tyto::test {

std::unique_ptr<runtime> make_writer_runtime(storage stores, runtime_options options) {
  auto rt = std::make_unique<runtime>(std::move(stores), without_a_word(std::move(options)));
  add_consumer_domain(*rt);
  return rt;
}

// Has dead letters of the grudging projection handled again, whenever there are some.
void work_beside(runtime& rt, const std::stop_token& stop) {
  const std::stop_callback no_more{stop, [] { grudging::held_back.release(); }};
  while (!stop.stop_requested()) {
    grudging::forgives = true;
    (void)rt.replay_dead_letters(grudging::name);  // what fails is tried again, or by the next process
    grudging::forgives = false;
    grudging::held_back.acquire();
  }
}

}  // namespace tyto::test
