#include "tyto/table.hpp"

namespace tyto::detail {

void other_shape(error why) {
  throw table_failure(error{errc::undecodable, "reading a row",
                            "the projection's rows have another shape; give the projection a new name to rebuild it"}
                          .because(std::move(why)));
}

row_range whole_area(const std::string& area) {
  row_range all;
  all.from = area;
  all.end = after_prefix(area);
  return all;
}

}  // namespace tyto::detail
