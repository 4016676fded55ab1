#include "prelude.hpp"

struct reaction_base {
  static constexpr std::string_view name = "reaction";
  static void react(const opened&, const tyto::metadata&) {}
};

struct with_failure : reaction_base {
  static constexpr tyto::failure_policy failure{.retries = 1};
};
// expect error: tyto: `failure` of the consumer has no effect
const auto failure = tyto::define_reaction(with_failure{});

struct with_failure_policy : reaction_base {
  static constexpr tyto::failure_policy failure_policy{.retries = 1};
};
// expect error: tyto: `failure_policy` of the consumer has no effect
const auto failure_policy = tyto::define_reaction(with_failure_policy{});

struct with_category : reaction_base {
  static constexpr std::string_view category = "account";
};
// expect error: tyto: `category` of the consumer has no effect
const auto category = tyto::define_reaction(with_category{});

struct with_partition : reaction_base {
  static constexpr int partition = 4;
};
// expect error: tyto: `partition` of the consumer has no effect
const auto partition = tyto::define_reaction(with_partition{});

struct with_start : reaction_base {
  static constexpr auto start = tyto::start_from::end;
};
// expect error: tyto: `start` of the consumer has no effect
const auto start = tyto::define_reaction(with_start{});

struct with_start_from : reaction_base {
  static constexpr auto start_from = tyto::start_from::end;
};
// expect error: tyto: `start_from` of the consumer has no effect
const auto start_from = tyto::define_reaction(with_start_from{});

struct with_event : reaction_base {
  using event = tyto::events<opened>;
};
// expect error: tyto: `event` of the consumer has no effect
const auto event = tyto::define_reaction(with_event{});

struct with_inputs : reaction_base {
  using inputs = tyto::events<opened>;
};
// expect error: tyto: `inputs` of the consumer has no effect
const auto inputs = tyto::define_reaction(with_inputs{});
