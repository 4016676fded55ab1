#include "prelude.hpp"
#include "tyto/testing/given.hpp"

using tyto::testing::given;

struct list_of_owners {
  std::string text;
};

struct owners {
  static constexpr std::string_view name = "owners";
  using table = tyto::table<std::string, std::int64_t>;
  static void project(table& rows, const opened& e, const tyto::metadata&) { rows.put(e.owner, 0); }
  struct all {};
  static list_of_owners query(const table&, const all&) { return {}; }
};

struct rated {
  explicit rated(double of) : rate(of) {}
  static constexpr std::string_view name = "rated";
  using table = tyto::table<std::string, double>;
  void project(table& rows, const opened& e, const tyto::metadata&) const { rows.put(e.owner, rate); }
  double rate;
};

void use() {
  // expect error: tyto: the projection does not handle this event
  (void)given<owners>(closed{});
  // expect error: tyto: the answer cannot be compared; give its type an operator==
  (void)given<owners>(opened{}).when(owners::all{}).then(list_of_owners{});
  // expect error: tyto: the projection has no query for this question
  given<owners>(opened{}).when(close_account{});
  // expect error: tyto: the consumer has dependencies; hand it over: `given(your_consumer{...})`
  given<rated>();
  // expect error: tyto: what is tested is an aggregate, `given<order>(events...)`, or a consumer
  given(opened{});
}
