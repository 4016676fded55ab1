#include "control/own_descriptor.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <mutex>
#include <set>
#include <utility>

namespace tyto::detail {
namespace {

struct open_descriptors {
  std::mutex mutex;
  std::set<int> all;

  static open_descriptors& instance() {
    static auto* const made = make();  // never destroyed: runtimes may live in static objects
    return *made;
  }

 private:
  static open_descriptors* make() {
    at_fork([] { instance().mutex.lock(); }, [] { instance().mutex.unlock(); },
            [] {
              for (const int each : std::exchange(instance().all, {})) ::close(each);
              instance().mutex.unlock();
            });
    return new open_descriptors;
  }
};

}  // namespace

own_descriptor::own_descriptor(int number) : number_(number) {
  if (number_ < 0) return;
  auto& open = open_descriptors::instance();
  const std::lock_guard lock{open.mutex};
  open.all.insert(number_);
}

own_descriptor::own_descriptor(own_descriptor&& other) noexcept
    : number_(std::exchange(other.number_, -1)), owner_(other.owner_) {}

own_descriptor& own_descriptor::operator=(own_descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  std::swap(owner_, other.owner_);
  return *this;
}

own_descriptor::~own_descriptor() {
  if (number_ < 0 || !owner_.is_this()) return;  // the child's number may be another file's by now
  auto& open = open_descriptors::instance();
  const std::lock_guard lock{open.mutex};
  open.all.erase(number_);
  ::close(number_);
}

own_descriptor own_descriptor::open_socket(int flags) {
  auto& open = open_descriptors::instance();
  own_descriptor made;
  const std::lock_guard lock{open.mutex};  // no child is forked before it is on the list
  made.number_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  if (made) open.all.insert(made.number_);
  return made;
}

}  // namespace tyto::detail
