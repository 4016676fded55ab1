// What a line that came in over the control socket asks for, done, and put into a line. See docs/control-socket.md.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "control/controlled.hpp"
#include "tyto/result.hpp"

namespace tyto::detail {

/// So many bytes may a request have, without the end of its line.
inline constexpr std::size_t longest_control_request = 64UL * 1024;
/// So many dead letters are in one answer.
inline constexpr std::size_t most_letters_answered = 1'000;

/// Does what `line`, any bytes, asks of `to`. Returns the answer, with the end of its line. Throws nothing but
/// std::bad_alloc.
std::string answer_control_request(std::string_view line, controlled& to);

/// Returns the answer that says `why` there is no other.
std::string control_refusal(const error& why);

}  // namespace tyto::detail
