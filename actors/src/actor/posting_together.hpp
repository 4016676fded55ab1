// Many messages to many actors: threads wake up once for all that are to be run, and not for each.
#pragma once

#include <memory>
#include <vector>

namespace tyto::detail {

class cell;

/// While there is one, actors to which its thread posts are not handed to other threads; they are at its end, all
/// together. Whoever makes one does not wait for anything meanwhile. Has no effect on hosts without threads.
class posting_together {
 public:
  posting_together();
  ~posting_together();
  posting_together(const posting_together&) = delete;
  posting_together& operator=(const posting_together&) = delete;

 private:
  friend class cell;
  static thread_local posting_together* outermost;

  std::vector<std::shared_ptr<cell>> ready_;
};

}  // namespace tyto::detail
