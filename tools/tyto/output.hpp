// Standard output, with its failures noticed: a full disk behind `tyto export > file` must not pass for success.
#pragma once

#include <string_view>

#include "tyto/result.hpp"

namespace tyto::tool {

/// Writes `text`. Fails with errc::io.
result<void> print(std::string_view text);

/// Brings to whoever reads it what was printed. Fails with errc::io.
result<void> flush_output();

/// Writes a line to standard error, printable(), with "tyto: " before it.
void note(std::string_view line);

}  // namespace tyto::tool
