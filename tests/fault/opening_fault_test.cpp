// Opening a storage on a disk that is full, broken or read-only says so, and can be done later.
#include <cerrno>
#include <cstring>

#include "batches.hpp"
#include "faulty_disk.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

constexpr int batches = 5;

void fill(const std::filesystem::path& directory) {
  const auto store = open_lmdb(options_of(directory)).value();
  for (int n = 0; n < batches; ++n) append_and_wait(*store.journal, batch_of(n)).value();
  store.read_models->commit("m", {{"a", "1"}}, {1}).value();
}

// Opens while `fault` is there, and again without it. Returns whether it was met.
bool open_with(const disk_fault& fault, bool exists, errc expected) {
  const temporary_directory parent;
  const auto directory = parent.path() / "store";
  faulty_disk disk{directory};
  if (exists) fill(directory);
  const auto view = expected_view(exists ? batches : 0);

  disk.set(fault);
  const auto opened = open_lmdb(options_of(directory));
  disk.heal();
  if (!opened) {
    INFO(opened.error().message());
    CHECK(opened.error().code() == expected);
    CHECK(opened.error().message().find(directory.string()) != std::string::npos);
  } else {
    CHECK(view_of(*opened->journal) == view);
    return disk.failed() > 0;
  }
  const auto store = open_lmdb(options_of(directory));
  if (!store) FAIL(store.error().message());
  CHECK(view_of(*store->journal) == view);
  append_one(*store->journal, write_of("order|1")).value();
  store->read_models->commit("m", {{"a", "2"}}, {1}).value();
  return true;
}

}  // namespace

TEST_CASE("Opening that fails at any call to the disk says why, and later everything is there") {
  const bool exists = GENERATE(false, true);
  const bool lasting = GENERATE(false, true);
  const auto [code, expected] = GENERATE(
      table<int, errc>({{ENOSPC, errc::full}, {EDQUOT, errc::full}, {EIO, errc::io}, {EROFS, errc::permission}}));
  int at = 1;
  for (bool failed = true; failed; ++at) {
    INFO((exists ? "existing" : "new") << ", call " << at << (lasting ? " and later: " : ": ") << std::strerror(code));
    failed = open_with({std::nullopt, code, at, lasting}, exists, expected);
  }
  CHECK(at > (exists ? 5 : 20));
}

TEST_CASE("A disk that fills up while a storage is created says so, and later it is created") {
  int at = 1;
  for (bool failed = true; failed; ++at) {
    INFO("call " << at);
    failed = open_with({std::nullopt, ENOSPC, at, true, mishap::half_done}, false, errc::full);
  }
  CHECK(at > 20);
}

TEST_CASE("A storage on a read-only file system can be read, and is refused to writers") {
  const temporary_directory directory;
  fill(directory.path());
  faulty_disk disk{directory.path()};
  disk.set({std::nullopt, EROFS, 1, true});
  const auto refused = open_lmdb(options_of(directory.path()));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::permission);
  const auto store = open_lmdb(options_of(directory.path(), true));
  if (!store) FAIL(store.error().message());
  CHECK(view_of(*store->journal) == expected_view(batches));
  CHECK(store->read_models->snapshot("m").value()->get("a").value() == "1");
}

TEST_CASE("What is left of a journal is not taken for a file that was never finished") {
  const temporary_directory directory;
  fill(directory.path());
  std::filesystem::remove_all(directory.path() / "read_models");
  const auto data = directory.path() / "journal" / "data.mdb";
  for (const std::uintmax_t left : {8'192, 5'000, 4'096, 152, 100}) {
    INFO(left << " bytes are left");
    std::filesystem::resize_file(data, left);
    CHECK_FALSE(open_lmdb(options_of(directory.path())));
    CHECK(std::filesystem::file_size(data) == left);
  }
}
