// The tool, and the world outside of the journal: letters that were sent lie in ./letters.txt, one line each, and every
// call is in ./calls.txt. It knows a letter by its id and sends none twice, as whatever an agent calls should.
#pragma once

#include <fmt/core.h>

#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>

namespace agent {

class post_office {
 public:
  /// `before` and `after` are called before and after a letter is sent: where the program may be killed.
  post_office(std::function<void()> before, std::function<void()> after)
      : before_(std::move(before)), after_(std::move(after)) {}

  /// Sends the letter, unless one with this id was sent. Returns the receipt.
  std::string send(const std::string& id, const std::string& text) const {
    add_line("calls.txt", id);
    before_();
    const auto receipt = "receipt for " + id;
    if (!was_sent(id)) add_line("letters.txt", id + "\t" + text);
    after_();
    return receipt;
  }

 private:
  static void add_line(const char* file, const std::string& line) {
    std::ofstream out{file, std::ios::app};
    if (!(out << line << std::endl)) throw std::runtime_error(fmt::format("{} cannot be written", file));
  }
  static bool was_sent(const std::string& id) {
    std::ifstream in{"letters.txt"};
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with(id + "\t")) return true;
    }
    return false;
  }

  std::function<void()> before_;
  std::function<void()> after_;
};

}  // namespace agent
