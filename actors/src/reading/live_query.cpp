#include "reading/live_query.hpp"

#include <stop_token>
#include <utility>

namespace tyto::detail {
namespace {

struct watch {
  std::shared_ptr<const read_model_store> rows;
  versions asked;
  std::function<void()> tell;
  std::function<void(std::string_view)> log;
  bool has_failed = false;

  void run(const std::stop_token& ended) {
    while (const auto* now = answering(asked)) {
      const auto status = now->shown->status();
      look(*now, ended);
      // What has stopped has either given way to another version, or come to its end with this last look.
      if (status.state == consumer_state::stopped && answering(asked) == now) return;
      now->shown->wait_for_change(status.position, ended);
      if (ended.stop_requested()) return;
    }
  }

  void look(const version& now, const std::stop_token& ended) {
    const auto looked = ask_now(*rows, now);
    if (!looked && !has_failed) log("a live query will try again: " + looked.error().message());
    has_failed = !looked;
    if (!looked || ended.stop_requested()) return;
    try {
      tell();
    } catch (...) {
      log(handler_failure("calling back with a live query's answer").message());
    }
  }
};

}  // namespace

watcher::watcher(std::shared_ptr<const read_model_store> rows, versions asked, std::function<void()> tell,
                 std::function<void(std::string_view)> log)
    : thread_([w = watch{std::move(rows), std::move(asked), std::move(tell), std::move(log)}](
                  const std::stop_token& ended) mutable { w.run(ended); }) {}

}  // namespace tyto::detail

namespace tyto {

live_query::live_query() = default;
live_query::live_query(std::unique_ptr<detail::watcher> asks) : asks_(std::move(asks)) {}
live_query::live_query(live_query&& other) noexcept = default;
live_query& live_query::operator=(live_query&& other) noexcept = default;
live_query::~live_query() = default;

}  // namespace tyto
