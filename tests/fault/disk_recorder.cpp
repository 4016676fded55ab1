#include "disk_recorder.hpp"

#include <algorithm>
#include <utility>

namespace tyto::test {
namespace {

using kind = disk_operation::kind;

constexpr std::uint64_t page_bytes = 4096;

void apply(std::string& content, const disk_operation& operation) {
  if (operation.what == kind::resize) {
    content.resize(operation.offset);
    return;
  }
  content.resize(std::max<std::uint64_t>(content.size(), operation.offset + operation.bytes.size()));
  content.replace(operation.offset, operation.bytes.size(), operation.bytes);
}

void append_pages(std::vector<disk_operation>& to, const disk_operation& operation) {
  if (operation.what == kind::resize) {
    to.push_back(operation);
    return;
  }
  for (std::uint64_t at = 0; at < operation.bytes.size();) {
    const auto offset = operation.offset + at;
    const auto size = page_bytes - offset % page_bytes;
    to.push_back({kind::write, offset, operation.bytes.substr(at, size)});
    at += size;
  }
}

}  // namespace

disk_recorder::disk_recorder(const std::filesystem::path& file, disk_failures failures)
    : path_(std::filesystem::canonical(file).string()),
      failures_(std::move(failures)),
      disk_([this](const disk_call& call, const perform_call& perform) { return handle(call, perform); }) {}

std::int64_t disk_recorder::handle(const disk_call& call, const perform_call& perform) {
  const bool is_sync = call.what == disk_call::kind::sync;
  if (call.path != path_) return is_sync ? 0 : perform(whole_call);
  const std::lock_guard lock{mutex_};
  if (const int code = failures_ ? failures_(call) : 0; code != 0) {
    if (is_sync) operations_.push_back({kind::failed_sync, 0, {}});
    if (call.what == disk_call::kind::synced_write) {
      perform(whole_call);
      operations_.push_back({kind::failed_write, call.offset, bytes_of(call, whole_call)});
    }
    return -code;
  }
  const auto done = is_sync ? 0 : perform(whole_call);
  if (done >= 0) note(call, static_cast<std::uint64_t>(done));
  return done;
}

void disk_recorder::note(const disk_call& call, std::uint64_t done) {
  switch (call.what) {
    case disk_call::kind::write:
      return operations_.push_back({kind::write, call.offset, bytes_of(call, done)});
    case disk_call::kind::synced_write:
      return operations_.push_back({kind::synced_write, call.offset, bytes_of(call, done)});
    case disk_call::kind::resize:
      return operations_.push_back({kind::resize, call.file_bytes, {}});
    case disk_call::kind::sync:
      return operations_.push_back({kind::sync, 0, {}});
    case disk_call::kind::open:
    case disk_call::kind::make_directory:
      return;
  }
}

void disk_recorder::acknowledge(std::uint64_t events) {
  const std::lock_guard lock{mutex_};
  operations_.push_back({kind::acknowledge, events, {}});
}

std::vector<disk_operation> disk_recorder::operations() const {
  const std::lock_guard lock{mutex_};
  return operations_;
}

std::string after_power_loss(std::string before, const std::vector<disk_operation>& operations, std::size_t count,
                             double kept, std::mt19937& random) {
  std::bernoulli_distribution is_kept{kept};
  std::vector<disk_operation> unsynced;
  const auto lose_some = [&] {
    for (const auto& each : unsynced) {
      if (is_kept(random)) apply(before, each);
    }
    unsynced.clear();
  };
  for (std::size_t i = 0; i < count; ++i) {
    const auto& operation = operations[i];
    switch (operation.what) {
      case kind::sync:
        for (const auto& each : unsynced) apply(before, each);
        unsynced.clear();
        break;
      case kind::failed_sync:
        lose_some();
        break;
      case kind::synced_write:
        apply(before, operation);
        break;
      case kind::failed_write:
        if (is_kept(random)) apply(before, operation);
        break;
      case kind::write:
      case kind::resize:
        append_pages(unsynced, operation);
        break;
      case kind::acknowledge:
        break;
    }
  }
  lose_some();
  return before;
}

}  // namespace tyto::test
