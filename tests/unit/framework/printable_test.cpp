#include "tyto/printable.hpp"

#include <string>
#include <string_view>

#include "support/catch.hpp"

using tyto::printable;

TEST_CASE("Printable text stays as it is") {
  for (const std::string_view text : {"", "order|1042", "C:\\new", "Käse für 3 €", "犬", "\U0001F989", "\u00A0",
                                      "\u0600", "\u2027", "\u2030", "\uE000", "\U0010FFFF"}) {
    CHECK(printable(text) == text);
  }
}

TEST_CASE("Control characters are escaped") {
  CHECK(printable("a\nb\r\tc") == "a\\nb\\r\\tc");
  CHECK(printable("\x1b[2J\x1b]0;title\x07") == "\\x1b[2J\\x1b]0;title\\x07");
  CHECK(printable(std::string_view{"a\0b", 3}) == "a\\x00b");
  CHECK(printable("\x7f") == "\\x7f");
  CHECK(printable("\u0080\u0085\u009b2J\u009f") == "\\u0080\\u0085\\u009b2J\\u009f");
  for (char c = 1; c < 0x20; ++c) CHECK(printable(std::string{c}).front() == '\\');
}

TEST_CASE("What ends a line or turns the direction of writing is escaped") {
  CHECK(printable("a\u2028b\u2029") == "a\\u2028b\\u2029");
  CHECK(printable("\u061c\u200e\u200f") == "\\u061c\\u200e\\u200f");
  CHECK(printable("\u202a\u202e\u2066\u2069") == "\\u202a\\u202e\\u2066\\u2069");
}

TEST_CASE("Bytes that are not UTF-8 are escaped, the text around them is kept") {
  CHECK(printable("a\xff"
                  "b") == "a\\xffb");
  CHECK(printable("\x9b\x80") == "\\x9b\\x80");                    // no lead
  CHECK(printable("\xe2\x82") == "\\xe2\\x82");                    // cut off
  CHECK(printable("\xe2\x82x\xc3") == "\\xe2\\x82x\\xc3");         // cut off, then more
  CHECK(printable("\xc0\x8a\xc1\xbf") == "\\xc0\\x8a\\xc1\\xbf");  // a line feed, too long
  CHECK(printable("\xe0\x80\x8a") == "\\xe0\\x80\\x8a");
  CHECK(printable("\xf0\x80\x80\x8a") == "\\xf0\\x80\\x80\\x8a");
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // a surrogate
  CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // beyond the last character
  CHECK(printable("\xf8\x88\x80\x80\x80").find_first_not_of("\\x80f") == std::string::npos);
}

TEST_CASE("What was made printable is printable") {
  const std::string hostile = "\x1b[31m\xff\u202e\n\\n";
  CHECK(printable(printable(hostile)) == printable(hostile));
}
