#include "prelude.hpp"

struct no_state {
  static constexpr std::string_view category = "no_state";
  using command = std::variant<open_account>;
  using event = std::variant<opened>;
};

// expect error: tyto: an aggregate has `static constexpr std::string_view category`, a default-constructible `state`
const auto& made = tyto::definition_of<no_state>();
