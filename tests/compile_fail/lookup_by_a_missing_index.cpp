#include "prelude.hpp"
#include "tyto/table.hpp"

struct customer {
  std::string city;
  std::string street;
};
TYTO_VALUE(customer, city, street)

using customers = tyto::table<std::string, customer, tyto::index<&customer::city>>;

// expect error: tyto: the table has no such index
auto find(const customers& rows) { return rows.by<&customer::street>("Elm Street"); }
