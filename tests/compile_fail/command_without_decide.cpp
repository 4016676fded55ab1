#include "prelude.hpp"

struct suspend {};

struct with_suspend : account {
  using command = std::variant<open_account, suspend, close_account>;
};

// expect error: tyto: a command of the aggregate has no decide
const auto& made = tyto::definition_of<with_suspend>();
