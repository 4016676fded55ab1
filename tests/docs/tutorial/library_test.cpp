#include <tyto/testing/given.hpp>

#include "library.hpp"
#include "support/catch.hpp"

TEST_CASE("A book is lent to one reader at a time") {
  const auto lent = tyto::testing::given<book>(book_lent{"ann", {}});
  CHECK(lent.when(lend{"ben", {}}).then(tyto::reject("ann has it")));
  CHECK(lent.when(take_back{}).then(book_returned{"ann"}));
}
