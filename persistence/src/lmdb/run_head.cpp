#include "lmdb/run_head.hpp"

#include <fmt/format.h>

#include <string>

#include "lmdb/sealed_value.hpp"
#include "lmdb/stored_number.hpp"

namespace tyto {
namespace {

constexpr std::string_view head_key{"\0", 1};  // before those of all entries and pieces

std::string head_of(const index_run& run) {
  return sealed(head_key, std::string{as_key(run.after)}.append(as_key(run.up_to)));
}

}  // namespace

int put_run_head(lmdb::transaction& transaction, lmdb::table table, const index_run& run) {
  return transaction.put(table, head_key, head_of(run));
}

result<void> check_run_head(const lmdb::transaction& transaction, lmdb::table table, const index_run& run) {
  const auto doing = fmt::format("reading the index of the positions {} to {}", run.after + 1, run.up_to);
  std::string_view stored;
  const int code = transaction.get(table, head_key, stored);
  if (code != 0 && code != MDB_NOTFOUND) return lmdb::to_error(code, doing);
  if (code == 0 && stored == head_of(run)) return {};
  return error{errc::damaged, doing, fmt::format("the table {} does not hold it", run_table_name(run.slot))};
}

bool is_run_head(std::string_view key) { return key == head_key; }

}  // namespace tyto
