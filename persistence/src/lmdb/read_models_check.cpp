#include "lmdb/read_models_check.hpp"

#include <fmt/format.h>
#include <algorithm>

#include "lmdb/lmdb_read_models.hpp"
#include "lmdb/lmdb_snapshots.hpp"
#include "lmdb/page_check.hpp"
#include "lmdb/stream_key.hpp"
#include "write_checks.hpp"

namespace tyto {
namespace {

constexpr std::size_t number_bytes = sizeof(std::uint64_t);

// Opens a table and visits its entries; a missing one has none. Returns LMDB's code.
template <class Visit>
int visit_table(lmdb::transaction& transaction, const char* name, const Visit& visit) {
  lmdb::table table = 0;
  int code = transaction.open_table(name, 0, table);
  if (code != 0) return code;
  lmdb::cursor entries{transaction, table};
  for (code = entries.move(MDB_FIRST); code == 0; code = entries.move(MDB_NEXT)) visit(entries.key(), entries.value());
  return code;
}

void check_checkpoint(lmdb::transaction& transaction, std::string_view name, std::string_view value, std::uint64_t head,
                      finding_list& found) {
  const std::string advice{page_advice(storage_part::read_models)};
  const auto where = fmt::format("the checkpoint of the read model {}", name);
  lmdb::table rows = 0;
  const auto stored = row_checkpoint_in(name, value);
  if (!stored || !check_name(name)) {
    return found.add(where, stored ? "its name is none of a read model's" : stored.error().detail(), advice);
  }
  if (stored->position > head) {
    return found.add(where, fmt::format("it is at position {}, but the journal ends at {}", stored->position, head),
                     advice);
  }
  if (transaction.open_table(fmt::format("rows/{}", name).c_str(), 0, rows) == MDB_NOTFOUND) {
    return found.add(where, "its table of rows is missing", advice);
  }
  ++found.report().checkpoints;
}

void check_snapshot(std::string_view key, std::string_view value, finding_list& found) {
  const std::string advice{page_advice(storage_part::read_models)};
  const auto id = key.substr(0, key.size() - std::min(key.size(), number_bytes + 1));
  if (!check_persistence_id(id) || key[id.size()] != '\0') {
    return found.add(fmt::format("a snapshot of {}", id), "its key has a form that is none of ours", advice);
  }
  if (auto image = snapshot_image(value, id, stream_key::number_in(key)); !image)
    return found.add(image.error(), advice);
  ++found.report().snapshots;
}

}  // namespace

result<void> check_read_models(lmdb::environment& environment, const std::function<result<std::uint64_t>()>& head,
                               finding_list& found) {
  return environment.with_tables(false, [&](lmdb::transaction& transaction) -> result<void> {
    auto end = head();
    if (!end) return std::move(end).error();
    int code = visit_table(transaction, "checkpoints", [&](std::string_view name, std::string_view value) {
      check_checkpoint(transaction, name, value, *end, found);
    });
    if (code == MDB_NOTFOUND) {
      code = visit_table(transaction, "snapshots",
                         [&](std::string_view key, std::string_view value) { check_snapshot(key, value, found); });
    }
    if (code == MDB_NOTFOUND) return {};
    return lmdb::to_error(code, fmt::format("reading '{}'", environment.data_file().string()));
  });
}

}  // namespace tyto
