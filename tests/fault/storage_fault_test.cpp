// A disk that is full, broken or read-only makes appends fail with the reason, and nothing of them is ever seen; when
// it works again, so does the journal.
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>
#include <sstream>

#include "batches.hpp"
#include "contract/store_support.hpp"
#include "faulty_disk.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

using kind = disk_call::kind;

struct reason {
  int code;
  errc expected;
};

const std::vector<reason>& reasons() {
  static const std::vector<reason> all{
      {ENOSPC, errc::full}, {EDQUOT, errc::full}, {EIO, errc::io}, {EROFS, errc::permission}};
  return all;
}

const char* name_of(kind what) {
  return what == kind::write ? "a write" : what == kind::synced_write ? "the write of a meta page" : "a sync";
}

bool asks_to_reopen(const std::string& view) {
  return view.find("close the storage and open it again") != std::string::npos;
}

constexpr int batches_before = 7;
constexpr int batches_during = 6;

// Appends while `fault` is there, and checks what is seen of it then and later. Returns whether anything failed.
bool append_with(const disk_fault& fault, errc expected) {
  const temporary_directory directory;
  faulty_disk disk{directory.path() / "journal"};
  auto store = open_lmdb(options_of(directory.path())).value();
  int stored = 0;
  for (; stored < batches_before; ++stored) append_and_wait(*store.journal, batch_of(stored)).value();

  std::string view_while_failing;
  disk.when_failing = [&] {
    if (view_while_failing.empty()) view_while_failing = view_of(*store.journal);
  };
  disk.set(fault);
  int failures = 0;
  for (int i = 0; i < batches_during && failures < 2; ++i) {
    const auto before = expected_view(stored);
    const int failed_calls = disk.failed();
    view_while_failing.clear();
    const auto appended = append_and_wait(*store.journal, batch_of(stored));
    if (appended) {
      ++stored;
      continue;
    }
    ++failures;
    INFO(appended.error().message());
    CHECK(appended.error().message().find(directory.path().string()) != std::string::npos);
    const bool in_panic = disk.failed() == failed_calls;
    CHECK(appended.error().code() ==
          (in_panic || (fault.what == kind::write && fault.how == mishap::half_done) ? errc::io : expected));
    if (in_panic) CHECK(asks_to_reopen(appended.error().message()));
    if (!in_panic) CHECK(view_while_failing == before);
    const auto after = view_of(*store.journal);
    if (fault.what) CHECK(asks_to_reopen(after) == (fault.what == kind::synced_write));
    if (!asks_to_reopen(after)) CHECK(after == before);
    if (!fault.lasting) break;
  }
  disk.heal();

  if (asks_to_reopen(view_of(*store.journal))) {
    const auto refused = append_and_wait(*store.journal, batch_of(stored));
    REQUIRE_FALSE(refused);
    CHECK(asks_to_reopen(refused.error().message()));
    store = {};
    store = open_lmdb(options_of(directory.path())).value();
  }
  CHECK(view_of(*store.journal) == expected_view(stored));
  for (int i = 0; i < 4; ++i) append_and_wait(*store.journal, batch_of(stored++)).value();
  CHECK(view_of(*store.journal) == expected_view(stored));
  store = {};
  CHECK(view_of(*open_lmdb(options_of(directory.path(), true)).value().journal) == expected_view(stored));
  CHECK(view_of(*open_lmdb(options_of(directory.path())).value().journal) == expected_view(stored));
  return disk.failed() > 0;
}

}  // namespace

TEST_CASE("an append whose write, sync or meta page fails is answered with the reason and never seen") {
  const auto what = GENERATE(kind::write, kind::sync, kind::synced_write);
  const bool lasting = GENERATE(false, true);
  for (const auto& [code, expected] : reasons()) {
    bool failed = true;
    int at = 1;
    for (; failed; ++at) {
      INFO(name_of(what) << " number " << at << " fails " << (lasting ? "from then on" : "once") << ": "
                         << std::strerror(code));
      failed = append_with({what, code, at, lasting}, expected);
    }
    CHECK(at - 1 > batches_during / 2);
  }
}

TEST_CASE("an append whose write is cut short is never seen") {
  int at = 1;
  for (bool failed = true; failed; ++at) {
    INFO("write number " << at);
    failed = append_with({kind::write, EIO, at, false, mishap::half_done}, errc::io);
  }
  CHECK(at - 1 > batches_during / 2);
}

TEST_CASE("an append that fills the disk in the middle of a write says that the disk is full") {
  const int code = GENERATE(ENOSPC, EDQUOT);
  int at = 1;
  for (bool failed = true; failed; ++at) {
    INFO("call number " << at);
    failed = append_with({std::nullopt, code, at, true, mishap::half_done}, errc::full);
  }
  CHECK(at - 1 > batches_during / 2);
}

TEST_CASE("an append whose meta page was written though the disk said no is not seen") {
  int at = 1;
  for (bool failed = true; failed; ++at) {
    INFO("meta page number " << at);
    failed = append_with({kind::synced_write, EIO, at, false, mishap::done_anyway}, errc::io);
  }
  CHECK(at - 1 > batches_during / 2);
}
