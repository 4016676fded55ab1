#include "prelude.hpp"

struct moved {
  std::string from;
  std::string to;
  std::optional<std::string> by;
};
// expect error: tyto: a field of `moved` is not listed, so it would not be stored
TYTO_EVENT(moved, "account.moved", from, by)

struct labels {
  std::array<std::string, 2> both;
  std::variant<int, std::string> either;
};
// expect error: tyto: a field of `labels` is not listed, so it would not be stored
TYTO_VALUE(labels, both)

struct counted {
  int number = 0;
  static inline int total = 0;
};
// expect error: tyto: `total` of `counted` is static, so it is no field of the value
TYTO_VALUE(counted, total)
const auto counted_bytes = tyto::to_bytes(counted{});
