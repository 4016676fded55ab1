#include "drive.hpp"

#include <algorithm>
#include <chrono>
#include <random>
#include <stdexcept>
#include <string>

#include "note.hpp"

namespace bench {
namespace {

using seconds = std::chrono::duration<double>;
using steady = std::chrono::steady_clock;

}  // namespace

void sender::send(tyto::runtime& to, std::uint64_t entity) {
  room_.acquire();
  to.submit<note>(std::to_string(entity), write_note{1}, {}, [this](const tyto::command_result& done) {
    if (!done) ++failures_;
    on_answer_();
    room_.release();
  });
}

void sender::finish(tyto::runtime& to) const {
  to.settle(std::chrono::minutes{1}).value();
  if (failures_ > 0) throw std::runtime_error("commands failed");
}

driver::driver(const settings& how, const std::function<void(tyto::runtime&)>& add_more) : rt_{where_.open(how)} {
  add_more(rt_.aggregate<note>());
  rt_.start().value();
}

void driver::run(double seconds_to_run, const std::function<std::uint64_t()>& pick) {
  const auto start = steady::now();
  while (seconds(steady::now() - start).count() < seconds_to_run) {
    for (int i = 0; i < 64; ++i, ++events_) commands_.send(rt_, pick());
  }
  commands_.finish(rt_);
  took_s_ += seconds(steady::now() - start).count();
}

std::size_t driver::batch() const {
  return std::max<std::size_t>(events_ / std::max<std::uint64_t>(rt_.status().commits, 1), 1);
}

void by_turns(double seconds_to_run, const std::vector<std::function<void(double)>>& sides) {
  constexpr int turns = 8;
  for (int i = 0; i < turns; ++i) {
    for (const auto& side : sides) side(seconds_to_run / (turns * static_cast<double>(sides.size())));
  }
}

std::function<std::uint64_t()> uniform(std::uint64_t count) {
  return [count, random = std::mt19937_64{42}]() mutable { return random() % count; };
}

std::function<std::uint64_t()> round_robin(std::uint64_t count) {
  return [count, next = std::uint64_t{0}]() mutable { return next++ % count; };
}

void fill(tyto::event_store& journal, std::uint64_t events, const std::function<std::uint64_t()>& pick) {
  const auto payload = tyto::to_bytes(noted{1, note_text()});
  constexpr std::size_t batch_events = 4'096;
  tyto::append_batch batch;
  const auto flush = [&] {
    if (!batch.writes.empty()) (void)tyto::append_and_wait(journal, std::move(batch)).value();
    batch = {};
  };
  for (std::uint64_t i = 0; i < events; ++i) {
    auto write = std::make_shared<tyto::stream_write>();
    write->persistence_id = "note|" + std::to_string(pick());
    auto& event = write->events.emplace_back();
    event.meta.persistence_id = write->persistence_id;
    event.meta.type = tyto::stored_name<noted>;
    event.payload = payload;
    batch.writes.push_back(std::move(write));
    if (batch.writes.size() == batch_events) flush();
  }
  flush();
}

}  // namespace bench
