#include "prelude.hpp"
#include "tyto/runtime.hpp"

struct owners {
  static constexpr std::string_view name = "owners";
  using table = tyto::table<std::string, int>;
  static void project(table&, const opened&, const tyto::metadata&) {}
};

void cancel(tyto::runtime& rt) {
  // expect error: tyto: a projection that is rebuilt names the old one: `using replaces`
  (void)rt.cancel_rebuild<owners>();
}
