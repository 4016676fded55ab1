#include "consumer/roster.hpp"

#include <algorithm>
#include <utility>

#include "actor/threads.hpp"

namespace tyto::detail {

std::uint64_t roster::add(std::string name, address<consumer_message> actor, std::shared_ptr<progress> shown) {
  const std::lock_guard lock{mutex_};
  members_.push_back({++last_number_, std::move(name), std::move(actor), std::move(shown)});
  return last_number_;
}

std::vector<std::shared_ptr<progress>> roster::all() const {
  const std::lock_guard lock{mutex_};
  std::vector<std::shared_ptr<progress>> shown;
  shown.reserve(members_.size());
  for (const auto& each : members_) shown.push_back(each.shown);
  return shown;
}

std::shared_ptr<progress> roster::find(std::string_view label) const {
  const std::lock_guard lock{mutex_};
  const auto found = std::ranges::find_if(members_, [label](const auto& each) { return each.shown->name() == label; });
  return found == members_.end() ? nullptr : found->shown;
}

bool roster::knows(std::string_view name) const {
  const std::lock_guard lock{mutex_};
  return std::ranges::count(members_, name, &member::name) > 0;
}

std::vector<address<consumer_message>> roster::mailboxes_of(std::string_view name) const {
  const std::lock_guard lock{mutex_};
  std::vector<address<consumer_message>> found;
  for (const auto& each : members_) {
    if (each.name == name && each.actor.box()) found.push_back(each.actor);
  }
  return found;
}

// Told once, whoever wants it to stop; all wait for the same end.
std::shared_future<void> roster::stop(member& told) {
  if (told.stopped.valid()) return told.stopped;
  auto done = std::make_shared<std::promise<void>>();
  told.stopped = done->get_future().share();
  told.actor.post(stop_actor{[actor = told.actor, done] {
    actor.close();
    done->set_value();
  }});
  return told.stopped;
}

void roster::retire(progress& shown) {
  std::shared_future<void> stopped;
  {
    const std::lock_guard lock{mutex_};
    shown.retire();
    auto& retired = *std::ranges::find(members_, &shown, [](const member& each) { return each.shown.get(); });
    if (!retired.actor.box()) return;
    stopped = stop(retired);
    retired.actor = {};
  }
  wait_for(stopped);
}

std::shared_future<void> roster::end(std::uint64_t number) {
  const std::lock_guard lock{mutex_};
  const auto found = std::ranges::find(members_, number, &member::number);
  if (found == members_.end() || !found->actor.box()) {
    std::promise<void> nothing_to_do;
    nothing_to_do.set_value();
    return nothing_to_do.get_future().share();
  }
  auto stopped = stop(*found);
  found->shown->retire();
  members_.erase(found);
  return stopped;
}

void roster::stop_all() {
  std::vector<std::shared_future<void>> all;
  {
    const std::lock_guard lock{mutex_};
    for (auto& each : members_) {
      if (each.actor.box()) all.push_back(stop(each));
    }
  }
  for (const auto& each : all) wait_for(each);
}

void roster::let_go() {
  const std::lock_guard lock{mutex_};
  for (auto& each : members_) each.actor = {};
}

}  // namespace tyto::detail
