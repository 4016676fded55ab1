// What read_model_store.hpp promises.
#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "testing/contract_run.hpp"

namespace tyto::testing {
namespace {

using row_list = std::vector<std::pair<std::string, std::string>>;

row_visitor collect_rows(row_list& into) {
  return [&into](std::string_view key, std::string_view value) {
    into.emplace_back(key, value);
    return visit::next;
  };
}

row_list scan_of(const row_reader& reader, std::string_view from = {}) {
  row_list seen;
  reader.scan(from, collect_rows(seen)).value();
  return seen;
}

row_list scan_back_of(const row_reader& reader, std::string_view before = {}) {
  row_list seen;
  reader.scan_back(before, collect_rows(seen)).value();
  return seen;
}

row_checkpoint checkpoint_of(contract_run& run, std::string_view name) { return run.snapshot(name)->checkpoint(); }

std::optional<std::string> row_of(contract_run& run, std::string_view model, std::string_view key) {
  return run.snapshot(model)->get(key).value();
}

std::vector<std::pair<std::string, std::uint64_t>> models_of(contract_run& run) {
  std::vector<std::pair<std::string, std::uint64_t>> found;
  for (const auto& each : run.rows().checkpoints().value()) found.emplace_back(each.name, each.position);
  return found;
}

void new_model_is_empty(contract_run& run) {
  const auto snapshot = run.snapshot("revenue");
  run.same("the position of a new read model", snapshot->position(), 0);
  run.same("the rows of a new read model", scan_of(*snapshot), {});
  run.same("the rows of a new read model, backwards", scan_back_of(*snapshot), {});
  run.same("the count of a new read model", snapshot->count().value(), 0);
  run.same("a row of a new read model", snapshot->get("alice").value(), std::nullopt);
  run.same("the shape of a new read model", snapshot->shape(), "");
  run.same("the list of read models after one was looked at", models_of(run), {});
}

void rows_and_position_together(contract_run& run) {
  run.rows().commit("revenue", {{"alice", "1"}, {"bob", ""}}, {7}).value();
  run.same("a row without a value", row_of(run, "revenue", "bob"), "");
  run.rows()
      .commit("revenue", {{"alice", "2"}, {"carol", "3"}, {"bob", std::nullopt}, {"nobody", std::nullopt}}, {9})
      .value();
  const auto snapshot = run.snapshot("revenue");
  run.same("the position", snapshot->position(), 9);
  run.same("a row that was changed", snapshot->get("alice").value(), "2");
  run.same("a row that was erased", snapshot->get("bob").value(), std::nullopt);
  run.same("the rows", scan_of(*snapshot), {{"alice", "2"}, {"carol", "3"}});
}

void rows_are_lent(contract_run& run) {
  run.rows().commit("m", {{"a", "1"}, {"b", ""}, {"c", std::string(5'000, 'c')}, {"gone", "4"}}, {1}).value();
  run.rows().commit("m", {{"gone", std::nullopt}}, {2}).value();
  const auto snapshot = run.snapshot("m");
  const std::string too_long(max_row_key_bytes + 1, 'k');
  for (const std::string_view key : {"a", "b", "c", "gone", "nobody", "", too_long.c_str()}) {
    std::optional<std::string> lent;
    const bool is_there = snapshot->look_up(key, [&lent](std::string_view value) { lent = value; }).value();
    run.same("the row that is lent under " + show(key), lent, snapshot->get(key).value());
    run.same("whether there is one under " + show(key), is_there, lent.has_value());
  }
  std::uint64_t calls = 0;
  snapshot->look_up("a", [&calls](std::string_view) { ++calls; }).value();
  run.same("how often one row is lent", calls, 1);
}

void checkpoint_is_replaced(contract_run& run) {
  auto& store = run.rows();
  store.commit("revenue", {{"alice", "1"}}, {7}).value();
  run.same("a checkpoint of a position alone", checkpoint_of(run, "revenue"), {7});
  const row_checkpoint second{7, {{3}, {4, 0}, {4, 2}}, "string; index city: string"};
  store.commit("revenue", {{"alice", "2"}}, second).value();
  store.commit("other", {}, {5, {}, "abcd"}).value();
  run.same("a checkpoint with released letters and a shape", checkpoint_of(run, "revenue"), second);
  run.same("the shape that a snapshot says", run.snapshot("revenue")->shape(), second.shape);
  store.commit("revenue", {}, {8, {{1}}}).value();
  run.same("the checkpoint that replaced it", checkpoint_of(run, "revenue"), {8, {{1}}});
  run.same("the checkpoint of another read model", checkpoint_of(run, "other"), {5, {}, "abcd"});
  run.same("a row that the last commit did not change", row_of(run, "revenue", "alice"), "2");
  store.commit("revenue", {}, {2}).value();
  run.same("a checkpoint that went back", checkpoint_of(run, "revenue"), {2});
  row_checkpoint large{9, {}, std::string(10'000, 's')};
  for (std::uint64_t i = 1; i <= 1'000; ++i)
    large.released.push_back({i, i % 2 == 0 ? std::optional{7U} : std::nullopt});
  store.commit("revenue", {}, large).value();
  run.same("a checkpoint with many released letters and a long shape", checkpoint_of(run, "revenue"), large);
}

void snapshot_keeps_what_it_saw(contract_run& run) {
  auto& store = run.rows();
  const row_checkpoint first{1, {{1}}, "shape"};
  store.commit("revenue", {{"alice", "1"}}, first).value();
  const auto before = run.snapshot("revenue");
  const auto other = run.snapshot("not.yet");
  result<void> committed;
  contract_run::on_threads(1, [&](int) {
    committed = store.commit("revenue", {{"alice", "2"}, {"bob", "2"}}, {2});
    if (committed) committed = store.commit("not.yet", {{"x", "y"}}, {2});
  });
  run.succeeds("a commit by another thread while there are snapshots", committed);
  run.same("the checkpoint of the snapshot from before", before->checkpoint(), first);
  run.same("its rows", scan_of(*before), {{"alice", "1"}});
  run.same("its rows, backwards", scan_back_of(*before), {{"alice", "1"}});
  run.same("its row", before->get("alice").value(), "1");
  run.same("its count", before->count().value(), 1);
  run.same("the rows of a snapshot from before the first commit", scan_of(*other), {});
  run.same("its position", other->position(), 0);
  const auto after = run.snapshot("revenue");
  run.same("the position after the commit", after->position(), 2);
  run.same("the rows after the commit", scan_of(*after), {{"alice", "2"}, {"bob", "2"}});
  run.same("the position after the first commit", run.snapshot("not.yet")->position(), 2);
}

void models_are_kept_apart(contract_run& run) {
  auto& store = run.rows();
  const std::vector<std::string> names = {"a", "ab", "A", "checkpoints", "rows/a", "a\x01", "Ä ☃/\\'\"%"};
  for (std::size_t i = 0; i < names.size(); ++i) store.commit(names[i], {{"key", "of " + names[i]}}, {i + 1}).value();
  for (std::size_t i = 0; i < names.size(); ++i) {
    run.same("the row of " + show(names[i]), row_of(run, names[i], "key"), "of " + names[i]);
    run.same("the position of " + show(names[i]), checkpoint_of(run, names[i]).position, i + 1);
    run.same("the count of " + show(names[i]), run.snapshot(names[i])->count().value(), 1);
  }
}

void scan_goes_by_bytes(contract_run& run) {
  const std::string with_nul("a\0b", 3);
  run.rows()
      .commit("m", {{"b", "4"}, {"a", "1"}, {with_nul, "2"}, {"aa", "3"}, {"\xff", "6"}, {"\x7f", "5"}}, {1})
      .value();
  const auto snapshot = run.snapshot("m");
  run.same("all rows", scan_of(*snapshot),
           {{"a", "1"}, {with_nul, "2"}, {"aa", "3"}, {"b", "4"}, {"\x7f", "5"}, {"\xff", "6"}});
  run.same("the rows from between two keys on", scan_of(*snapshot, "ab"), {{"b", "4"}, {"\x7f", "5"}, {"\xff", "6"}});
  run.same("the rows from a key on", scan_of(*snapshot, "b"), {{"b", "4"}, {"\x7f", "5"}, {"\xff", "6"}});
  run.same("the rows from beyond the last on", scan_of(*snapshot, "\xff\xff"), {});
  std::uint64_t visits = 0;
  snapshot->scan("", [&](auto, auto) { return ++visits == 2 ? visit::stop : visit::next; }).value();
  run.same("the visits of a scan that was stopped at the second", visits, 2);
}

void scan_back_goes_against_bytes(contract_run& run) {
  run.rows().commit("m", {{"b", "2"}, {"a", "1"}, {"\xff", "4"}, {"c", "3"}}, {1}).value();
  const auto snapshot = run.snapshot("m");
  const row_list all = {{"\xff", "4"}, {"c", "3"}, {"b", "2"}, {"a", "1"}};
  run.same("all rows", scan_back_of(*snapshot), all);
  run.same("the rows before a key", scan_back_of(*snapshot, "c"), {{"b", "2"}, {"a", "1"}});
  run.same("the rows before what lies between two keys", scan_back_of(*snapshot, "bb"), {{"b", "2"}, {"a", "1"}});
  run.same("the rows before what lies beyond the last", scan_back_of(*snapshot, "\xff\xff"), all);
  run.same("the rows before the first", scan_back_of(*snapshot, "a"), {});
  std::uint64_t visits = 0;
  snapshot->scan_back("", [&](auto, auto) { return ++visits == 2 ? visit::stop : visit::next; }).value();
  run.same("the visits of a scan back that was stopped at the second", visits, 2);
  run.rows().commit("emptied", {{"a", "1"}}, {1}).value();
  run.rows().commit("emptied", {{"a", std::nullopt}}, {2}).value();
  run.same("a scan back in a read model that was emptied", scan_back_of(*run.snapshot("emptied"), "b"), {});
}

void ranges_of_rows(contract_run& run) {
  row_changes changes;
  for (int i = 0; i < 100; ++i) changes["key" + std::to_string(100 + i)] = std::to_string(i);
  run.rows().commit("m", changes, {1}).value();
  const auto snapshot = run.snapshot("m");
  const auto keys_of = [&](const row_range& range) {
    std::vector<std::string> keys;
    scan(*snapshot, range, [&](std::string_view key, std::string_view) {
      keys.emplace_back(key);
      return visit::next;
    }).value();
    return keys;
  };
  run.same("a range with both ends", keys_of({.from = "key110", .end = "key113"}), {"key110", "key111", "key112"});
  run.same("a range with a limit", keys_of({.from = "key150", .limit = 2}), {"key150", "key151"});
  run.same("a range to the end", keys_of({.from = "key198"}), {"key198", "key199"});
  run.same("a reversed range with both ends", keys_of({.from = "key110", .end = "key113", .is_reversed = true}),
           {"key112", "key111", "key110"});
  run.same("a reversed range with a limit", keys_of({.is_reversed = true, .limit = 2}), {"key199", "key198"});
  run.same("a range without a row", keys_of({.from = "key1100", .end = "key111"}), {});
  run.same("the number of all rows", keys_of({}).size(), 100);
}

void count_is_of_snapshot(contract_run& run) {
  auto& store = run.rows();
  store.commit("m", {{"a", "1"}, {"b", "2"}, {"c", "3"}}, {1}).value();
  const auto before = run.snapshot("m");
  store.commit("m", {{"a", std::nullopt}, {"b", "20"}, {"nobody", std::nullopt}}, {2}).value();
  run.same("the count before a row was erased", before->count().value(), 3);
  run.same("the count after it", run.snapshot("m")->count().value(), 2);
}

void unusable_commits_are_refused(contract_run& run) {
  auto& store = run.rows();
  const std::string longest(max_row_key_bytes, 'k');
  store.commit("m", {{longest, "v"}}, {1}).value();
  run.same("the row with the longest key", row_of(run, "m", longest), "v");
  run.same("the row with a key that is too long", row_of(run, "m", longest + "k"), std::nullopt);
  run.same("the row with an empty key", row_of(run, "m", ""), std::nullopt);
  for (const auto& key : {std::string{}, longest + "k"}) {
    run.fails("a commit with the key " + show(key), store.commit("m", {{"a", "1"}, {key, "v"}}, {2}),
              errc::invalid_argument);
    run.fails("a commit that erases the key " + show(key), store.commit("m", {{"a", "1"}, {key, std::nullopt}}, {2}),
              errc::invalid_argument);
  }
  run.same("the position after commits that were refused", checkpoint_of(run, "m").position, 1);
  run.same("a row of a commit that was refused", row_of(run, "m", "a"), std::nullopt);
  std::vector<std::string> unusable = {"", std::string("a\0b", 3)};
  const auto longest_name = run.limits().name_bytes;
  if (longest_name) unusable.emplace_back(*longest_name + 1, 'n');
  for (const auto& name : unusable) {
    run.fails("a commit to " + show(name), store.commit(name, {}, {1}), errc::invalid_argument);
    run.fails("a snapshot of " + show(name), store.snapshot(name), errc::invalid_argument);
    run.fails("clearing " + show(name), store.clear(name), errc::invalid_argument);
  }
  if (longest_name) {
    run.succeeds("a commit to the longest name", store.commit(std::string(*longest_name, 'n'), {{"a", "1"}}, {1}));
    run.same("a row under the longest name", row_of(run, std::string(*longest_name, 'n'), "a"), "1");
  }
}

void values_come_back(contract_run& run) {
  for (std::size_t size : {0U, 1U, 2048U, 4096U, 70'000U, 1U << 20, 16U << 20}) {
    size = std::min(size, run.limits().tried_payload_bytes);
    std::string value(size, '\0');
    for (std::size_t i = 0; i < size; i += 1 + size / 70'000) value[i] = static_cast<char>(i * 31 + size);
    const auto key = "of " + std::to_string(size);
    run.rows().commit("m", {{key, value}}, {size}).value();
    run.expect(row_of(run, "m", key) == value, "a value " + key + " bytes comes back as it was");
  }
}

void clear_removes_all(contract_run& run) {
  auto& store = run.rows();
  store.commit("m", {{"a", "1"}, {"b", "2"}}, {7, {{3}}, "shape"}).value();
  store.commit("mm", {{"a", "3"}}, {8}).value();
  const auto before = run.snapshot("m");
  store.clear("m").value();
  store.clear("never committed").value();
  run.same("the checkpoint of a read model that was cleared", checkpoint_of(run, "m"), {});
  run.same("the rows of a read model that was cleared", scan_of(*run.snapshot("m")), {});
  run.same("the count of a read model that was cleared", run.snapshot("m")->count().value(), 0);
  run.same("the rows of a snapshot from before", scan_of(*before), {{"a", "1"}, {"b", "2"}});
  run.same("the position of a snapshot from before", before->position(), 7);
  run.same("the row of another read model", row_of(run, "mm", "a"), "3");
  run.same("the read models", models_of(run), {{"mm", 8}});
  store.commit("m", {{"c", "4"}}, {1}).value();
  run.same("the rows after a commit to what was cleared", scan_of(*run.snapshot("m")), {{"c", "4"}});
}

void models_are_listed(contract_run& run) {
  auto& store = run.rows();
  run.same("the read models of a new store", models_of(run), {});
  store.commit("mail", {{"a", "1"}}, {7}).value();
  store.commit("billing", {}, {1}).value();
  store.commit("bill", {{"a", "1"}}, {0}).value();
  store.commit("mail", {}, {8}).value();
  run.same("the read models", models_of(run), {{"bill", 0}, {"billing", 1}, {"mail", 8}});
}

void sync_changes_nothing(contract_run& run) {
  auto& store = run.rows();
  run.succeeds("a sync of nothing", store.sync());
  store.commit("revenue", {{"alice", "1"}}, {7, {{3}}}).value();
  run.succeeds("a sync", store.sync());
  run.succeeds("a second sync", store.sync());
  run.same("the checkpoint after a sync", checkpoint_of(run, "revenue"), {7, {{3}}});
  run.same("a row after a sync", row_of(run, "revenue", "alice"), "1");
  run.succeeds("the condition of read models that are in use", store.condition().files);
}

void threads_use_models_together(contract_run& run) {
  auto& store = run.rows();
  std::atomic<std::uint64_t> wrong = 0;
  contract_run::on_threads(4, [&](int thread) {
    const auto name = "model" + std::to_string(thread);
    for (std::uint64_t i = 1; i <= 50; ++i) {
      if (!store.commit(name, {{"count", std::to_string(i)}}, {i})) ++wrong;
      const auto snapshot = run.snapshot(name);
      const auto row = snapshot->get("count");
      if (!row || snapshot->position() != i || *row != std::to_string(i)) ++wrong;
    }
  });
  run.same("how often threads did not find what they had committed", wrong.load(), 0);
}

void snapshots_are_of_one_commit(contract_run& run) {
  auto& store = run.rows();
  constexpr std::uint64_t commits = 60;
  std::atomic<bool> is_done = false;
  std::atomic<std::uint64_t> wrong = 0;
  const auto look = [&](std::uint64_t& latest) {
    const auto seen = run.snapshot("m");
    const auto i = seen->position();
    const auto text = std::to_string(i);
    const bool is_empty = i == 0;
    if (!is_empty && i < std::exchange(latest, i)) ++wrong;
    if (seen->checkpoint() != (is_empty ? row_checkpoint{} : row_checkpoint{i, {{i}}, text})) ++wrong;
    if (scan_of(*seen) != (is_empty ? row_list{} : row_list{{"first", text}, {"last", text}})) ++wrong;
  };
  const auto commit_and_clear = [&] {
    // Also if a look fails, or the others would go on for ever.
    const std::shared_ptr<void> at_end{nullptr, [&is_done](void*) { is_done = true; }};
    std::uint64_t latest = 0;
    for (std::uint64_t i = 1; i <= commits; ++i) {
      const auto text = std::to_string(i);
      if (!store.commit("m", {{"first", text}, {"last", text}}, {i, {{i}}, text})) ++wrong;
      look(latest);
      if (i % 3 == 0 && !store.clear("m")) ++wrong;
      if (i % 5 == 0 && !store.commit("other", {{"first", text}}, {i})) ++wrong;
      look(latest);
    }
  };
  contract_run::on_threads(3, [&](int thread) {
    if (thread == 0) return commit_and_clear();
    std::uint64_t latest = 0;
    while (!is_done) look(latest);
  });
  run.same("how often a snapshot did not show one commit", wrong.load(), 0);
}

void rows_survive_reopening(contract_run& run) {
  const row_checkpoint last{9, {{3}, {4, 1}}, "shape"};
  run.rows().commit("m", {{"a", "1"}, {"b", "2"}}, {7}).value();
  run.rows().commit("m", {{"a", "3"}, {"b", std::nullopt}}, last).value();
  run.rows().commit("gone", {{"a", "1"}}, {7}).value();
  run.rows().clear("gone").value();
  // Read models that are ahead of their journal may be refused.
  run.append_all({write_of("order|1", 9)});
  run.rows().sync().value();
  run.reopen();
  run.same("the checkpoint after opening again", checkpoint_of(run, "m"), last);
  run.same("the rows after opening again", scan_of(*run.snapshot("m")), {{"a", "3"}});
  run.same("the read models after opening again", models_of(run), {{"m", 9}});
  run.rows().commit("m", {{"c", "4"}}, {9}).value();
  run.same("the rows after one more commit", scan_of(*run.snapshot("m")), {{"a", "3"}, {"c", "4"}});
}

void rows_survive_power_loss(contract_run& run) {
  run.append_all({write_of("order|1", 9)});
  run.rows().commit("m", {{"a", "1"}, {"b", "2"}}, {7}).value();
  run.rows().sync().value();
  run.rows().commit("m", {{"a", "3"}, {"b", std::nullopt}}, {9, {{3}}, "shape"}).value();
  run.lose_power();
  const auto snapshot = run.snapshot("m");
  if (snapshot->position() == 9) {
    run.same("the checkpoint of the last commit", snapshot->checkpoint(), {9, {{3}}, "shape"});
    run.same("the rows of the last commit", scan_of(*snapshot), {{"a", "3"}});
  } else {
    run.same("the checkpoint that was synced", snapshot->checkpoint(), {7});
    run.same("the rows that were synced", scan_of(*snapshot), {{"a", "1"}, {"b", "2"}});
  }
}

}  // namespace

std::vector<contract_check> read_model_contract() {
  using enum capability;
  return {
      make_check("A read model that was never committed is empty at position 0", {read_models}, new_model_is_empty),
      make_check("Rows and position are committed together and read back", {read_models}, rows_and_position_together),
      make_check("A row is lent as it would be copied", {read_models}, rows_are_lent),
      make_check("Released letters and the rows' shape are committed with the rows, and each commit says them anew",
                 {read_models}, checkpoint_is_replaced),
      make_check("A snapshot of rows keeps what it saw while others commit", {read_models}, snapshot_keeps_what_it_saw),
      make_check("Read models do not see each other's rows", {read_models}, models_are_kept_apart),
      make_check("A scan goes by the keys' bytes, from a key on, until it is stopped", {read_models},
                 scan_goes_by_bytes),
      make_check("A scan back goes against the order of the keys' bytes, from before a key, until it is stopped",
                 {read_models}, scan_back_goes_against_bytes),
      make_check("A range of rows goes from its first to the one before its end, or back, up to its limit",
                 {read_models}, ranges_of_rows),
      make_check("A count is that of the snapshot's rows", {read_models}, count_is_of_snapshot),
      make_check("Keys up to the limit are stored, others and unusable names are refused, and nothing is committed",
                 {read_models}, unusable_commits_are_refused),
      make_check("Row values of every size come back whole", {read_models}, values_come_back),
      make_check("A read model that is cleared has no rows and no checkpoint, and can be committed again",
                 {read_models}, clear_removes_all),
      make_check("Read models are listed by name, with how far each is", {read_models}, models_are_listed),
      make_check("Read models can be synced at any time, and stay as they are", {read_models}, sync_changes_nothing),
      make_check("Threads commit and read read models of their own at the same time", {read_models},
                 threads_use_models_together),
      make_check("While a read model is committed and cleared, a snapshot shows rows and checkpoint of one commit",
                 {read_models}, snapshots_are_of_one_commit),
      make_check("Read models that are opened again are as they were", {read_models, reopening},
                 rows_survive_reopening),
      make_check("Losing power undoes at most the last commit, and it as a whole", {power_loss, read_models},
                 rows_survive_power_loss),
  };
}

}  // namespace tyto::testing
