#include "lmdb/bulk_writer.hpp"

#include <fmt/format.h>

namespace tyto {

result<void> bulk_writer::append(lmdb::table table, std::string_view key, std::string_view value) {
  if (!transaction_) {
    auto begun = into_.begin_write();
    if (!begun) return std::move(begun).error();
    transaction_.emplace(*std::move(begun));
  }
  if (const int code = transaction_->put(table, key, value, MDB_APPEND); code != 0) {
    return lmdb::to_error(code, fmt::format("writing to '{}'", into_.directory().string()));
  }
  ++entries_;
  bytes_ += key.size() + value.size();
  return entries_ < bulk_entries && bytes_ < bulk_bytes ? result<void>{} : finish();
}

result<void> bulk_writer::finish() {
  if (!transaction_) return {};
  const int code = transaction_->commit();
  transaction_.reset();
  entries_ = 0;
  bytes_ = 0;
  return code == 0 ? result<void>{} : lmdb::to_error(code, fmt::format("writing to '{}'", into_.directory().string()));
}

}  // namespace tyto
