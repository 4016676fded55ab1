#include "aggregate/snapshot_writer.hpp"

#include <utility>

namespace tyto::detail {

snapshot_queue::snapshot_queue(std::shared_ptr<snapshot_store> store, host& runs_on, health_board& health,
                               std::function<void(std::string_view)> log)
    : store_(std::move(store)) {
  if (store_)
    writer_ = spawn<snapshot_writer>(runs_on, placement::dedicated, *store_, waiting_, health, std::move(log));
}

void snapshot_queue::offer(snapshot taken) {
  if (!store_) return;
  if (waiting_.fetch_add(1) >= max_waiting) {
    --waiting_;
  } else {
    writer_.post(std::move(taken));
  }
}

void snapshot_queue::drop(std::string persistence_id) {
  if (store_) writer_.post(drop_snapshots{std::move(persistence_id)});
}

snapshot_writer::snapshot_writer(snapshot_store& store, std::atomic<std::size_t>& waiting, health_board& health,
                                 std::function<void(std::string_view)> log)
    : store_(store), waiting_(waiting), health_(health), log_(std::move(log)) {}

void snapshot_writer::on(snapshot_message&& message) {
  std::visit(overloaded{[this](snapshot& taken) { batch_.push_back(std::move(taken)); },
                        [this](drop_snapshots& of) {
                          save();
                          show(store_.erase(of.persistence_id));
                        },
                        [this](stop_actor& stop) {
                          save();
                          stop.done();
                        }},
             message);
}

void snapshot_writer::save() {
  if (batch_.empty()) return;
  show(store_.save(batch_));
  waiting_ -= batch_.size();
  batch_.clear();
}

void snapshot_writer::show(const result<void>& outcome) {
  constexpr std::string_view subject = "snapshots";
  if (outcome) {
    if (is_failing_) health_.clear(subject);
  } else {
    if (!is_failing_) log_("snapshots cannot be stored; recovery will take longer: " + outcome.error().message());
    health_.report(subject, outcome.error());
  }
  is_failing_ = !outcome;
}

}  // namespace tyto::detail
