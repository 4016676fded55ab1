// A small program that serves its page, for tests of the page in other processes.
//
//   page_program runtime DIR [OPTION=VALUE]...     runs on DIR (with its control socket there) and serves the runtime
//   page_program directory DIR [OPTION=VALUE]...   serves the directory
//
// Options: port, address, token, certificate, private_key, name, act (0 or 1). It prints the page's address, or what is
// wrong and ends with 1. Then it does what each line of standard input says ("deposit alice 5", "repair", "break",
// "settle", "stop"), answers each with "done" or why not, and ends with its input. Without a repair, its reaction
// cannot cope with 13 cents.
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <tyto/serve.hpp>
#include <tyto/tyto.hpp>

#include "support/letters_domain.hpp"

namespace {

using namespace tyto::test;

tyto::result<void> obey(tyto::runtime& rt, const std::string& line) {
  std::istringstream words{line};
  std::string what;
  std::string owner;
  std::int64_t cents = 0;
  words >> what;
  if (what == "deposit" && words >> owner >> cents) {
    const auto moved = rt.execute<account>(owner, move_money{cents, "<script>alert(1)</script>"},
                                           {.correlation_id = "request-" + owner});
    return moved ? tyto::result<void>{}
                 : tyto::error{tyto::errc::invalid_argument, "depositing", moved.error().message()};
  }
  if (what == "repair") return is_broken = false, tyto::result<void>{};
  if (what == "break") return is_broken = true, tyto::result<void>{};
  if (what == "settle") return rt.settle(30s);
  if (what == "stop") return rt.stop();
  return tyto::error{tyto::errc::invalid_argument, "reading a line", "no such thing"};
}

tyto::serve_options options_of(std::map<std::string, std::string> given) {
  tyto::serve_options options;
  if (given.contains("port")) options.port = static_cast<std::uint16_t>(std::stoi(given["port"]));
  if (given.contains("address")) options.address = given["address"];
  if (given.contains("name")) options.names = {given["name"]};
  options.token = given["token"];
  options.certificate = given["certificate"];
  options.private_key = given["private_key"];
  options.may_act = given["act"] == "1";
  return options;
}

int complain(const tyto::error& why) {
  std::cout << why.message() << std::endl;
  return 1;
}

int run_runtime(const std::string& directory, const tyto::serve_options& options) {
  tyto::runtime rt{tyto::open_lmdb({.path = directory}).value(),
                   {.log = [](std::string_view) {}, .control_socket = directory + "/control.sock"}};
  add_domain(rt);
  rt.start().value();
  const auto page = tyto::serve(rt, options);
  if (!page) return complain(page.error());
  std::cout << (*page)->url() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const auto done = obey(rt, line);
    std::cout << (done ? "done" : done.error().message()) << std::endl;
  }
  return 0;
}

int run_directory(const std::string& directory, const tyto::serve_options& options) {
  const auto page = tyto::serve_directory(directory, options);
  if (!page) return complain(page.error());
  std::cout << (*page)->url() << std::endl;
  for (std::string line; std::getline(std::cin, line);) std::cout << "done" << std::endl;
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  std::map<std::string, std::string> given;
  for (int i = 3; i < argc; ++i) {
    const std::string option{argv[i]};
    given[option.substr(0, option.find('='))] = option.substr(option.find('=') + 1);
  }
  const std::string what = argc > 2 ? argv[1] : "";
  if (what == "runtime") return run_runtime(argv[2], options_of(given));
  if (what == "directory") return run_directory(argv[2], options_of(given));
  std::cerr << "usage: page_program runtime|directory DIR [OPTION=VALUE]...\n";
  return 2;
} catch (const std::exception& why) {
  std::cerr << "page_program: " << why.what() << "\n";
  return 1;
}
