#include "tyto/table.hpp"

namespace tyto::detail {

void other_shape(error why) {
  throw table_failure(error{errc::undecodable, "reading a row",
                            "the projection's rows have another shape; give the projection a new name, or reset it"}
                          .because(std::move(why)));
}

void check_shape(const row_reader& rows, const std::string& expected) {
  const auto& stored = rows.shape();
  if (stored.empty() || stored == expected || checked(rows.count()) == 0) return;
  other_shape({errc::undecodable, "comparing their keys and indexes",
               "stored are '" + stored + "', the table has '" + expected + "'"});
}

row_range whole_area(const std::string& area) {
  row_range all;
  all.from = area;
  all.end = after_prefix(area);
  return all;
}

}  // namespace tyto::detail
