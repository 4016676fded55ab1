// A runtime's figures for Prometheus: what it has done, how far its consumers are, how its storage is. Of the target
// tyto::metrics, so that a program which is not watched links nothing of it. docs/monitoring.md lists the figures.
#pragma once

#include <prometheus/collectable.h>

#include <memory>

#include "tyto/runtime.hpp"

namespace tyto {

/// Returns what shows the figures of `rt`, which must outlive it, to whoever collects them: a registry's exposer
/// (`exposer.RegisterCollectable(figures)`), or the page of tyto::serve, which needs no call of this. They are made
/// when they are collected; between two collections nothing is done for them. May be collected from any thread, also
/// before start() and after stop().
std::shared_ptr<prometheus::Collectable> metrics_of(runtime& rt);

}  // namespace tyto
