#include "prelude.hpp"

struct signature {
  int* ink = nullptr;
};
struct signed_event {
  signature by;
};
TYTO_EVENT(signed_event, "account.signed", by)

// expect error: tyto: this type cannot be stored
const auto bytes = tyto::to_bytes(signed_event{});
