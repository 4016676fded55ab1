#include "control/request_lines.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace tyto::detail;

namespace {

using lines = std::vector<std::string>;

// Returns the lines of `text` when it comes in pieces of `piece` bytes, and a line may have 5.
lines lines_of(std::string_view text, std::size_t piece) {
  lines found;
  request_lines cut{5};
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    CHECK(cut.feed(text.substr(0, piece), [&](std::string_view line) {
      found.emplace_back(line);
      return true;
    }));
  }
  return found;
}

}  // namespace

TEST_CASE("Lines are the same in whatever pieces they come") {
  const auto piece = static_cast<std::size_t>(GENERATE(1, 2, 3, 5, 7, 100));
  CHECK(lines_of("one\ntwo\n\nthree\n", piece) == lines{"one", "two", "", "three"});
  CHECK(lines_of("half", piece).empty());
}

TEST_CASE("Of a line that is too long only the beginning is kept, and the next one is as if nothing had been") {
  const auto piece = static_cast<std::size_t>(GENERATE(1, 2, 3, 6, 100));
  CHECK(lines_of("12345\n123456\n1234567890123\nnext\n", piece) == lines{"12345", "123456", "123456", "next"});
  CHECK(lines_of("1234567890123", piece) == lines{"123456"});
}

TEST_CASE("Who takes lines says when it is enough") {
  request_lines cut{5};
  int taken = 0;
  CHECK_FALSE(cut.feed("a\nb\nc\n", [&](std::string_view) { return ++taken < 2; }));
  CHECK(taken == 2);
}
