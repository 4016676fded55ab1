// The program of docs/tutorial.md, whose domain is in library.hpp so that a test has it too.
#include <iostream>
#include <tyto/tyto.hpp>

#include "library.hpp"

int main() {
  tyto::runtime rt{tyto::open_lmdb({.path = "books"}).value(), {.control_socket = "books/control.sock"}};
  rt.aggregate<book>().projection<shelf>().process_manager<loan>();
  rt.subscribe<reader_reminded>([](const reader_reminded& e, const tyto::metadata& m) {
    std::cout << e.reader << ", please bring back " << m.entity_id() << std::endl;
  });
  rt.start().value();

  std::string what;
  std::string title;
  std::string reader;
  while (std::cin >> what >> title >> reader) {
    const auto due = tyto::system_clock()->now() + std::chrono::seconds{20};
    const auto done =
        what == "lend" ? rt.execute<book>(title, lend{reader, due}) : rt.execute<book>(title, take_back{});
    if (!done) {
      std::cout << done.error().message() << std::endl;
      continue;
    }
    const auto books = rt.query<shelf>({reader}, {.at_least = done->position}).value();
    std::cout << reader << " has " << books << " books" << std::endl;
  }
}
