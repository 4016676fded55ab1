// The notes of a rehearsal, while it goes on: one for each kind and subject, and not more than are listed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tyto/testing/rehearsal.hpp"

namespace tyto::testing {

class note_list {
 public:
  explicit note_list(std::size_t most_of_a_kind) : most_of_a_kind_(most_of_a_kind) {}

  /// Adds a note, or counts the one that is there.
  void add(rehearsal_note::kind what, std::string subject, std::uint64_t position = 0, std::string detail = {},
           std::uint64_t count = 1) {
    auto& of_kind = notes_[what];
    const auto found = of_kind.find(subject);
    if (found != of_kind.end()) {
      found->second.count += count;
    } else if (of_kind.size() == most_of_a_kind_) {
      ++unlisted_;
    } else {
      rehearsal_note note{what, subject, count, position, std::move(detail)};
      of_kind.emplace(std::move(subject), std::move(note));
    }
  }

  void move_to(rehearsal_report& report) {
    for (auto& [what, of_kind] : notes_) {
      for (auto& [subject, note] : of_kind) report.notes.push_back(std::move(note));
    }
    report.notes_unlisted = unlisted_;
  }

 private:
  const std::size_t most_of_a_kind_;
  std::map<rehearsal_note::kind, std::map<std::string, rehearsal_note, std::less<>>> notes_;
  std::uint64_t unlisted_ = 0;
};

}  // namespace tyto::testing
