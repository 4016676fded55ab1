// The command line: which commands there are, and what they take.
#pragma once

#include "commands.hpp"

namespace tyto::tool {

/// Reads the command line and runs the command. What it says of a wrong one, and of --help, is printed.
outcome run(int argc, char** argv);

}  // namespace tyto::tool
