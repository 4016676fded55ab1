// Writes the journal of a shop as two earlier versions of its program did. tests/golden/old-orders was made by it,
// once; the tests also run it, so that it goes on saying what is in there.
#include <cstdint>
#include <cstdio>
#include <string>

#include "tyto/event.hpp"
#include "tyto/lmdb_store.hpp"

namespace {

namespace version_1 {
struct placed {
  std::string customer;
  std::int64_t sum = 0;
  std::string note;
};
struct pinged {};
struct settled {
  std::string receipt;
  std::int64_t cents = 0;
};
TYTO_EVENT(placed, "order.placed", customer, sum, note)
TYTO_EVENT(pinged, "order.pinged")
TYTO_EVENT(settled, "order.settled", receipt, cents)
}  // namespace version_1

namespace version_2 {
struct created {
  static constexpr std::uint32_t schema_version = 2;
  std::string customer;
  std::int64_t total_cents = 0;
};
TYTO_EVENT(created, "order.created", customer, total_cents)
}  // namespace version_2

class shop {
 public:
  explicit shop(const std::string& directory) : stores_(tyto::open_lmdb({.path = directory}).value()) {}

  template <class E>
  void record(const std::string& order, const E& happened) {
    const auto position = stores_.journal->head().value() + 1;
    auto write = std::make_shared<tyto::stream_write>();
    write->persistence_id = "order|" + order;
    auto& event = write->events.emplace_back();
    event.meta.type = tyto::stored_name<E>;
    event.meta.schema_version = tyto::schema_version_of<E>();
    event.meta.time = tyto::timestamp{std::chrono::seconds{1'600'000'000 + position}};
    event.meta.command_id = "command-" + std::to_string(position);
    event.payload = tyto::to_bytes(happened);
    tyto::append_and_wait(*stores_.journal, {{write}, {}}).value().at(0).value();
  }

 private:
  tyto::storage stores_;
};

void sell_with_version_1(shop& s) {
  using namespace version_1;
  s.record("1", placed{"ann", 1'000, "quickly, please"});
  s.record("1", pinged{});
  s.record("2", placed{"bob", 500, ""});
  s.record("1", settled{"r-1", 1'000});
}

void sell_with_version_2(shop& s) {
  s.record("3", version_2::created{"ann", 700});
  s.record("2", version_1::settled{"r-2", 500});
  s.record("3", version_1::pinged{});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::puts("usage: old_orders_program <directory>");
    return 2;
  }
  try {
    shop s{argv[1]};
    sell_with_version_1(s);
    sell_with_version_2(s);
    return 0;
  } catch (const std::exception& failed) {
    std::printf("%s\n", failed.what());
    return 1;
  }
}
