#include "prelude.hpp"
#include "tyto/runtime.hpp"

struct by_name {
  std::string name;
};
struct by_number {
  int number = 0;
};

struct owners {
  static constexpr std::string_view name = "owners";
  using table = tyto::table<std::string, int>;
  static void project(table&, const opened&, const tyto::metadata&) {}
  static int query(const table&, const by_name&) { return 1; }
  static int query(const table&, const by_number&) { return 2; }
};

void ask(tyto::runtime& rt) {
  (void)rt.query<owners>(by_name{"alice"});
  // expect error: tyto: the projection answers several types of questions
  (void)rt.query<owners>({"alice"});
}
