// The history as other tools for agents name it: OpenTelemetry's semantic conventions for generative AI
// (opentelemetry.io/docs/specs/semconv/gen-ai, status: development), one JSON object a line.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <tyto/event_store.hpp>
#include <tyto/result.hpp>

namespace agent {

/// Writes a line for each event of a task: what it was, when, and its attributes under their names in the conventions.
/// What tools were asked and have answered is among them: leave that out where it is nobody's business. Returns the
/// number of lines.
tyto::result<std::uint64_t> write_spans(const tyto::event_store& journal, std::ostream& out);

}  // namespace agent
