#include "faulty_disk.hpp"

#include <utility>

namespace tyto::test {
namespace {

std::uint64_t size_of(const disk_call& write) {
  std::uint64_t size = 0;
  for (const auto& part : write.parts) size += part.iov_len;
  return size;
}

}  // namespace

faulty_disk::faulty_disk(std::filesystem::path directory)
    : directory_(std::move(directory)),
      disk_([this](const disk_call& call, const perform_call& perform) { return handle(call, perform); }) {}

void faulty_disk::set(const disk_fault& fault) {
  fault_ = fault;
  seen_ = failed_ = 0;
  healed_ = false;
}

bool faulty_disk::fails(const disk_call& call) {
  if (healed_ || !call.path.starts_with(directory_.string())) return false;
  if (fault_.what && call.what != *fault_.what) return false;
  const int count = ++seen_;
  return count == fault_.at || (fault_.lasting && count > fault_.at);
}

std::int64_t faulty_disk::handle(const disk_call& call, const perform_call& perform) {
  const auto do_it = [&](std::uint64_t at_most) { return call.what == disk_call::kind::sync ? 0 : perform(at_most); };
  if (!fails(call)) return do_it(whole_call);
  const bool is_first = ++failed_ == 1;
  std::int64_t result = -fault_.code;
  if (fault_.how == mishap::half_done && !call.parts.empty()) result = do_it(size_of(call) / 2);
  if (fault_.how == mishap::done_anyway && is_first) do_it(whole_call);
  if (when_failing) when_failing();
  return result;
}

}  // namespace tyto::test
