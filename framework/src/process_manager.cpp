#include "tyto/process_manager.hpp"

#include <stdexcept>

#include "tyto/read_model_store.hpp"
#include "tyto/row_key.hpp"

namespace tyto::detail {

namespace {

std::invalid_argument bad_deadline(std::string_view name, const std::string& why) {
  return std::invalid_argument("the deadline '" + std::string{name.substr(0, 80)} + "' " + why);
}

void check_deadline(std::string_view name, std::string_view process_manager, const std::string& key, bool hears) {
  if (!hears) {
    throw bad_deadline(name,
                       "is set, but the process manager has no public `static tyto::decision<event> on(const "
                       "state&, const tyto::deadline&)` that hears of it");
  }
  if (const auto size = process_manager.size() + 1 + name.size(); size > max_id_bytes) {
    throw bad_deadline(name, "takes " + std::to_string(size) +
                                 " bytes with the name of its process manager, the limit is " +
                                 std::to_string(max_id_bytes));
  }
  if (const auto size = to_row_key(std::pair{key, std::string{name}}).size(); size > max_row_key_bytes) {
    throw bad_deadline(name, "takes " + std::to_string(size) + " bytes with the key of its instance, the limit is " +
                                 std::to_string(max_row_key_bytes));
  }
}

}  // namespace

void check_deadlines(const steps& follows, std::string_view process_manager, const std::string& key, bool hears) {
  for (const auto& each : follows) {
    const auto* set = std::get_if<set_deadline>(&each);
    if (set != nullptr) check_deadline(set->name, process_manager, key, hears);
  }
}

}  // namespace tyto::detail
