#include "drive.hpp"

#include <algorithm>
#include <chrono>
#include <random>
#include <stdexcept>
#include <string>

#include "note.hpp"
#include "scratch.hpp"

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

drive_result drive(const settings& how, const std::function<std::uint64_t()>& pick) {
  const scratch where;
  sender commands;
  tyto::runtime rt{where.open(how)};
  rt.aggregate<note>().start().value();

  std::uint64_t sent = 0;
  const auto start = steady::now();
  while (seconds(steady::now() - start).count() < how.seconds) {
    for (int i = 0; i < 64; ++i, ++sent) commands.send(rt, pick());
  }
  commands.finish(rt);
  const auto took = seconds(steady::now() - start).count();
  const auto commits = rt.status().commits;
  return {static_cast<double>(sent) / took, std::max<std::size_t>(sent / std::max<std::uint64_t>(commits, 1), 1)};
}

drive_result drive_uniform(const settings& how, std::uint64_t aggregates) {
  std::mt19937_64 random{42};
  return drive(how, [&] { return random() % aggregates; });
}

}  // namespace bench
