// A disk that is full, broken or read-only makes appends fail with the reason, and nothing of them is ever seen; when
// it works again, so does the journal.
#include <cerrno>
#include <cstring>

#include "batches.hpp"
#include "faulty_disk.hpp"
#include "support/catch.hpp"

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

// A journal on a faulty disk, and how many batches it holds.
struct trial {
  explicit trial(const std::filesystem::path& at) : directory(at), disk(at / "journal") {
    reopen();
    disk.when_failing = [this] {
      if (view_while_failing.empty()) view_while_failing = view_of(*store.journal);
    };
  }
  void reopen() {
    store = {};
    store = open_lmdb(options_of(directory)).value();
  }
  result<append_outcomes> append() {
    view_while_failing.clear();
    auto appended = append_and_wait(*store.journal, batch_of(stored));
    if (appended) ++stored;
    return appended;
  }

  std::filesystem::path directory;
  faulty_disk disk;
  storage store;
  int stored = 0;
  std::string view_while_failing;  // when the first call of an append failed
};

// An append has failed: with the reason, and nobody has seen anything of it. LMDB refuses everything once a meta page
// could not be written.
void check_failure(trial& on, const error& why, const disk_fault& fault, errc expected, bool refused_at_once) {
  INFO(why.message());
  CHECK(why.message().find(on.directory.string()) != std::string::npos);
  const auto before = expected_view(on.stored);
  if (refused_at_once) {
    CHECK(why.code() == errc::io);
    CHECK(asks_to_reopen(why.message()));
  } else {
    CHECK(why.code() == expected);
    CHECK(on.view_while_failing == before);
  }
  const auto after = view_of(*on.store.journal);
  if (fault.what) CHECK(asks_to_reopen(after) == (fault.what == kind::synced_write));
  if (!asks_to_reopen(after)) CHECK(after == before);
}

// Appends while `fault` is there, until some have failed.
void append_during(trial& on, const disk_fault& fault, errc expected) {
  on.disk.set(fault);
  int failures = 0;
  for (int i = 0; i < batches_during && failures < (fault.lasting ? 2 : 1); ++i) {
    const int failed_calls = on.disk.failed();
    const auto appended = on.append();
    if (appended) continue;
    ++failures;
    check_failure(on, appended.error(), fault, expected, on.disk.failed() == failed_calls);
  }
  on.disk.heal();
}

// Returns whether any call failed.
bool append_with(const disk_fault& fault, errc expected) {
  const temporary_directory directory;
  trial on{directory.path()};
  while (on.stored < batches_before) on.append().value();
  append_during(on, fault, expected);

  if (asks_to_reopen(view_of(*on.store.journal))) {
    const auto refused = on.append();
    REQUIRE_FALSE(refused);
    CHECK(asks_to_reopen(refused.error().message()));
    on.reopen();
  }
  CHECK(view_of(*on.store.journal) == expected_view(on.stored));
  for (int i = 0; i < 4; ++i) on.append().value();
  CHECK(view_of(*on.store.journal) == expected_view(on.stored));
  on.store = {};
  for (const bool read_only : {true, false}) {
    CHECK(view_of(*open_lmdb(options_of(on.directory, read_only)).value().journal) == expected_view(on.stored));
  }
  return on.disk.failed() > 0;
}

}  // namespace

TEST_CASE("An append whose write, sync or meta page fails is answered with the reason and never seen") {
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

TEST_CASE("An append whose write is cut short is never seen") {
  int at = 1;
  for (bool failed = true; failed; ++at) {
    INFO("write number " << at);
    failed = append_with({kind::write, EIO, at, false, mishap::half_done}, errc::io);
  }
  CHECK(at - 1 > batches_during / 2);
}

TEST_CASE("An append that fills the disk in the middle of a write says that the disk is full") {
  const int code = GENERATE(ENOSPC, EDQUOT);
  int at = 1;
  for (bool failed = true; failed; ++at) {
    INFO("call number " << at);
    failed = append_with({std::nullopt, code, at, true, mishap::half_done}, errc::full);
  }
  CHECK(at - 1 > batches_during / 2);
}

TEST_CASE("An append whose meta page was written though the disk said no is not seen") {
  int at = 1;
  for (bool failed = true; failed; ++at) {
    INFO("meta page number " << at);
    failed = append_with({kind::synced_write, EIO, at, false, mishap::done_anyway}, errc::io);
  }
  CHECK(at - 1 > batches_during / 2);
}
