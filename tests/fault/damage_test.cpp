// What damage to a journal's file does: it is found, or it has no effect. Never does it end the process that opens the
// journal, and never is something else read than what was stored. A few hundred damages, each from a seed; for more:
// TYTO_DAMAGE_ROUNDS=2000 TYTO_DAMAGE_SEED=1 damage_tests. With TYTO_DAMAGE_CHECK=never, pages are not looked at: then
// it must fail, which shows that it can.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include "damage_journal.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

constexpr std::size_t page_bytes = 4096;

std::string read_file(const std::filesystem::path& path) {
  std::ostringstream content;
  content << std::ifstream{path, std::ios::binary}.rdbuf();
  return content.str();
}

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

page_check pages_looked_at() {
  const char* value = std::getenv("TYTO_DAMAGE_CHECK");
  return value != nullptr && std::string_view{value} == "never" ? page_check::never : page_check::always;
}

void flip_bit(std::string& bytes, std::size_t at, std::uint64_t bit) {
  bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit % 8));
}

// Does one damage to a file; says which.
std::string damage(std::string& bytes, const std::string& older, std::mt19937_64& random) {
  const auto pages = bytes.size() / page_bytes;
  const auto page = random() % pages;
  const auto begin = page * page_bytes;
  const auto place = "page " + std::to_string(page);
  switch (random() % 10) {
    case 0:
    case 1:
      flip_bit(bytes, begin + random() % page_bytes, random());
      return "a bit in " + place;
    case 2:  // where a page says what it is, and where its entries lie
      flip_bit(bytes, begin + random() % 64, random());
      return "a bit at the begin of " + place;
    case 3: {
      const auto count = 1 + random() % 200;
      for (std::uint64_t i = 0; i < count; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
      return std::to_string(count) + " bytes";
    }
    case 4:
      bytes.replace(begin, page_bytes, page_bytes, '\0');
      return place + " is empty";
    case 5: {
      const auto other = random() % pages;
      const auto content = bytes.substr(begin, page_bytes);
      bytes.replace(begin, page_bytes, bytes, other * page_bytes, page_bytes);
      if (random() % 2 == 0) bytes.replace(other * page_bytes, page_bytes, content);
      return place + " has the place of page " + std::to_string(other);
    }
    case 6:
    case 7:
      if (begin + page_bytes <= older.size()) bytes.replace(begin, page_bytes, older, begin, page_bytes);
      return place + " is as it was before";
    case 8: {
      const auto size = random() % bytes.size();
      bytes.resize(random() % 4 == 0 ? size : size / page_bytes * page_bytes);
      return "cut off at " + std::to_string(bytes.size());
    }
    default: {
      const auto meta = random() % 2 * page_bytes;
      const auto at = meta + random() % 152;
      flip_bit(bytes, at, random());
      return "a bit of a meta page, at " + std::to_string(at);
    }
  }
}

// How a process ended that opened and read a damaged journal.
struct outcome {
  enum class kind { unaffected, refused, differs, killed };
  kind what = kind::killed;
  std::string text;
};

// LMDB may end a process, so the journal is opened in another one, which has not opened it before.
outcome read_in_child(const lmdb_options& options, const std::string& expected) {
  std::array<int, 2> pipe_ends{};
  if (::pipe(pipe_ends.data()) != 0) throw std::runtime_error("no pipe");
  std::fflush(nullptr);
  const auto child = ::fork();
  if (child == 0) {
    for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE}) std::signal(signal, SIG_DFL);
    const auto read = read_damage_journal(options);
    const auto text = read ? *read == expected ? std::string{"u"} : "d" + *read
                           : "r" + std::string{name(read.error().code())} + ": " + read.error().message();
    [[maybe_unused]] const auto ignored = ::write(pipe_ends[1], text.data(), std::min<std::size_t>(text.size(), 4000));
    ::_exit(0);
  }
  ::close(pipe_ends[1]);
  outcome seen;
  std::array<char, 4096> part{};
  for (ssize_t size = 0; (size = ::read(pipe_ends[0], part.data(), part.size())) > 0;) {
    seen.text.append(part.data(), static_cast<std::size_t>(size));
  }
  ::close(pipe_ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status) || seen.text.empty()) {
    seen.text = "status " + std::to_string(status);
    return seen;
  }
  seen.what = seen.text[0] == 'u'   ? outcome::kind::unaffected
              : seen.text[0] == 'r' ? outcome::kind::refused
                                    : outcome::kind::differs;
  seen.text.erase(0, 1);
  return seen;
}

class damaged_storage {
 public:
  damaged_storage() {
    write_damage_journal(sound(), directory_.path() / "older");
    journal_ = read_file(sound() / "journal" / "data.mdb");
    older_ = read_file(directory_.path() / "older" / "journal" / "data.mdb");
  }

  [[nodiscard]] std::filesystem::path sound() const { return directory_.path() / "sound"; }
  [[nodiscard]] std::filesystem::path damaged() const { return directory_.path() / "damaged"; }
  [[nodiscard]] const std::string& journal() const { return journal_; }
  [[nodiscard]] const std::string& older() const { return older_; }

  void put(const std::string& bytes) const {
    std::filesystem::remove_all(damaged());
    std::filesystem::copy(sound(), damaged(), std::filesystem::copy_options::recursive);
    std::filesystem::remove(damaged() / "journal" / "lock.mdb");
    const auto file = damaged() / "journal" / "data.mdb";
    std::filesystem::remove(file);
    std::ofstream{file, std::ios::binary}.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

 private:
  temporary_directory directory_;
  std::string journal_;
  std::string older_;
};

}  // namespace

TEST_CASE("A damaged journal is refused with an error, or read as if it were not") {
  const damaged_storage storage;
  lmdb_options options{.path = storage.damaged(), .fold_events = 300, .check_pages = pages_looked_at()};
  storage.put(storage.journal());
  std::string expected;
  {
    auto sound = options;
    sound.path = storage.sound();
    expected = read_damage_journal(sound).value();
  }
  REQUIRE(read_in_child(options, expected).what == outcome::kind::unaffected);

  const auto rounds = setting("TYTO_DAMAGE_ROUNDS", 300);
  const auto first_seed = setting("TYTO_DAMAGE_SEED", 1);
  std::map<std::string, int> counts;
  for (auto seed = first_seed; seed < first_seed + rounds; ++seed) {
    std::mt19937_64 random{seed};
    auto bytes = storage.journal();
    const auto what = damage(bytes, storage.older(), random);
    storage.put(bytes);
    const auto seen = read_in_child(options, expected);
    INFO("seed " << seed << ": " << what << ": " << seen.text);
    CHECK(seen.what != outcome::kind::killed);
    CHECK(seen.what != outcome::kind::differs);
    const bool by_pages = seen.text.find(" pages of ") != std::string::npos;
    ++counts[seen.what == outcome::kind::unaffected ? "unaffected"
             : seen.what == outcome::kind::refused  ? by_pages ? "refused for its pages" : "refused for what they hold"
             : seen.what == outcome::kind::differs  ? "differs"
                                                    : "killed"];
  }
  for (const auto& [what, count] : counts) std::printf("%s: %d\n", what.c_str(), count);
  CHECK(counts["refused for its pages"] > 0);
}
