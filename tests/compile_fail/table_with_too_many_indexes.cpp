#include "prelude.hpp"
#include "tyto/table.hpp"

struct customer {
  std::string city;
};
TYTO_VALUE(customer, city)

template <std::size_t>
using by_city = tyto::index<&customer::city>;

template <std::size_t... I>
std::uint64_t count(std::index_sequence<I...>, const tyto::row_reader& rows) {
  return tyto::table<std::string, customer, by_city<I>...>{rows}.count();
}

// expect error: tyto: a table has less than 250 indexes
std::uint64_t count(const tyto::row_reader& rows) { return count(std::make_index_sequence<250>{}, rows); }
