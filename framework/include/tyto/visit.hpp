// What a visitor of events, rows or snapshots answers to each of them.
#pragma once

#include <cstdint>

namespace tyto {

/// Whether the visit goes on after this one.
enum class visit : std::uint8_t { next, stop };

}  // namespace tyto
