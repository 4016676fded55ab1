// The program that crash_test kills, and, with more consumers, consumer_crash_test. Sends commands to a runtime and
// writes each acknowledgement to its output.
//
//   crash_writer <directory> <in flight> <first> <end> <n> <moment> [<number>...]
//
// Sends the commands that are listed, then those from <first> up to but without <end>, so many at once, and ends when
// everything that follows from them is done. It kills itself at its n-th call to the disk, unless n is 0; the moment is
// `before` the call, in the `middle`, when a part of what it writes is written, or `after` it.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "crash_domain.hpp"
#include "disk_calls.hpp"
#include "support/long_enough.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

constexpr int sender_threads = 2;
constexpr std::uint64_t page_bytes = 4096;

struct plan {
  std::string directory;
  std::uint64_t in_flight = 0;
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  std::uint64_t kill_at = 0;
  std::string moment;
  std::vector<std::uint64_t> numbers;
};

[[noreturn]] void die() {
  ::kill(::getpid(), SIGKILL);
  while (true) ::pause();
}

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "crash_writer: %s\n", why.c_str());
  ::_exit(1);
}

std::uint64_t half_of(const disk_call& call) {
  std::uint64_t size = 0;
  for (const auto& part : call.parts) size += part.iov_len;
  return size / 2 / page_bytes * page_bytes;
}

disk_handler end_at(const plan& what) {
  return [&what, calls = std::make_shared<std::atomic<std::uint64_t>>(0)](const disk_call& call,
                                                                          const perform_call& perform) {
    const bool is_last = call.path.starts_with(what.directory) && ++*calls == what.kill_at;
    if (is_last && what.moment == "before") die();
    if (is_last && what.moment == "middle") {
      if (const auto half = half_of(call); half > 0) perform(half);
      die();
    }
    // A kill loses nothing of what the system has been told to write, and waiting for the disk takes most of the time.
    const bool skip = what.kill_at != 0 && call.what == disk_call::kind::sync;
    const auto done = skip ? 0 : perform(whole_call);
    if (is_last) die();
    return done;
  };
}

void report(std::uint64_t number, const command_result& outcome) {
  if (!outcome) fail(id_of(number) + ": " + outcome.error().message());
  const acknowledgement told{number, outcome->position, outcome->sequence_number, outcome->event_count,
                             outcome->repeated};
  if (::write(STDOUT_FILENO, &told, sizeof told) != sizeof told) ::_exit(2);  // the parent has gone
}

void send_all(runtime& rt, const plan& what) {
  std::atomic<std::uint64_t> next{0};
  const auto listed = what.numbers.size();
  const auto total = listed + (what.end - what.first);
  std::vector<std::jthread> senders;
  for (int i = 0; i < sender_threads; ++i) {
    senders.emplace_back([&] {
      for (auto n = next++; n < total; n = next++) {
        const auto number = n < listed ? what.numbers[n] : what.first + (n - listed);
        command_options options;
        options.command_id = id_of(number);
        options.overflow = when_full::wait;
        rt.submit<tally>(entity_of(number), count_in{number}, options,
                         [number](const command_result& outcome) { report(number, outcome); });
      }
    });
  }
}

void run(const plan& what) {
  const watched_disk deadly{end_at(what)};
  auto stores = open_lmdb(crash_storage(what.directory));
  if (!stores) fail(stores.error().message());
  runtime_options options;
  options.max_commands_in_flight = what.in_flight;
  options.worker_threads = 2;
  const auto rt = make_writer_runtime(*std::move(stores), options);
  if (auto started = rt->start(); !started) fail(started.error().message());
  std::jthread beside{[&rt](const std::stop_token& stop) { work_beside(*rt, stop); }};
  send_all(*rt, what);
  if (auto settled = rt->settle(long_enough); !settled) fail(settled.error().message());
  beside = {};
  if (auto stopped = rt->stop(); !stopped) fail(stopped.error().message());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 7) fail("usage: crash_writer <directory> <in flight> <first> <end> <n> <moment> [<number>...]");
  const auto number = [argv](int i) { return std::stoull(argv[i]); };
  plan what{argv[1], number(2), number(3), number(4), number(5), argv[6], {}};
  for (int i = 7; i < argc; ++i) what.numbers.push_back(number(i));
  run(what);
}
