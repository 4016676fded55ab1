// What a run has to say for itself: as text for people, as one JSON object for programs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "journal_account.hpp"
#include "simulation.hpp"

namespace shop {

struct report {
  std::string what;      // was simulated
  std::string settings;  // under which
  std::filesystem::path data_dir;
  bool data_dir_is_temporary = false;
  std::uint64_t journal_bytes = 0;
  simulation_outcome outcome;
  journal_account account;
  std::optional<std::string> audit_failure;
};

std::string to_text(const report& r);
std::string to_json(const report& r);

}  // namespace shop
