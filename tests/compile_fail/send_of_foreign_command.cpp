#include "prelude.hpp"

struct suspend {};

// expect error: tyto: the aggregate has no such command
const auto sent = tyto::send<account>("1", suspend{});
