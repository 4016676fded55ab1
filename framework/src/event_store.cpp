#include "tyto/event_store.hpp"

#include <future>
#include <utility>

namespace tyto {

result<append_outcomes> append_and_wait(event_store& store, append_batch batch) {
  std::promise<result<append_outcomes>> answer;
  auto outcome = answer.get_future();
  store.append(std::move(batch), [&answer](result<append_outcomes> done) { answer.set_value(std::move(done)); });
  return outcome.get();
}

}  // namespace tyto
