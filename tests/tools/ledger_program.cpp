// A small program with a bit of everything that `tyto` can show: for tests of the command in other processes.
//
//   ledger_program make DIR         fills a storage and ends
//   ledger_program run DIR          runs on it with a control socket: prints "ready", does what each line of standard
//                                   input says ("deposit ALICE 5", "settle"), answers each with "done" or why not, and
//                                   ends with its input
//   ledger_program fill DIR EVENTS  a journal of so many events
#include <chrono>
#include <iostream>
#include <sstream>
#include <string>
#include <tyto/tyto.hpp>

#include "support/letters_domain.hpp"

namespace {

using namespace tyto::test;

tyto::command_result move(tyto::runtime& rt, const std::string& owner, std::int64_t cents, const std::string& note,
                          tyto::command_options options = {}) {
  return rt.execute<account>(owner, move_money{cents, note}, std::move(options));
}

void make(const std::string& directory) {
  tyto::runtime rt{tyto::open_lmdb({.path = directory}).value()};
  add_domain(rt);
  rt.start().value();
  for (int i = 1; i <= 7; ++i) {
    move(rt, "alice", 100 * i, "pay", {.command_id = "till/" + std::to_string(i), .correlation_id = "request-1"})
        .value();
  }
  move(rt, "bob", 13, "unlucky").value();
  move(rt, "bob", 14, "behind").value();
  move(rt, "o'\"hara; drop table", 5, "\x1b[2J=1+1,\"quoted\"\nnext line \xc3\xa9").value();
  rt.settle(30s).value();
  rt.stop().value();
}

void fill(const std::string& directory, std::uint64_t events) {
  const auto stores = tyto::open_lmdb({.path = directory}).value();
  auto time = tyto::timestamp{std::chrono::sys_days{std::chrono::year{2026} / 3 / 2}};
  for (std::uint64_t done = 0; done < events;) {
    tyto::append_batch batch;
    for (int i = 0; i < 1'000 && done < events; ++i, ++done, time += 1s) {
      auto write = std::make_shared<tyto::stream_write>();
      write->persistence_id = "account|" + std::to_string(done % 1'000);
      write->events.resize(1);
      write->events.front().meta.type = std::string{tyto::stored_name<money_moved>};
      write->events.front().meta.time = time;
      write->events.front().payload = tyto::to_bytes(money_moved{static_cast<std::int64_t>(done), "note"});
      batch.writes.push_back(std::move(write));
    }
    tyto::append_and_wait(*stores.journal, std::move(batch)).value();
  }
}

std::string obey(tyto::runtime& rt, const std::string& line) {
  std::istringstream words{line};
  std::string what;
  std::string owner;
  std::int64_t cents = 0;
  words >> what;
  if (what == "deposit" && words >> owner >> cents) {
    const auto moved = move(rt, owner, cents, "live");
    return moved ? "done" : moved.error().message();
  }
  if (what == "settle") {
    const auto settled = rt.settle(30s);
    return settled ? "done" : settled.error().message();
  }
  return "no such thing";
}

void run(const std::string& directory) {
  tyto::runtime rt{tyto::open_lmdb({.path = directory}).value(),
                   {.log = [](std::string_view) {}, .control_socket = directory + "/control.sock"}};
  add_domain(rt);
  rt.start().value();
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) std::cout << obey(rt, line) << std::endl;
  rt.stop().value();
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "make" && argc == 3) {
    make(argv[2]);
  } else if (what == "run" && argc == 3) {
    run(argv[2]);
  } else if (what == "fill" && argc == 4) {
    fill(argv[2], std::stoull(argv[3]));
  } else {
    std::cerr << "usage: ledger_program make DIR | run DIR | fill DIR EVENTS\n";
    return 2;
  }
  return 0;
} catch (const std::exception& why) {
  std::cerr << "ledger_program: " << why.what() << "\n";
  return 1;
}
