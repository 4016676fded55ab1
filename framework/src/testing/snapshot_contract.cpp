// What snapshot_store.hpp promises.
#include <algorithm>
#include <atomic>

#include "testing/contract_run.hpp"

namespace tyto::testing {
namespace {

using images = std::vector<std::pair<std::uint64_t, std::string>>;

images load(const snapshot_store& store, std::string_view persistence_id) {
  images seen;
  store
      .load(persistence_id,
            [&](std::uint64_t sequence_number, const result<std::string_view>& image) {
              seen.emplace_back(sequence_number, image.value());
              return visit::next;
            })
      .value();
  return seen;
}

void no_snapshots(contract_run& run) {
  run.same("the snapshots of a new stream", load(run.snapshots(), "order|1"), {});
  run.same("the snapshots of a name that is none", load(run.snapshots(), "no persistence id"), {});
}

void latest_comes_first(contract_run& run) {
  auto& store = run.snapshots();
  const std::string large(std::min<std::size_t>(100'000, run.limits().tried_payload_bytes), 'x');
  const std::string with_nul("\0 twenty", 8);
  store.save({{"order|1", 10, "ten", 9}, {"order|10", 7, "other", 9}, {"order|1", 300, large, 9}}).value();
  store.save({{"order|1", 20, with_nul, 9}}).value();
  store.save({{"order|2", std::uint64_t{1} << 40, "", 9}, {"order|2", 1, "one", 9}}).value();
  store.save({}).value();
  run.same("the snapshots of a stream", load(store, "order|1"), {{300, large}, {20, with_nul}, {10, "ten"}});
  run.same("those of one whose name begins alike", load(store, "order|10"), {{7, "other"}});
  run.same("those of one that has none", load(store, "order|100"), {});
  run.same("those after a large number", load(store, "order|2"), {{std::uint64_t{1} << 40, ""}, {1, "one"}});
}

void latest_are_kept(contract_run& run) {
  auto& store = run.snapshots();
  for (std::uint64_t number = 1; number <= 5; ++number) {
    store.save({{"order|1", number, std::to_string(number), 2}, {"order|2", number, "", 5}}).value();
  }
  run.same("the two that were to be kept", load(store, "order|1"), {{5, "5"}, {4, "4"}});
  run.same("the number of those of which five were to be kept", load(store, "order|2").size(), 5);
  store.save({{"order|2", 6, "six", 1}}).value();
  run.same("the one that was to be kept", load(store, "order|2"), {{6, "six"}});
}

void same_number_is_replaced(contract_run& run) {
  auto& store = run.snapshots();
  store.save({{"order|1", 5, "first", 2}}).value();
  store.save({{"order|1", 5, "second, of another length", 2}}).value();
  run.same("the snapshots after two of the same event", load(store, "order|1"), {{5, "second, of another length"}});
}

void visitor_stops(contract_run& run) {
  auto& store = run.snapshots();
  store.save({{"order|1", 5, "a", 2}, {"order|1", 6, "b", 2}}).value();
  std::uint64_t visits = 0;
  store
      .load("order|1",
            [&](std::uint64_t, const result<std::string_view>&) {
              ++visits;
              return visit::stop;
            })
      .value();
  run.same("the visits of a visitor that stops at the first", visits, 1);
}

void erase_drops(contract_run& run) {
  auto& store = run.snapshots();
  store.save({{"order|1", 5, "a", 2}, {"order|1", 6, "b", 2}, {"order|11", 1, "c", 1}}).value();
  store.erase("order|1").value();
  store.erase("order|3").value();
  run.same("the snapshots of a stream whose were dropped", load(store, "order|1"), {});
  run.same("those of another", load(store, "order|11"), {{1, "c"}});
  store.save({{"order|1", 2, "again", 2}}).value();
  run.same("a snapshot after the others were dropped", load(store, "order|1"), {{2, "again"}});
}

void all_or_none(contract_run& run) {
  auto& store = run.snapshots();
  for (const auto& unusable : {snapshot{"order", 1, "a", 1}, snapshot{"order|2", 1, "a", 0}, snapshot{"", 1, "a", 1}}) {
    run.fails("saving a snapshot of " + show(unusable.persistence_id) + " of which " + std::to_string(unusable.keep) +
                  " is to be kept",
              store.save({{"order|1", 1, "a", 1}, unusable}), errc::invalid_argument);
    run.same("the snapshots that were to be saved beside it", load(store, "order|1"), {});
  }
}

void threads_save_and_load(contract_run& run) {
  auto& store = run.snapshots();
  std::atomic<std::uint64_t> wrong = 0;
  contract_run::on_threads(4, [&](int thread) {
    const auto id = "order|" + std::to_string(thread);
    for (std::uint64_t i = 1; i <= 50; ++i) {
      if (!store.save({{id, i, std::to_string(i), 1}})) ++wrong;
      const auto loaded = store.load(id, [&](std::uint64_t number, const result<std::string_view>& image) {
        if (number != i || !image || *image != std::to_string(i)) ++wrong;
        return visit::next;
      });
      if (!loaded) ++wrong;
    }
  });
  run.same("how often threads did not find what they had saved", wrong.load(), 0);
}

void snapshots_survive_reopening(contract_run& run) {
  // Snapshots that are ahead of their journal may be refused.
  run.append_all({write_of("order|1", 9), write_of("order|2", 9)});
  run.snapshots().save({{"order|1", 5, "five", 2}, {"order|1", 9, "nine", 2}, {"order|2", 9, "gone", 2}}).value();
  run.snapshots().erase("order|2").value();
  run.reopen();
  run.same("the snapshots after opening again", load(run.snapshots(), "order|1"), {{9, "nine"}, {5, "five"}});
  run.same("those that were dropped before", load(run.snapshots(), "order|2"), {});
}

}  // namespace

std::vector<contract_check> snapshot_contract() {
  using enum capability;
  return {
      make_check("A stream without snapshots has none", {snapshots}, no_snapshots),
      make_check("A stream's snapshots come back latest first, and those of other streams do not", {snapshots},
                 latest_comes_first),
      make_check("As many of the latest snapshots stay as are to be kept", {snapshots}, latest_are_kept),
      make_check("A snapshot after the same event replaces the one before", {snapshots}, same_number_is_replaced),
      make_check("A visitor of snapshots may stop at the latest", {snapshots}, visitor_stops),
      make_check("Snapshots that were dropped are gone, and no others", {snapshots}, erase_drops),
      make_check("Of snapshots among which one cannot be stored none is stored", {snapshots}, all_or_none),
      make_check("Threads save and load snapshots at the same time", {snapshots}, threads_save_and_load),
      make_check("Snapshots that were kept are there when the store is opened again", {reopening, snapshots},
                 snapshots_survive_reopening),
  };
}

}  // namespace tyto::testing
