// A catalogue with its write model and its read model apart: commands go to the one, questions to the other, events
// from the one to the other. Then a second read model is built from the same events, under a new name. Keeps its
// journal in ./catalogue; run again, it prints the same, since commands carry ids.
#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <tyto/tyto.hpp>
#include <utility>

#include "domain.hpp"
#include "read_models.hpp"

namespace {

using namespace catalogue;

std::string money(std::int64_t cents) { return fmt::format("{}.{:02}", cents / 100, cents % 100); }

// The side that writes.
class shopkeeper {
 public:
  explicit shopkeeper(tyto::runtime& rt) : rt_(rt) {}

  template <class Command>
  void does(const std::string& what, const std::string& number, const Command& command) {
    tyto::command_options options;
    options.command_id = "shopkeeper/" + std::to_string(++commands_);
    const auto done = rt_.execute<product>(number, command, options);
    if (!done && done.error().failed()) throw std::runtime_error(done.error().message());
    fmt::print("  {:<34} {}\n", what, done ? fmt::format("event {}", done->position) : done.error().message());
    if (done) seen_ = std::max(seen_, done->position);
  }
  // The position of the last event: a question that names it sees everything that was done.
  [[nodiscard]] std::uint64_t seen() const { return seen_; }

 private:
  tyto::runtime& rt_;
  std::uint64_t commands_ = 0;
  std::uint64_t seen_ = 0;
};

std::uint64_t sell_tea(const tyto::storage& stores) {
  tyto::runtime rt{stores};
  rt.aggregate<product>().projection<offers>().start().value();

  fmt::print("The write model decides:\n");
  shopkeeper keeper{rt};
  keeper.does("list 1, Assam, 4.50", "1", product::list{"Assam", 450});
  keeper.does("list 2, Sencha, 7.00", "2", product::list{"Sencha", 700});
  keeper.does("list 3, Earl Grey, 3.90", "3", product::list{"Earl Grey", 390});
  keeper.does("list 2 once more", "2", product::list{"Gunpowder", 600});
  keeper.does("change the price of 2 to 0.00", "2", product::change_price{0});
  keeper.does("change the price of 2 to 8.20", "2", product::change_price{820});
  keeper.does("change the price of 2 to 6.40", "2", product::change_price{640});
  keeper.does("withdraw 3", "3", product::withdraw{});
  keeper.does("change the price of 3 to 3.50", "3", product::change_price{350});

  fmt::print("\nThe read model {} answers, up to event {}:\n", offers::name, keeper.seen());
  const auto on_offer = rt.query<offers>(offers::all{}, {keeper.seen()}).value();
  for (const auto& each : on_offer) {
    fmt::print("  {:<8} {:>5}\n", tyto::printable(each.title), money(each.price_cents));
  }
  rt.stop().value();
  return keeper.seen();
}

// A new version of the program: the old read model is still there, the new one is built from the first event on.
void look_back(const tyto::storage& stores, std::uint64_t seen) {
  tyto::runtime rt{stores};
  rt.aggregate<product>().projection<offers>().projection<offers_with_history>().start().value();

  fmt::print("\nThe read model {}, rebuilt from the journal, answers:\n", offers_with_history::name);
  const auto on_offer = rt.query<offers_with_history>(offers_with_history::all{}, {seen}).value();
  for (const auto& each : on_offer) {
    fmt::print("  {:<8} {:>5}, changed {} times, once {}\n", tyto::printable(each.title), money(each.price_cents),
               each.changes, money(each.highest_cents));
  }
  fmt::print("  the journal still ends at event {}\n", rt.status().head);
  rt.stop().value();
}

}  // namespace

int main(int argc, char**) {
  if (argc > 1) {
    std::fputs("usage: cqrs_basic, without arguments; it keeps its journal in ./catalogue\n", stderr);
    return 2;
  }
  try {
    tyto::lmdb_options where;
    where.path = "catalogue";
    const auto stores = tyto::open_lmdb(where).value();
    look_back(stores, sell_tea(stores));
    if (std::fflush(stdout) != 0) throw std::runtime_error("the standard output cannot be written");
  } catch (const std::exception& failed) {
    std::fputs(fmt::format("cqrs_basic: {}\n", tyto::printable(failed.what())).c_str(), stderr);
    return 1;
  }
}
