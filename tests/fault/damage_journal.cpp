#include "damage_journal.hpp"

#include <random>
#include <utility>

namespace tyto::test {
namespace {

using action = retention::action;

// One append: some decisions, maybe a change of what is kept, checkpoints.
void append_some(const storage& store, std::mt19937_64& random, int round) {
  append_batch batch;
  for (int i = 0; i < 8; ++i) {
    const auto id = "order|" + std::to_string(random() % 40);
    auto write = write_of(id, 1 + random() % 3);
    for (auto& event : write->events) {
      event.payload = std::string("\xda\0\0", 3) + std::string(random() % 20 == 0 ? 6000 : random() % 120, 'p');
    }
    if (random() % 20 == 0) {
      const auto version = store.journal->info(id).value().version;
      write->retain = retention{action::truncate, 1 + random() % (version + 1), std::string(random() % 60, 'b')};
    } else if (random() % 150 == 0) {
      write->retain = retention{random() % 2 == 0 ? action::close : action::remove, 0, {}};
    }
    batch.writes.push_back(std::move(write));
  }
  const auto head = store.journal->head().value();
  for (const char* name : {"billing", "shipping", "audit"}) {
    if (random() % 2 == 0) batch.checkpoints.push_back({name, head});
  }
  append_and_wait(*store.journal, std::move(batch)).value();
  if (round % 4 != 0) return;
  row_changes rows;
  for (int i = 0; i < 20; ++i) rows["row" + std::to_string(random() % 300)] = std::string(random() % 200, 'r');
  store.read_models->commit(round % 8 == 0 ? "orders" : "revenue", rows, {head}).value();
  store.snapshots->save({{"order|" + std::to_string(random() % 40), head, std::string(random() % 3000, 'i'), 2}})
      .value();
}

void add(std::string& text, const event_view& event) {
  const auto& m = event.meta;
  text += std::to_string(m.position) + ' ' + m.persistence_id + ' ' + std::to_string(m.sequence_number) + ' ' + m.type +
          ' ' + std::to_string(m.decision_index) + '/' + std::to_string(m.decision_count) + ' ' +
          std::to_string(event.payload.size()) + '\n';
}

result<void> read_stream(const event_store& journal, const std::string& id, std::string& text) {
  auto known = journal.read_stream(id, 1, [&](const event_view& event) {
    add(text, event);
    return visit::next;
  });
  if (known) known = journal.info(id);
  if (!known) return std::move(known).error();
  text += id + ' ' + std::to_string(known->first) + ' ' + std::to_string(known->version) + ' ' +
          std::to_string(static_cast<int>(known->state)) + ' ' + known->base + '\n';
  return {};
}

}  // namespace

void write_damage_journal(const std::filesystem::path& path, const std::filesystem::path& older) {
  std::mt19937_64 random{1};
  const lmdb_options options{.path = path, .fold_events = 300};
  {
    auto store = open_lmdb(options).value();
    for (int round = 0; round < 60; ++round) append_some(store, random, round);
    compact(store).value();
    for (int round = 0; round < 60; ++round) append_some(store, random, round);
  }
  std::filesystem::copy(path, older, std::filesystem::copy_options::recursive);
  auto store = open_lmdb(options).value();
  for (int round = 0; round < 10; ++round) append_some(store, random, round);
}

result<std::string> read_damage_journal(const lmdb_options& options) {
  auto store = open_lmdb(options);
  if (!store) return std::move(store).error();
  const auto& journal = *store->journal;
  std::string text;
  auto head = journal.read_all({}, [&](const event_view& event) {
    add(text, event);
    return visit::next;
  });
  if (!head) return std::move(head).error();
  text += "head " + std::to_string(*head) + '\n';
  for (const auto& id : damage_streams()) {
    if (auto read = read_stream(journal, id, text); !read) return std::move(read).error();
  }
  auto checkpoints = journal.checkpoints();
  if (!checkpoints) return std::move(checkpoints).error();
  for (const auto& each : *checkpoints) text += each.name + ' ' + std::to_string(each.position) + '\n';
  for (const char* name : {"billing", "shipping", "audit"}) {
    auto position = journal.load_checkpoint(name);
    if (!position) return std::move(position).error();
    text += std::to_string(*position) + '\n';
  }
  return text;
}

}  // namespace tyto::test
