// The smallest application: one aggregate, one projection, storage in memory; and a test of its rules.
#include <cstdint>
#include <cstdio>
#include <string>
#include <tyto/testing/given.hpp>
#include <tyto/tyto.hpp>
#include <variant>

struct incremented {
  std::int64_t by = 0;
};
TYTO_EVENT(incremented, "counter.incremented", by)

struct increment {
  std::int64_t by = 0;
};

struct counter {
  static constexpr std::string_view category = "counter";
  using command = std::variant<increment>;
  using event = std::variant<incremented>;
  struct state {};
  static tyto::decision<event> decide(const state&, const increment& c) { return incremented{c.by}; }
  static state evolve(state s, const incremented&) { return s; }
};

struct totals {
  static constexpr std::string_view name = "totals.v1";
  using table = tyto::table<std::string, std::int64_t>;
  static void project(table& rows, const incremented& e, const tyto::metadata& m) {
    rows.update(std::string{m.entity_id()}, [&](std::int64_t& total) { total += e.by; });
  }
  struct of {
    std::string counter;
  };
  static std::int64_t query(const table& rows, const of& question) { return rows.get(question.counter).value_or(0); }
};

int main() {
  if (!tyto::testing::given<counter>().when(increment{42}).then(incremented{42})) return 1;
  tyto::runtime rt{tyto::open_memory()};
  rt.aggregate<counter>().projection<totals>();
  rt.start().value();
  const auto done = rt.execute<counter>("visits", increment{42});
  if (!done) return std::puts(done.error().message().c_str()), 1;
  const auto total = rt.query<totals>({"visits"}, {done->position}).value();
  rt.stop().value();
  std::printf("Tyto " TYTO_VERSION " counted %lld\n", static_cast<long long>(total));
  return total == 42 ? 0 : 1;
}
