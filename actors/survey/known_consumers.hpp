// The consumers that a storage knows of, and what they could not handle.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tyto/dead_letter.hpp"
#include "tyto/result.hpp"
#include "tyto/storage.hpp"

namespace tyto::survey {

struct known_consumer {
  std::string name;       // a partition's is "billing[2/4]", as in status()
  std::string consumer;   // "billing"
  bool has_rows = false;  // a projection, or the deadlines of a process manager
  std::uint64_t position = 0;
};

/// Returns the consumers that have a checkpoint, by name: of a reaction in partitions these, as many as it had last.
result<std::vector<known_consumer>> known_consumers(const storage& opened);
/// The same of a journal, and of read models, if there are any.
result<std::vector<known_consumer>> known_consumers(const event_store& journal, const read_model_store* read_models);

/// Returns the names of `consumers`, without partitions, each once.
std::vector<std::string> names_of(const std::vector<known_consumer>& consumers);

}  // namespace tyto::survey
