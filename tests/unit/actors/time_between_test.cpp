#include "time_between.hpp"

#include "support/catch.hpp"

using namespace tyto;
using std::chrono::microseconds;
using tyto::detail::time_between;

TEST_CASE("The time between two is the nearest duration there is") {
  const timestamp epoch{};
  CHECK(time_between(epoch, epoch + microseconds{7}) == microseconds{7});
  CHECK(time_between(epoch + microseconds{7}, epoch) == microseconds{-7});
  CHECK(time_between(timestamp::min(), timestamp::max()) == microseconds::max());
  CHECK(time_between(timestamp::max(), timestamp::min()) == microseconds::min());
  CHECK(time_between(timestamp::min(), epoch) == microseconds::max());
  CHECK(time_between(timestamp::max(), epoch) == microseconds{-INT64_MAX});
}
