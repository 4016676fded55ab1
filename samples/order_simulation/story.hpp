// One order's story: everything that its invoice set off, in the order in which it happened. Picks, out of a whole
// journal in one pass, the first order that was completed.
#pragma once

#include <cstdint>
#include <string>
#include <tyto/metadata.hpp>
#include <unordered_map>
#include <vector>

namespace shop {

struct story_event {
  std::uint64_t position = 0;
  tyto::timestamp time;
  std::string type;
  std::string stream;
  std::string by;  // the consumer whose command led to it, or "customer"
};

class story_collector {
 public:
  /// Takes the next event of the journal.
  void take(const tyto::metadata& event);

  /// The number of the order that the story is about; empty if none was completed.
  [[nodiscard]] const std::string& order_id() const { return order_id_; }
  [[nodiscard]] const std::vector<story_event>& events() const { return events_; }

 private:
  std::string order_id_;
  std::vector<story_event> events_;
  // Whose story it will be turns out at its end, so until then everybody's is kept.
  std::unordered_map<std::string, std::vector<story_event>> candidates_;
};

}  // namespace shop
