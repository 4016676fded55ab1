// The way from a runtime to its engine, where what a program has registered is.
#pragma once

#include "engine.hpp"
#include "tyto/runtime.hpp"

namespace tyto::detail {

struct runtime_access {
  static engine& engine_of(runtime& rt) { return *rt.engine_; }
};

}  // namespace tyto::detail
