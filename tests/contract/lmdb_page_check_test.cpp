// Opening a storage whose pages are damaged: who looks at them, when, and what is said.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>

#include "lmdb_support.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

constexpr std::size_t page_bytes = 4096;

void write_journal(const std::filesystem::path& path) {
  auto store = open_lmdb({.path = path, .fold_events = 16}).value();
  for (int i = 0; i < 200; ++i) append_one(*store.journal, write_of("order|" + std::to_string(i % 7))).value();
  store.read_models->commit("orders", {{"1", "row"}}, {12}).value();
}

// Damages every page of a data file on which `text` stands, but for those that opening always looks at.
void damage_pages(const std::filesystem::path& file, const std::string& text) {
  auto bytes = read_file(file);
  const auto number_at = [&](std::size_t offset) {
    std::uint64_t number = 0;
    std::memcpy(&number, &bytes[offset], sizeof number);
    return number;
  };
  const auto is_root = [&](std::uint64_t page) {
    constexpr std::array<std::size_t, 4> roots{80, 128, page_bytes + 80, page_bytes + 128};  // in the meta pages
    return std::ranges::any_of(roots, [&](std::size_t offset) { return number_at(offset) == page; });
  };
  bool found = false;
  for (auto page = 2 * page_bytes; page < bytes.size(); page += page_bytes) {
    if (is_root(page / page_bytes) || bytes.substr(page, page_bytes).find(text) == std::string::npos) continue;
    bytes[page + 12] ^= 1;  // its lower bound
    found = true;
  }
  REQUIRE(found);
  write_file(file, bytes);
}

// As a writer leaves the file that was killed.
void forget_end(const std::filesystem::path& path) { write_file(path / "writer.lock", "999999\n"); }

result<storage> open(const std::filesystem::path& path, page_check check) {
  return open_lmdb({.path = path, .fold_events = 16, .check_pages = check});
}

}  // namespace

TEST_CASE("Damaged pages refuse writers after an unclean end, and always where that is asked for") {
  const temporary_directory directory;
  const auto& path = directory.path();
  write_journal(path);
  const auto [part, text, advice] = GENERATE(table<std::string, std::string, std::string>(
      {{"journal", "test.happened", "from a backup"}, {"read_models", "row", "delete the directory read_models/"}}));
  const auto file = path / part / "data.mdb";
  damage_pages(file, text);
  const auto refused_by = [&, advice = advice](page_check check) {
    const auto opened = open(path, check);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code() == errc::damaged);
    CHECK(opened.error().message().find("checking the pages of '" + file.string()) != std::string::npos);
    CHECK(opened.error().message().find("page ") != std::string::npos);
    CHECK(opened.error().message().find(advice) != std::string::npos);
  };
  refused_by(page_check::always);
  forget_end(path);
  refused_by(page_check::after_unclean_end);
  refused_by(page_check::after_unclean_end);  // also the next time
}

TEST_CASE("Damaged pages refuse writers after an unclean end, though others were refused while the writer lived") {
  const temporary_directory directory;
  const auto& path = directory.path();
  write_journal(path);
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const auto writer = ::fork();
  if (writer == 0) {
    const auto store = open(path, page_check::never);
    (void)!::write(ready[1], store ? "y" : "n", 1);
    for (;;) ::pause();
  }
  char answer = 'n';
  REQUIRE(::read(ready[0], &answer, 1) == 1);
  CHECK(answer == 'y');
  CHECK(open(path, page_check::after_unclean_end).error().code() == errc::locked);
  REQUIRE(::kill(writer, SIGKILL) == 0);
  REQUIRE(::waitpid(writer, nullptr, 0) == writer);
  for (const int end : ready) ::close(end);

  damage_pages(path / "journal" / "data.mdb", "test.happened");
  CHECK(open(path, page_check::after_unclean_end).error().code() == errc::damaged);
}

TEST_CASE("A storage with sound pages opens, whatever was before") {
  const temporary_directory directory;
  write_journal(directory.path());
  const auto check = GENERATE(page_check::after_unclean_end, page_check::always, page_check::never);
  if (GENERATE(true, false)) forget_end(directory.path());
  const auto store = open(directory.path(), check).value();
  CHECK(store.journal->head().value() == 200);
  CHECK(read_all(*store.journal).size() == 200);
}

TEST_CASE("A damaged meta page refuses readers and writers, whichever pages are looked at") {
  const temporary_directory directory;
  const auto& path = directory.path();
  write_journal(path);
  const auto file = path / GENERATE("journal", "read_models") / "data.mdb";
  auto bytes = read_file(file);
  const std::size_t offset = GENERATE(0, 10, 16, 20, 40, 92, 128, 144);
  const std::size_t meta = bytes[144] > bytes[page_bytes + 144] ? 0 : page_bytes;
  bytes[meta + offset] ^= 0x40;
  write_file(file, bytes);
  INFO("offset " << offset);
  for (const bool read_only : {true, false}) {
    const auto opened = open_lmdb({.path = path, .read_only = read_only, .check_pages = page_check::never});
    REQUIRE_FALSE(opened);
    CHECK((opened.error().code() == errc::damaged || opened.error().code() == errc::foreign));
    CHECK(opened.error().message().find(file.parent_path().string()) != std::string::npos);
  }
}

TEST_CASE("A journal whose last transaction a damaged number hides is refused") {
  const temporary_directory directory;
  const auto& path = directory.path();
  write_journal(path);
  const auto file = path / "journal" / "data.mdb";
  auto bytes = read_file(file);
  std::array<std::uint64_t, 2> transactions{};
  for (const std::size_t meta : {0, 1}) std::memcpy(&transactions[meta], &bytes[meta * page_bytes + 144], 8);
  const std::size_t last = transactions[0] > transactions[1] ? 0 : 1;
  // The number of the last one becomes smaller than the other's, or the other's larger than the last: in both cases
  // they still follow each other.
  const bool hides = GENERATE(true, false);
  const auto changed = hides ? last : 1 - last;
  transactions[changed] = hides ? transactions[last] - 2 : transactions[changed] + 2;
  std::memcpy(&bytes[changed * page_bytes + 144], &transactions[changed], 8);
  write_file(file, bytes);
  std::filesystem::remove(path / "journal" / "lock.mdb");
  for (const bool read_only : {true, false}) {
    const auto opened = open_lmdb({.path = path, .read_only = read_only});
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code() == errc::damaged);
  }
}

TEST_CASE("Where LMDB ends the process, the file is named before") {
  const temporary_directory directory;
  const auto& path = directory.path();
  write_journal(path);
  const auto file = path / "journal" / "data.mdb";
  auto bytes = read_file(file);
  for (auto page = 2 * page_bytes; page < bytes.size(); page += page_bytes) {
    if (bytes[page + 10] != 1) continue;
    const auto number = [&](std::size_t at) {
      return static_cast<unsigned char>(bytes[page + at]) | static_cast<unsigned char>(bytes[page + at + 1]) << 8;
    };
    if (number(static_cast<std::size_t>(number(18)) + 6) != 8)
      continue;                 // not of the events, whose keys have eight bytes
    bytes[page + 12] = 16 + 2;  // one entry is left of a branch page
    bytes[page + 13] = 0;
  }
  write_file(file, bytes);
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const auto child = ::fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);
    ::dup2(ends[1], STDERR_FILENO);
    const auto opened = open(path, page_check::never);
    if (opened) (void)opened->journal->read_all({}, [](const event_view&) { return visit::next; });
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string said;
  std::array<char, 512> part{};
  for (ssize_t size = 0; (size = ::read(ends[0], part.data(), part.size())) > 0;) said.append(part.data(), size);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  INFO(said);
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGABRT);
  CHECK(said.find("tyto: '" + file.string() + "': the structure of the file is damaged") != std::string::npos);
  CHECK(said.find("verify()") != std::string::npos);
}
