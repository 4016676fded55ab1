// The thread behind a live query: looks at the projection's rows whenever it has moved on, and tells when the answer
// has become a different one. Knows nothing of the runtime, so that either may end first.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "actor/threads.hpp"
#include "reading/reading.hpp"
#include "tyto/question.hpp"
#include "tyto/read_model_store.hpp"

namespace tyto::detail {

/// When it goes, a call back has returned, unless it comes from there.
class watcher {
 public:
  /// `asked` are to note an answer if it is a different one, `tell` is to call back with it if one was noted.
  watcher(std::shared_ptr<const read_model_store> rows, versions asked, std::function<void()> tell,
          std::function<void(std::string_view)> log);

 private:
  worker thread_;
};

}  // namespace tyto::detail
