#include "tyto/consumer.hpp"

#include <stdexcept>

namespace tyto::detail {

failure_policy checked_policy(const failure_policy& given, std::string_view consumer) {
  if (given.contradicts_itself()) {
    throw std::invalid_argument("tyto: the failures of '" + std::string{consumer} +
                                "' limit the retries of on_failure::retry, which has no limit");
  }
  return given;
}

error caught_failure(std::string doing) {
  try {
    throw;
  } catch (const table_failure& thrown) {
    return error{thrown.what_failed().code(), std::move(doing)}.because(thrown.what_failed());
  } catch (...) {
    return handler_failure(doing);
  }
}

error failed_consumer(std::string_view consumer, const metadata& event) {
  return caught_failure("handling the event at position " + std::to_string(event.position) + " (" +
                        event.persistence_id + ", " + event.type + ") in '" + std::string{consumer} + "'");
}

result<void> project(const projection_definition& definition, const recorded_event& event, row_buffer& rows) {
  try {
    return definition.handlers.find(event.meta.type)->second(event, rows);
  } catch (...) {
    return failed_consumer(definition.name, event.meta);
  }
}

}  // namespace tyto::detail
