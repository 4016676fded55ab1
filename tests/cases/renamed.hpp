// The programs were written when these had other names.
#pragma once

#include <tyto/tyto.hpp>
#include <utility>

namespace tyto {

using evolution = upcasters;
inline storage evolve(storage opened, upcasters changes) { return upcasting(std::move(opened), std::move(changes)); }

}  // namespace tyto
