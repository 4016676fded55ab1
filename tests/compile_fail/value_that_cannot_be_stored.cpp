#include "prelude.hpp"

struct signature {
  int* ink = nullptr;
};

// expect error: tyto: a value of this type cannot be stored; name the fields of a struct with `TYTO_VALUE
const auto bytes = tyto::to_bytes(signature{});
