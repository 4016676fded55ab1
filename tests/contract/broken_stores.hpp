// Stores that break one promise each.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "contract/faulty_ports.hpp"

namespace tyto::test {

struct broken_store {
  std::string what;   // what it does wrong
  std::string check;  // the check of the contract that must say so
  std::function<port_faults(int opening)> faults;
};

/// Returns all of them.
std::vector<broken_store> broken_stores();

}  // namespace tyto::test
