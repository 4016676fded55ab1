#include "prelude.hpp"

// expect error: tyto: a subscription's handler is called with `(const YourEvent&, const tyto::metadata&)`
const auto made = tyto::define_subscription<opened>("subscription", [](const opened&) {});
