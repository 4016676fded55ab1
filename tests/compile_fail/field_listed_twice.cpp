#include "prelude.hpp"

struct moved {
  std::string from;
  std::string to;
};
// expect error: tyto: a field of `moved` is listed twice
TYTO_EVENT(moved, "account.moved", from, from)

struct place {
  std::string street;
  std::string town;
  std::string street_number;
};
// expect error: tyto: a field of `place` is listed twice
TYTO_VALUE(place, street, town, street_number, town)
