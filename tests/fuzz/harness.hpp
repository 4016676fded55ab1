// What a fuzz target is: one function that takes any bytes, and inputs to begin with. driver.cpp runs it for CTest;
// libfuzzer.cpp hands it to libFuzzer, where the compiler has one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tyto::fuzz {

/// Returns inputs that the target takes in full, to be changed from there.
std::vector<std::string> seeds();

/// Does with `input` what users' files can lead to. Whatever the bytes are, it returns; what must hold is checked with
/// require().
void run(std::string_view input);

/// Ends the program with `what` if it does not hold.
void require(bool holds, std::string_view what);

}  // namespace tyto::fuzz
