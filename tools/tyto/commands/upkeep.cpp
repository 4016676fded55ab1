// `tyto verify`, `backup`, `restore`, `compact`, and what becomes of streams.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "commands.hpp"
#include "opened.hpp"
#include "output.hpp"
#include "running.hpp"
#include "table.hpp"
#include "tyto/printable.hpp"

namespace tyto::tool {
namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

json described(const verified_file& file) {
  return {{"file", file.file.string()},
          {"pages", file.pages},
          {"free_pages", file.free_pages},
          {"lost_pages", file.lost_pages},
          {"has_sound_pages", file.has_sound_pages}};
}

error failure(const std::string& doing, const std::error_code& why) { return {errc::io, doing, why.message()}; }

result<bool> is_missing_or_empty(const fs::path& directory) {
  std::error_code failed;
  const bool is_there = fs::exists(directory, failed);
  if (!failed && !is_there) return true;
  const bool is_empty = !failed && fs::is_empty(directory, failed);
  if (failed) return failure(fmt::format("looking into '{}'", directory.string()), failed);
  return is_empty;
}

result<void> check_sound(const fs::path& directory) {
  auto verified = verify(directory);
  if (!verified) return std::move(verified).error();
  if (verified->is_sound()) return {};
  return error{
      errc::damaged, fmt::format("checking '{}'", directory.string()),
      verified->findings.front().message() + fmt::format("; `tyto -d '{}' verify` says all", directory.string())};
}

// The lock that a writer of `directory` has: of the operating system, so that it can be had where the files are
// damaged.
class directory_lock {
 public:
  static result<directory_lock> take(const fs::path& directory) {
    directory_lock lock;
    const auto doing = fmt::format("locking '{}'", directory.string());
    lock.number_ = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock.number_ < 0) return failure(doing, {errno, std::generic_category()});
    if (::flock(lock.number_, LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno != EWOULDBLOCK) return failure(doing, {errno, std::generic_category()});
    return error{errc::locked, doing, "a program writes there: stop it first; `tyto info` names it"};
  }
  directory_lock(directory_lock&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  ~directory_lock() {
    if (number_ >= 0) ::close(number_);
  }

 private:
  directory_lock() = default;
  int number_ = -1;
};

// Whether `inner` is `outer` or lies in it, whatever links lead there.
bool lies_in(const fs::path& inner, const fs::path& outer) {
  std::error_code ignored;
  const auto path = fs::weakly_canonical(inner, ignored);
  const auto within = fs::weakly_canonical(outer, ignored);
  return std::mismatch(within.begin(), within.end(), path.begin(), path.end()).first == within.end();
}

// What is there if a storage was once in `directory`, however damaged.
bool has_parts_of_storage(const fs::path& directory) {
  std::error_code ignored;
  return fs::exists(directory / "journal", ignored) || fs::exists(directory / "read_models", ignored) ||
         fs::exists(directory / "writer.lock", ignored);
}

// Copies the journal of `opened` to `to`, and leaves nothing there if that fails.
result<void> copy_to(const storage& opened, const fs::path& to) {
  std::error_code ignored;
  const bool was_there = fs::exists(to, ignored);
  auto copied = backup(opened, to);
  if (!copied && !was_there) fs::remove(to, ignored);
  return copied;
}

// A name beside `directory` that is not taken.
fs::path free_name(const fs::path& directory, std::string_view suffix) {
  for (int i = 1;; ++i) {
    auto name = directory;
    name += fmt::format(".{}{}", suffix, i == 1 ? std::string{} : fmt::format("-{}", i));
    std::error_code ignored;
    if (!fs::exists(fs::symlink_status(name, ignored))) return name;
  }
}

struct change_words {
  const char* name;
  const char* doing;
  const char* said;
  retention::action action;
};
change_words words_of(stream_change what) {
  switch (what) {
    case stream_change::close:
      return {"close", "closing", "is closed", retention::action::close};
    case stream_change::truncate:
      return {"truncate", "truncating", "is truncated", retention::action::truncate};
    case stream_change::remove:
      break;
  }
  return {"delete", "deleting", "is deleted", retention::action::remove};
}

// Without a runtime: as the store does it for one. Nobody else writes meanwhile.
result<void> change_at_rest(const setting& given, const std::string& stream, retention::action what) {
  auto opened = open_for_writing(given.directory);
  if (!opened) return std::move(opened).error();
  auto known = opened->journal->info(stream);
  if (!known) return std::move(known).error();
  auto write = std::make_shared<stream_write>();
  write->persistence_id = stream;
  write->expected = expected_version::exactly(known->version);
  write->retain = retention{.what = what, .first = 0, .base = {}};
  auto appended = append_and_wait(*opened->journal, {.writes = {write}, .checkpoints = {}});
  if (!appended) return std::move(appended).error();
  if (!appended->front()) return std::move(appended->front()).error();
  return what == retention::action::remove && opened->snapshots ? opened->snapshots->erase(stream) : result<void>{};
}

}  // namespace

outcome verify_storage(const setting& given) {
  auto verified = verify(given.directory);
  if (!verified) return std::move(verified).error();
  std::string text;
  if (given.how.json) {
    json object{{"sound", verified->is_sound()},
                {"journal", described(verified->journal)},
                {"read_models", described(verified->read_models)},
                {"events", verified->events},
                {"index_entries", verified->index_entries},
                {"retained_streams", verified->retained_streams},
                {"checkpoints", verified->checkpoints},
                {"snapshots", verified->snapshots}};
    auto& findings = object["findings"] = json::array();
    for (const auto& each : verified->findings) {
      findings.push_back(
          {{"file", each.file.string()}, {"where", each.where}, {"what", each.what}, {"advice", each.advice}});
    }
    object["findings_left_out"] = verified->findings_left_out;
    text = to_text(object) + "\n";
  } else {
    for (const auto& each : verified->findings) {
      text += shaded("damaged", shade::bad, given.how) + "  " + printable(each.message()) + "\n";
    }
    if (verified->findings_left_out > 0) text += fmt::format("and {} more\n", grouped(verified->findings_left_out));
    text += fmt::format(
        "{} events, {} checkpoints, {} snapshots, {} pages of the journal, {} of the read models: {}\n",
        grouped(verified->events), grouped(verified->checkpoints), grouped(verified->snapshots),
        grouped(verified->journal.pages), grouped(verified->read_models.pages),
        verified->is_sound() ? shaded("sound", shade::good, given.how) : shaded("damaged", shade::bad, given.how));
  }
  if (auto printed = print(text); !printed) return std::move(printed).error();
  return verified->is_sound() ? done : answer_is_no;
}

outcome back_up(const setting& given, const fs::path& to) {
  const auto doing = fmt::format("backing up to '{}'", to.string());
  std::error_code ignored;
  if (fs::exists(to / "journal" / "data.mdb.unfinished", ignored)) {
    return error{errc::invalid_argument, doing, "a backup was interrupted there: delete the directory, and try again"};
  }
  auto opened = open_for_reading(given.directory);
  if (!opened) return std::move(opened).error();
  if (lies_in(to, given.directory)) {
    return error{errc::invalid_argument, doing, "it lies in the storage's own directory: choose another place"};
  }
  if (auto copied = copy_to(*opened, to); !copied) return std::move(copied).error();
  note(fmt::format("the journal is in '{}', a storage of its own; `tyto -d '{}' verify` reads all of it", to.string(),
                   to.string()));
  return done;
}

// The copy is made beside the directory, looked at, and takes its place last: what was there stays under another name.
outcome restore(const setting& given, const restore_request& request) {
  const auto doing = fmt::format("restoring '{}' from '{}'", given.directory.string(), request.backup.string());
  if (lies_in(request.backup, given.directory) || lies_in(given.directory, request.backup)) {
    return error{errc::invalid_argument, doing, "one of the two directories lies in the other: choose another place"};
  }
  if (auto sound = check_sound(request.backup); !sound) return std::move(sound).error();
  auto source = open_for_reading(request.backup);
  if (!source) return std::move(source).error();
  std::error_code failed;
  // Where a link leads: the directory itself is replaced, not the link to it.
  const auto place = fs::weakly_canonical(given.directory, failed);
  if (failed) return failure(doing, failed);
  auto is_free = is_missing_or_empty(place);
  if (!is_free) return std::move(is_free).error();
  if (!*is_free && !request.replace) {
    return error{errc::invalid_argument, doing,
                 "there is something in the directory; with --replace it is moved aside, to a directory beside it"};
  }
  if (!*is_free && !has_parts_of_storage(place)) {
    return error{errc::invalid_argument, doing, "what is in the directory is no storage: nothing of it is touched"};
  }
  std::optional<directory_lock> locked;  // until the directory has moved
  if (!*is_free) {
    auto lock = directory_lock::take(place);
    if (!lock) return std::move(lock).error();
    locked.emplace(*std::move(lock));
  }
  const auto made = free_name(place, "restoring");
  if (auto copied = copy_to(*source, made); !copied) return std::move(copied).error();
  auto kept = fs::path{};
  if (!*is_free) {
    kept = free_name(place, "before-restore");
    fs::rename(place, kept, failed);
    if (failed) return failure(doing, failed);
  }
  fs::rename(made, place, failed);
  if (failed) {
    std::error_code ignored;
    if (!kept.empty()) fs::rename(kept, place, ignored);
    return failure(doing, failed);
  }
  note(fmt::format("'{}' is as the backup was; read models are built anew when the program starts", place.string()));
  if (!kept.empty()) note(fmt::format("what was there is in '{}'", kept.string()));
  return done;
}

outcome compact_journal(const setting& given) {
  auto opened = open_for_writing(given.directory);
  if (!opened) return std::move(opened).error();
  auto compacted = compact(*opened);
  if (!compacted) return std::move(compacted).error();
  if (given.how.json) {
    const json object{{"bytes_before", compacted->bytes_before}, {"bytes_after", compacted->bytes_after}};
    if (auto printed = print(to_text(object) + "\n"); !printed) return std::move(printed).error();
  } else {
    note(fmt::format("the journal took {}, and takes {}", show_bytes(compacted->bytes_before),
                     show_bytes(compacted->bytes_after)));
  }
  return done;
}

outcome change_stream(const setting& given, stream_change what, const change_request& request) {
  const auto change = words_of(what);
  const auto doing = fmt::format("{} '{}'", change.doing, printable(request.stream));
  if (!check_persistence_id(request.stream)) {
    return error{errc::invalid_argument, doing,
                 "a stream is named category|entity, for example 'account|alice'; `tyto streams` lists them"};
  }
  if (category_of(request.stream).starts_with("tyto.")) {
    return error{errc::invalid_argument, doing, "it is a stream of the runtime's own, which needs it"};
  }
  auto opened = open_for_reading(given.directory);
  if (!opened) return std::move(opened).error();
  auto known = opened->journal->info(request.stream);
  if (!known) return std::move(known).error();
  if (known->version == 0) {
    note("there is no stream '" + request.stream + "'; `tyto streams` lists those that there are");
    return answer_is_no;
  }
  if (!request.is_confirmed) {
    return error{errc::invalid_argument, doing, "this cannot be undone: say --yes if it is meant"};
  }
  json asked{{"do", change.name}, {"stream", request.stream}};
  if (what == stream_change::truncate) asked["before"] = request.before;
  auto answer = ask_runtime(given, asked);
  if (!answer) return std::move(answer).error();
  if (!*answer) {
    if (what == stream_change::truncate) {
      return error{errc::stopped, doing,
                   "what stands for the removed events is made by the program: start it with a control socket "
                   "(runtime_options::control_socket), and try again"};
    }
    *opened = {};
    if (auto changed = change_at_rest(given, request.stream, change.action); !changed)
      return std::move(changed).error();
  }
  note("'" + request.stream + "' " + change.said);
  return done;
}

}  // namespace tyto::tool
