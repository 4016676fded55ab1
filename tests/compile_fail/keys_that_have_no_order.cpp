#include "prelude.hpp"
#include "tyto/table.hpp"

struct projection {
  static constexpr std::string_view name = "projection";
  using table = tyto::table<double, int>;
  // expect error: tyto: a key of rows is of a type that has an order in bytes
  static void project(table& rows, const opened&, const tyto::metadata&) { rows.put(1.0, 1); }
};
const auto made = tyto::define_projection<projection>();

struct customer {
  double balance = 0;
};
TYTO_VALUE(customer, balance)

using customers = tyto::table<std::string, customer, tyto::index<&customer::balance>>;
// expect error: tyto: the order of an index is of a type that cannot be the key of rows
auto find(const customers& rows) { return rows.by<&customer::balance>(); }
