#include "prelude.hpp"

struct with_snapshots : account {
  static constexpr tyto::snapshot_policy snapshots{.every_events = 100};
};

// expect error: tyto: a state of which snapshots are taken cannot be stored
const auto& made = tyto::definition_of<with_snapshots>();
