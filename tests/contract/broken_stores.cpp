#include "contract/broken_stores.hpp"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <thread>
#include <utility>

#include "testing/journal_content.hpp"

namespace tyto::test {
namespace {

using append_done = event_store::append_done;
using testing::collect;
using testing::seen_event;

// Appends each write for itself, unless `instead` has an outcome for it, and then the checkpoints.
void append_each(event_store& behind, const append_batch& batch, const append_done& done,
                 const std::function<std::optional<result<void>>(stream_write&)>& instead) {
  append_outcomes outcomes;
  for (const auto& write : batch.writes) {
    auto outcome = instead(*write);
    outcomes.push_back(outcome ? *outcome : append_and_wait(behind, {{write}, {}}).value().at(0));
  }
  auto stored = append_and_wait(behind, {{}, batch.checkpoints});
  done(stored ? result<append_outcomes>{outcomes} : result<append_outcomes>{stored.error()});
}

// Appends the batch, and changes the outcomes.
void append_and_change(event_store& behind, append_batch batch, const append_done& done,
                       const std::function<void(append_outcomes&, const append_batch&)>& change) {
  const auto copy = batch;
  behind.append(std::move(batch), [&](result<append_outcomes> outcomes) {
    if (outcomes) change(*outcomes, copy);
    done(std::move(outcomes));
  });
}

// Changes the batch before it is appended.
port_faults with_changed_batch(std::function<void(append_batch&)> change) {
  return {.append = [change = std::move(change)](event_store& behind, append_batch batch, append_done done) {
    change(batch);
    behind.append(std::move(batch), std::move(done));
  }};
}

// Changes the actual version that a conflict names.
port_faults with_changed_conflicts(
    std::function<std::uint64_t(event_store&, const stream_write&, std::uint64_t)> change) {
  return {.append = [change = std::move(change)](event_store& behind, append_batch batch, const append_done& done) {
    append_and_change(behind, std::move(batch), done, [&](append_outcomes& outcomes, const append_batch& writes) {
      for (std::size_t i = 0; i < outcomes.size(); ++i) {
        if (outcomes[i] || !outcomes[i].error().conflict()) continue;
        const auto actual = change(behind, *writes.writes[i], outcomes[i].error().conflict()->actual);
        outcomes[i] = error{errc::conflict, outcomes[i].error().doing()}.with(version_conflict{actual});
      }
    });
  }};
}

// Changes what the journal says of a stream.
port_faults with_changed_info(std::function<void(stream_info&)> change) {
  return {
      .read_stream =
          [change](const event_store& behind, std::string_view id, std::uint64_t from, const event_visitor& visitor) {
            auto info = behind.read_stream(id, from, visitor);
            if (info) change(*info);
            return info;
          },
      .info =
          [change](const event_store& behind, std::string_view id) {
            auto info = behind.info(id);
            if (info) change(*info);
            return info;
          }};
}

port_faults with_shown(std::function<void(metadata&, std::string&)> change) { return {.show = std::move(change)}; }

// Commits other changes, or another checkpoint.
port_faults with_changed_commits(std::function<void(row_changes&, row_checkpoint&)> change) {
  return {.commit = [change = std::move(change)](read_model_store& behind, std::string_view name, row_changes changes,
                                                 row_checkpoint checkpoint) {
    change(changes, checkpoint);
    return behind.commit(name, changes, checkpoint);
  }};
}

error failure(errc code = errc::io) { return {code, "doing what a broken store does"}; }

std::string lower(std::string_view text) {
  std::string small{text};
  for (auto& letter : small) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return small;
}

// A snapshot that sees what is committed after it was taken.
class live_rows final : public row_snapshot {
 public:
  live_rows(const read_model_store& store, std::string name, row_checkpoint checkpoint)
      : store_(store), name_(std::move(name)), checkpoint_(std::move(checkpoint)) {}
  [[nodiscard]] result<std::optional<std::string>> get(std::string_view key) const override { return now()->get(key); }
  result<void> scan(std::string_view from, const row_visitor& visitor) const override {
    return now()->scan(from, visitor);
  }
  result<void> scan_back(std::string_view before, const row_visitor& visitor) const override {
    return now()->scan_back(before, visitor);
  }
  [[nodiscard]] result<std::uint64_t> count() const override { return now()->count(); }
  [[nodiscard]] const row_checkpoint& checkpoint() const override { return checkpoint_; }

 private:
  [[nodiscard]] std::unique_ptr<row_snapshot> now() const { return store_.snapshot(name_).value(); }

  const read_model_store& store_;
  std::string name_;
  row_checkpoint checkpoint_;
};

port_faults live_snapshots() {
  return {.snapshot = [](read_model_store& behind, std::string_view name) -> result<std::unique_ptr<row_snapshot>> {
    auto found = behind.snapshot(name);
    if (!found) return found;
    return std::unique_ptr<row_snapshot>{
        std::make_unique<live_rows>(behind, std::string{name}, (*found)->checkpoint())};
  }};
}

// Shows rows with the checkpoint of the snapshot before.
port_faults late_checkpoints() {
  struct shown {
    std::mutex mutex;
    row_checkpoint checkpoint;
  };
  return {.snapshot = [last = std::make_shared<shown>()](
                          read_model_store& behind, std::string_view name) -> result<std::unique_ptr<row_snapshot>> {
    auto found = behind.snapshot(name);
    if (!found) return found;
    const std::lock_guard lock{last->mutex};
    return std::unique_ptr<row_snapshot>{std::make_unique<live_rows>(
        behind, std::string{name}, std::exchange(last->checkpoint, (*found)->checkpoint()))};
  }};
}

// Appends the writes of a batch one by one, and lets readers in between them.
port_faults half_batches() {
  const auto reads = std::make_shared<std::atomic<int>>(0);
  return {.append =
              [reads](event_store& behind, const append_batch& batch, const append_done& done) {
                append_each(behind, batch, done, [&](stream_write&) {
                  // Some reading goes on as long as appends do; the rounds bound it where the check has ended already.
                  const int before = *reads;
                  for (int round = 0; *reads < before + 2 && round < 100'000; ++round) std::this_thread::yield();
                  return std::optional<result<void>>{};
                });
              },
          .read_all =
              [reads](const event_store& behind, const journal_range& range, const event_visitor& visitor) {
                auto end = behind.read_all(range, visitor);
                ++*reads;
                return end;
              }};
}

// Fails after so many calls, as if each took something that does not come back.
bool is_exhausted(const std::shared_ptr<std::atomic<int>>& calls) { return ++*calls > 150; }

std::vector<broken_store> broken_journals() {
  return {
      {"counts its head from 1", "A new journal is empty",
       [](int) {
         return port_faults{
             .head = [](const event_store& behind) -> result<std::uint64_t> { return behind.head().value() + 1; }};
       }},
      {"leaves a gap in the positions",
       "Positions count all events from 1 without gaps, sequence numbers those of a stream",
       [](int) {
         return with_shown([](metadata& meta, std::string&) {
           if (meta.position > 3) ++meta.position;
         });
       }},
      {"drops the last write of a batch",
       "Positions count all events from 1 without gaps, sequence numbers those of a stream",
       [](int) {
         return port_faults{.append = [](event_store& behind, append_batch batch, const append_done& done) {
           const bool drops = batch.writes.size() > 1;
           if (drops) batch.writes.pop_back();
           append_and_change(behind, std::move(batch), done, [drops](append_outcomes& outcomes, const append_batch&) {
             if (drops) outcomes.emplace_back();
           });
         }};
       }},
      {"numbers copies of the events", "An append fills in the numbers of its events",
       [](int) {
         return with_changed_batch([](append_batch& batch) {
           for (auto& write : batch.writes) write = std::make_shared<stream_write>(*write);
         });
       }},
      {"keeps milliseconds", "All metadata and the payload come back as they were written",
       [](int) {
         return with_shown([](metadata& meta, std::string&) {
           meta.time = std::chrono::floor<std::chrono::milliseconds>(meta.time);
         });
       }},
      {"shows an event without tags with those of the one before",
       "A visit's metadata is that of its own event, whatever came before it",
       [](int) {
         return with_shown([before = std::make_shared<std::vector<std::string>>()](metadata& meta, std::string&) {
           if (meta.tags.empty()) meta.tags = *before;
           *before = meta.tags;
         });
       }},
      {"forgets which events belong together", "The events of one write carry their place in it",
       [](int) {
         return with_shown([](metadata& meta, std::string&) {
           meta.decision_index = 0;
           meta.decision_count = 1;
         });
       }},
      {"cuts command ids at a NUL byte", "All metadata and the payload come back as they were written",
       [](int) { return with_shown([](metadata& meta, std::string&) { meta.command_id = meta.command_id.c_str(); }); }},
      {"keeps a tag once", "All metadata and the payload come back as they were written",
       [](int) {
         return with_shown([](metadata& meta, std::string&) {
           std::set<std::string> seen;
           std::erase_if(meta.tags, [&seen](const std::string& tag) { return !seen.insert(tag).second; });
         });
       }},
      {"keeps 16 bits of a schema version", "All metadata and the payload come back as they were written",
       [](int) { return with_shown([](metadata& meta, std::string&) { meta.schema_version &= 0xffffU; }); }},
      {"keeps 16 bits of an event's place in its decision",
       "A write and a stream may have more events than 16 bits count",
       [](int) { return with_shown([](metadata& meta, std::string&) { meta.decision_index &= 0xffffU; }); }},
      {"keeps 16 bits of a decision's size", "A write and a stream may have more events than 16 bits count",
       [](int) { return with_shown([](metadata& meta, std::string&) { meta.decision_count &= 0xffffU; }); }},
      {"keeps 16 bits of sequence numbers", "A write and a stream may have more events than 16 bits count",
       [](int) { return with_shown([](metadata& meta, std::string&) { meta.sequence_number &= 0xffffU; }); }},
      {"keeps 16 bits of a stream's version", "A write and a stream may have more events than 16 bits count",
       [](int) { return with_changed_info([](stream_info& info) { info.version &= 0xffffU; }); }},
      {"begins streams of which it knows nothing with 0", "Reading a stream returns what is known of it",
       [](int) {
         return with_changed_info([](stream_info& info) {
           if (info.version == 0) info.first = 0;
         });
       }},
      {"leaves out the last of the types that are wanted",
       "A range by type and category visits those events alone, and says how far it has come",
       [](int) {
         return port_faults{
             .read_all = [](const event_store& behind, journal_range range, const event_visitor& visitor) {
               if (range.only.types.size() > 1) range.only.types.pop_back();
               return behind.read_all(range, visitor);
             }};
       }},
      {"looks at the first of the categories that are wanted",
       "A range by type and category visits those events alone, and says how far it has come",
       [](int) {
         return port_faults{
             .read_all = [](const event_store& behind, journal_range range, const event_visitor& visitor) {
               if (range.only.categories.size() > 1) range.only.categories.resize(1);
               return behind.read_all(range, visitor);
             }};
       }},
      {"says of a range beyond the end that it has come there",
       "A range ends when it has passed as many events as it may, wanted or not",
       [](int) {
         return port_faults{
             .read_all = [](const event_store& behind, const journal_range& range, const event_visitor& visitor) {
               auto end = behind.read_all(range, visitor);
               return end && range.from > *end + 1 ? result<std::uint64_t>{range.from - 1} : end;
             }};
       }},
      {"takes no room", "The size grows with what is stored",
       [](int) { return port_faults{.size_bytes = [](const event_store&) { return result<std::uint64_t>{0U}; }}; }},
      {"names the version after the actual one",
       "A write whose expected version does not hold is a conflict that names the actual version",
       [](int) {
         return with_changed_conflicts(
             [](event_store&, const stream_write&, std::uint64_t actual) { return actual + 1; });
       }},
      {"takes any stream where it must exist",
       "Each kind of expectation holds or not, of streams that exist and of those that do not",
       [](int) {
         return with_changed_batch([](append_batch& batch) {
           for (auto& write : batch.writes) {
             if (!write->expected.allows(0) && write->expected.allows(1'000)) write->expected = expected_version::any();
           }
         });
       }},
      {"stores nothing of a batch in which one write conflicts",
       "A write sees the earlier writes of its batch, and a conflict leaves only itself out",
       [](int) {
         return port_faults{.append = [](event_store& behind, append_batch batch, append_done done) {
           for (const auto& write : batch.writes) {
             if (!write->expected.allows(behind.info(write->persistence_id).value().version)) {
               return done(failure(errc::conflict));
             }
           }
           behind.append(std::move(batch), std::move(done));
         }};
       }},
      {"stores the first event of a write that conflicts",
       "A refused write leaves nothing of its events, wherever it stands in a batch",
       [](int) {
         return port_faults{.append = [](event_store& behind, const append_batch& batch, const append_done& done) {
           append_each(behind, batch, done, [&](stream_write& write) -> std::optional<result<void>> {
             if (write.expected.allows(behind.info(write.persistence_id).value().version)) return std::nullopt;
             write.expected = expected_version::any();
             write.events.resize(1);
             return std::nullopt;
           });
         }};
       }},
      {"calls back twice", "An append calls back once, whatever comes of it",
       [](int) {
         return port_faults{.append = [](event_store& behind, append_batch batch, append_done done) {
           behind.append(std::move(batch), [done](const result<append_outcomes>& outcomes) {
             done(outcomes);
             if (!outcomes) done(outcomes);
           });
         }};
       }},
      {"never calls back when a batch fails", "An append calls back once, whatever comes of it",
       [](int) {
         return port_faults{.append = [](event_store& behind, append_batch batch, append_done done) {
           behind.append(std::move(batch), [done](const result<append_outcomes>& outcomes) {
             if (outcomes) done(outcomes);
           });
         }};
       }},
      {"takes the second append before the first", "Appends that do not wait for each other are stored in their order",
       [](int) {
         using held_append = std::pair<append_batch, append_done>;
         const auto held = std::make_shared<std::optional<held_append>>();
         return port_faults{.append = [held](event_store& behind, append_batch batch, append_done done) {
           if (!*held) return held->emplace(std::move(batch), std::move(done)), void();
           behind.append(std::move(batch), std::move(done));
           behind.append((*held)->first, (*held)->second);
           held->reset();
         }};
       }},
      {"begins a stream after the number that was asked for",
       "Reading begins where it is told to and ends with the last event",
       [](int) {
         return port_faults{.read_stream = [](const event_store& behind, std::string_view id, std::uint64_t from,
                                              const event_visitor& visitor) {
           return behind.read_stream(id, from > 1 ? from + 1 : from, visitor);
         }};
       }},
      {"visits on when it is told to stop", "Reading ends when the visitor stops, and the journal says where",
       [](int) {
         return port_faults{
             .read_all = [](const event_store& behind, const journal_range& range, const event_visitor& visitor) {
               return behind.read_all(range, [&](const event_view& event) {
                 (void)visitor(event);
                 return visit::next;
               });
             }};
       }},
      {"visits a stream backwards", "A visitor makes a window of a stream, from a number to another",
       [](int) {
         return port_faults{.read_stream = [](const event_store& behind, std::string_view id, std::uint64_t from,
                                              const event_visitor& visitor) {
           std::vector<seen_event> events;
           auto info = behind.read_stream(id, from, collect(events));
           for (auto event = events.rbegin(); event != events.rend(); ++event) {
             if (visitor({event->meta, event->payload}) == visit::stop) break;
           }
           return info;
         }};
       }},
      {"returns nothing of a stream that it has read", "Reading a stream returns what is known of it",
       [](int) {
         return port_faults{.read_stream = [](const event_store& behind, std::string_view id, std::uint64_t from,
                                              const event_visitor& visitor) -> result<stream_info> {
           behind.read_stream(id, from, visitor).value();
           return stream_info{};
         }};
       }},
      {"takes categories that begin alike",
       "A range by type and category visits those events alone, and says how far it has come",
       [](int) {
         return port_faults{
             .read_all = [](const event_store& behind, journal_range range, const event_visitor& visitor) {
               const auto categories = std::exchange(range.only.categories, {});
               return behind.read_all(range, [&](const event_view& event) {
                 const bool is_wanted = std::any_of(categories.begin(), categories.end(), [&](const std::string& each) {
                   return event.meta.persistence_id.compare(0, each.size(), each) == 0;
                 });
                 return categories.empty() || is_wanted ? visitor(event) : visit::next;
               });
             }};
       }},
      {"counts the events that are wanted, not those that it passes",
       "A range ends when it has passed as many events as it may, wanted or not",
       [](int) {
         return port_faults{
             .read_all = [](const event_store& behind, journal_range range, const event_visitor& visitor) {
               auto left = std::exchange(range.max_events, journal_range{}.max_events);
               return behind.read_all(range, [&](const event_view& event) {
                 const auto after = visitor(event);
                 return --left == 0 ? visit::stop : after;
               });
             }};
       }},
      {"has nothing as it is stored", "Without upcasters events as stored are the events",
       [](int) {
         return port_faults{
             .read_all = [](const event_store& behind, const journal_range& range, const event_visitor& visitor) {
               return range.as_stored ? behind.head() : behind.read_all(range, visitor);
             }};
       }},
      {"does not tell capital letters from small ones",
       "Streams whose names begin alike, or hold odd characters, are kept apart",
       [](int) {
         auto faults = with_changed_batch([](append_batch& batch) {
           for (auto& write : batch.writes) write->persistence_id = lower(write->persistence_id);
         });
         faults.read_stream = [](const event_store& behind, std::string_view id, std::uint64_t from,
                                 const event_visitor& visitor) { return behind.read_stream(lower(id), from, visitor); };
         return faults;
       }},
      {"refuses a batch for one write that cannot be stored",
       "A write that can never be stored is refused and the others of its batch are stored",
       [](int) {
         return port_faults{.append = [](event_store& behind, append_batch batch, append_done done) {
           for (const auto& write : batch.writes) {
             if (!check_persistence_id(write->persistence_id)) return done(failure(errc::invalid_argument));
           }
           behind.append(std::move(batch), std::move(done));
         }};
       }},
      {"cuts long types", "What is as long as the store's limits is stored, and what is longer is refused",
       [](int) {
         return with_changed_batch([](append_batch& batch) {
           for (auto& write : batch.writes) {
             for (auto& event : write->events) event.meta.type = event.meta.type.substr(0, 0xffff);
           }
         });
       }},
      {"cuts payloads at 64 KiB", "Payloads of every size come back whole",
       [](int) { return with_shown([](metadata&, std::string& payload) { payload = payload.substr(0, 1 << 16); }); }},
      {"keeps the largest checkpoint instead of the last",
       "Checkpoints are stored with a batch or alone, and the last one counts",
       [](int) {
         return port_faults{.append = [](event_store& behind, append_batch batch, append_done done) {
           for (auto& each : batch.checkpoints) {
             const auto before = behind.load_checkpoint(each.name);
             if (before) each.position = std::max(each.position, *before);
           }
           behind.append(std::move(batch), std::move(done));
         }};
       }},
      {"forgets the checkpoints that come with events",
       "Checkpoints are stored with a batch or alone, and the last one counts",
       [](int) {
         return with_changed_batch([](append_batch& batch) {
           if (!batch.writes.empty()) batch.checkpoints.clear();
         });
       }},
      {"lists checkpoints in some other order", "All checkpoints are listed by name",
       [](int) {
         return port_faults{.checkpoints = [](const event_store& behind) {
           auto all = behind.checkpoints();
           if (all) std::reverse(all->begin(), all->end());
           return all;
         }};
       }},
      {"leaves out a checkpoint that cannot be named",
       "A batch with a checkpoint that cannot be named is refused as a whole",
       [](int) {
         return with_changed_batch([](append_batch& batch) {
           std::erase_if(batch.checkpoints, [](const checkpoint& each) { return each.name.empty(); });
         });
       }},
      {"takes no append while it is read", "A visitor of events may call the store",
       [](int) {
         const auto readers = std::make_shared<int>(0);
         return port_faults{
             .append =
                 [readers](event_store& behind, append_batch batch, append_done done) {
                   if (*readers > 0) return done(failure(errc::locked));
                   behind.append(std::move(batch), std::move(done));
                 },
             .read_all =
                 [readers](const event_store& behind, const journal_range& range, const event_visitor& visitor) {
                   ++*readers;
                   auto end = behind.read_all(range, visitor);
                   --*readers;
                   return end;
                 }};
       }},
      {"has no room for readers when many have thrown",
       "What a visitor of events throws reaches the caller, and the store goes on",
       [](int) {
         const auto lost = std::make_shared<int>(0);
         return port_faults{.read_stream = [lost](const event_store& behind, std::string_view id, std::uint64_t from,
                                                  const event_visitor& visitor) -> result<stream_info> {
           if (*lost == 126) return failure(errc::full);
           ++*lost;
           auto info = behind.read_stream(id, from, visitor);
           --*lost;
           return info;
         }};
       }},
      {"lets readers see half a batch", "Readers beside an appending thread see whole batches in order",
       [](int) { return half_batches(); }},
      {"takes no space", "The size grows with what is stored",
       [](int) {
         return port_faults{
             .size_bytes = [](const event_store&) -> result<std::uint64_t> { return std::uint64_t{4096}; }};
       }},
      {"misses its files", "A journal in use finds its files in place",
       [](int) { return port_faults{.condition = [] { return storage_condition{.files = failure()}; }}; }},
      {"forgets checkpoints when it is opened again",
       "A journal that is opened again holds what was acknowledged, and goes on",
       [](int opening) {
         return opening == 1 ? port_faults{} : port_faults{.checkpoints = [](const event_store&) {
           return result<std::vector<checkpoint>>{std::vector<checkpoint>{}};
         }};
       }},
      {"shows an event that it has lost with the power as an empty one",
       "A journal that lost power holds what was acknowledged, and goes on",
       [](int opening) {
         return opening == 1 ? port_faults{} : with_shown([](metadata&, std::string& payload) { payload.clear(); });
       }},
  };
}

std::vector<broken_store> broken_retention() {
  using action = retention::action;
  return {
      {"begins unknown streams with 0", "A stream of which nothing is known is open, and begins with number 1",
       [](int) {
         return with_changed_info([](stream_info& info) {
           if (info.version == 0) info.first = 0;
         });
       }},
      {"opens a closed stream for new events", "A closed stream takes no more events, and keeps those that it has",
       [](int) {
         return port_faults{.append = [](event_store& behind, const append_batch& batch, const append_done& done) {
           append_each(behind, batch, done, [](stream_write& write) -> std::optional<result<void>> {
             const bool closes = write.retain && write.retain->what == action::close;
             return closes ? std::optional{result<void>{}} : std::nullopt;
           });
         }};
       }},
      {"forgets what stands for the removed events",
       "A truncated stream begins with the number that it was given, and keeps numbers and positions",
       [](int) { return with_changed_info([](stream_info& info) { info.base.clear(); }); }},
      {"finds nothing from a removed number on", "Windows over a truncated stream leave out what is gone",
       [](int) {
         return port_faults{.read_stream = [](const event_store& behind, std::string_view id, std::uint64_t from,
                                              const event_visitor& visitor) {
           auto info = behind.info(id);
           return info && from < info->first ? info : behind.read_stream(id, from, visitor);
         }};
       }},
      {"takes a truncation beyond the end for one to the end",
       "A truncation never goes back and never goes beyond the end",
       [](int) {
         return port_faults{.append = [](event_store& behind, append_batch batch, append_done done) {
           for (auto& write : batch.writes) {
             if (!write->retain || !write->events.empty()) continue;
             const auto end = behind.info(write->persistence_id).value().version + 1;
             write->retain->first = std::min(write->retain->first, end);
           }
           behind.append(std::move(batch), std::move(done));
         }};
       }},
      {"calls deleted streams closed", "A deleted stream has no events, keeps its version, and takes nothing more",
       [](int) {
         return with_changed_info([](stream_info& info) {
           if (info.state == stream_state::deleted) info.state = stream_state::closed;
         });
       }},
      {"ends a range with the last event that it has visited",
       "Reading everything passes removed events, also where they are the last",
       [](int) {
         return port_faults{.read_all = [](const event_store& behind, const journal_range& range,
                                           const event_visitor& visitor) -> result<std::uint64_t> {
           auto last = range.from - 1;
           auto end = behind.read_all(range, [&](const event_view& event) {
             last = event.meta.position;
             return visitor(event);
           });
           return end ? result<std::uint64_t>{last} : end;
         }};
       }},
      {"counts the events that are left", "Expected versions count removed events",
       [](int) {
         return with_changed_conflicts([](event_store& behind, const stream_write& write, std::uint64_t actual) {
           return actual - (behind.info(write.persistence_id).value().first - 1);
         });
       }},
      {"closes a stream before its last events are in",
       "A stream may get its last events and its end in one write, and later writes of the batch see it",
       [](int) {
         return port_faults{.append = [](event_store& behind, const append_batch& batch, const append_done& done) {
           append_each(behind, batch, done, [&](stream_write& write) -> std::optional<result<void>> {
             if (!write.retain || write.events.empty()) return std::nullopt;
             auto end = std::make_shared<stream_write>(
                 stream_write{write.persistence_id, expected_version::any(), {}, std::exchange(write.retain, {})});
             return append_and_wait(behind, {{end, std::make_shared<stream_write>(write)}, {}}).value().at(1);
           });
         }};
       }},
      {"cannot delete what it does not know", "A name may be closed or deleted before it was ever used",
       [](int) {
         return port_faults{.append = [](event_store& behind, const append_batch& batch, const append_done& done) {
           append_each(behind, batch, done, [&](stream_write& write) -> std::optional<result<void>> {
             const bool is_known = behind.info(write.persistence_id).value().version > 0;
             if (!write.retain || is_known) return std::nullopt;
             return result<void>{failure(errc::invalid_argument)};
           });
         }};
       }},
      {"forgets that streams are closed when it is opened again", "What is kept of streams survives opening again",
       [](int opening) {
         return opening == 1 ? port_faults{}
                             : with_changed_info([](stream_info& info) { info.state = stream_state::open; });
       }},
  };
}

std::vector<broken_store> broken_read_models() {
  return {
      {"makes a read model by looking at it", "A read model that was never committed is empty at position 0",
       [](int) {
         return port_faults{.snapshot = [](read_model_store& behind, std::string_view name) {
           auto found = behind.snapshot(name);
           if (found && (*found)->checkpoint() == row_checkpoint{}) behind.commit(name, {}, {}).value();
           return found;
         }};
       }},
      {"erases no rows", "Rows and position are committed together and read back",
       [](int) {
         return with_changed_commits([](row_changes& changes, row_checkpoint&) {
           std::erase_if(changes, [](const auto& each) { return !each.second; });
         });
       }},
      {"lends an empty value where there is no row", "A row is lent as it would be copied",
       [](int) {
         return port_faults{.look_up = [](const row_reader& rows, std::string_view key, const value_visitor& see) {
           auto found = rows.look_up(key, see);
           if (found && !*found) see({});
           return found;
         }};
       }},
      {"forgets released letters",
       "Released letters and the rows' shape are committed with the rows, and each commit says them anew",
       [](int) {
         return with_changed_commits([](row_changes&, row_checkpoint& checkpoint) { checkpoint.released.clear(); });
       }},
      {"keeps the shape of an earlier commit",
       "Released letters and the rows' shape are committed with the rows, and each commit says them anew",
       [](int) {
         return port_faults{.commit = [](read_model_store& behind, std::string_view name, const row_changes& changes,
                                         row_checkpoint checkpoint) {
           if (checkpoint.shape.empty()) checkpoint.shape = behind.snapshot(name).value()->shape();
           return behind.commit(name, changes, checkpoint);
         }};
       }},
      {"shows a snapshot what is committed after it", "A snapshot of rows keeps what it saw while others commit",
       [](int) { return live_snapshots(); }},
      {"looks at the first letter of a name", "Read models do not see each other's rows",
       [](int) {
         return port_faults{
             .snapshot = [](read_model_store& behind,
                            std::string_view name) { return behind.snapshot(name.substr(0, 1)); },
             .commit = [](read_model_store& behind, std::string_view name, const row_changes& changes,
                          const row_checkpoint& at) { return behind.commit(name.substr(0, 1), changes, at); }};
       }},
      {"begins a scan after the key that it was given",
       "A scan goes by the keys' bytes, from a key on, until it is stopped",
       [](int) {
         return port_faults{.scan = [](const row_reader& rows, std::string_view from, const row_visitor& visitor) {
           return rows.scan(from, [&](std::string_view key, std::string_view value) {
             return key == from ? visit::next : visitor(key, value);
           });
         }};
       }},
      {"scans back in the order of the keys",
       "A scan back goes against the order of the keys' bytes, from before a key, until it is stopped",
       [](int) {
         return port_faults{
             .scan_back = [](const row_reader& rows, std::string_view before, const row_visitor& visitor) {
               return rows.scan({}, [&](std::string_view key, std::string_view value) {
                 return !before.empty() && key >= before ? visit::stop : visitor(key, value);
               });
             }};
       }},
      {"scans back with the key before which it must begin",
       "A range of rows goes from its first to the one before its end, or back, up to its limit",
       [](int) {
         return port_faults{.scan_back = [](const row_reader& rows, std::string_view before,
                                            const row_visitor& visitor) -> result<void> {
           const auto own = rows.get(before).value();
           if (own && visitor(before, *own) == visit::stop) return {};
           return rows.scan_back(before, visitor);
         }};
       }},
      {"counts what was committed later", "A count is that of the snapshot's rows",
       [](int) { return live_snapshots(); }},
      {"commits the usable rows of a commit that it refuses",
       "Keys up to the limit are stored, others and unusable names are refused, and nothing is committed",
       [](int) {
         return port_faults{.commit = [](read_model_store& behind, std::string_view name, row_changes changes,
                                         const row_checkpoint& checkpoint) -> result<void> {
           const auto unusable = std::erase_if(
               changes, [](const auto& each) { return each.first.empty() || each.first.size() > max_row_key_bytes; });
           auto committed = behind.commit(name, changes, checkpoint);
           return committed && unusable > 0 ? result<void>{failure(errc::invalid_argument)} : committed;
         }};
       }},
      {"cuts values at 64 KiB", "Row values of every size come back whole",
       [](int) {
         return with_changed_commits([](row_changes& changes, row_checkpoint&) {
           for (auto& [key, value] : changes) {
             if (value) value = value->substr(0, 1 << 16);
           }
         });
       }},
      {"clears the rows and keeps the checkpoint",
       "A read model that is cleared has no rows and no checkpoint, and can be committed again",
       [](int) {
         return port_faults{.clear = [](read_model_store& behind, std::string_view name) {
           const auto rows = behind.snapshot(name).value();
           row_changes erased;
           rows->scan("",
                      [&](std::string_view key, std::string_view) {
                        erased[std::string{key}] = std::nullopt;
                        return visit::next;
                      })
               .value();
           return behind.commit(name, erased, rows->checkpoint());
         }};
       }},
      {"does not list read models at position 0", "Read models are listed by name, with how far each is",
       [](int) {
         return port_faults{.models = [](const read_model_store& behind) {
           auto all = behind.checkpoints();
           if (all) std::erase_if(*all, [](const checkpoint& each) { return each.position == 0; });
           return all;
         }};
       }},
      {"fails to sync nothing", "Read models can be synced at any time, and stay as they are",
       [](int) {
         return port_faults{.sync = [](read_model_store& behind) -> result<void> {
           return behind.checkpoints().value().empty() ? result<void>{failure()} : behind.sync();
         }};
       }},
      {"commits no more after many commits", "Threads commit and read read models of their own at the same time",
       [](int) {
         const auto calls = std::make_shared<std::atomic<int>>(0);
         return port_faults{.commit = [calls](read_model_store& behind, std::string_view name,
                                              const row_changes& changes, const row_checkpoint& checkpoint) {
           return is_exhausted(calls) ? result<void>{failure(errc::full)} : behind.commit(name, changes, checkpoint);
         }};
       }},
      {"shows the checkpoint that it has shown before",
       "While a read model is committed and cleared, a snapshot shows rows and checkpoint of one commit",
       [](int) { return late_checkpoints(); }},
      {"does not list read models when it is opened again", "Read models that are opened again are as they were",
       [](int opening) {
         return opening == 1 ? port_faults{} : port_faults{.models = [](const read_model_store&) {
           return result<std::vector<checkpoint>>{std::vector<checkpoint>{}};
         }};
       }},
      {"commits the rows first and then the checkpoint",
       "Losing power undoes at most the last commit, and it as a whole",
       [](int) {
         return port_faults{.commit = [](read_model_store& behind, std::string_view name, const row_changes& changes,
                                         const row_checkpoint& checkpoint) {
           behind.commit(name, changes, behind.snapshot(name).value()->checkpoint()).value();
           return behind.commit(name, {}, checkpoint);
         }};
       }},
  };
}

std::vector<broken_store> broken_snapshots() {
  return {
      {"has no snapshots of what it does not know", "A stream without snapshots has none",
       [](int) {
         return port_faults{
             .load = [](const snapshot_store& behind, std::string_view id, const snapshot_visitor& visitor) {
               return check_persistence_id(id) ? behind.load(id, visitor) : result<void>{failure()};
             }};
       }},
      {"visits the oldest snapshot first",
       "A stream's snapshots come back latest first, and those of other streams do not",
       [](int) {
         return port_faults{
             .load = [](const snapshot_store& behind, std::string_view id, const snapshot_visitor& visitor) {
               std::vector<std::pair<std::uint64_t, std::string>> all;
               auto loaded = behind.load(id, [&](std::uint64_t number, const result<std::string_view>& image) {
                 all.emplace_back(number, image.value());
                 return visit::next;
               });
               for (auto each = all.rbegin(); each != all.rend(); ++each) {
                 if (visitor(each->first, std::string_view{each->second}) == visit::stop) break;
               }
               return loaded;
             }};
       }},
      {"keeps one snapshot too many", "As many of the latest snapshots stay as are to be kept",
       [](int) {
         return port_faults{.save = [](snapshot_store& behind, std::vector<snapshot> snapshots) {
           for (auto& each : snapshots) ++each.keep;
           return behind.save(snapshots);
         }};
       }},
      {"keeps the first snapshot of an event", "A snapshot after the same event replaces the one before",
       [](int) {
         return port_faults{.save = [](snapshot_store& behind, std::vector<snapshot> snapshots) {
           std::erase_if(snapshots, [&](const snapshot& each) {
             bool is_there = false;
             behind
                 .load(each.persistence_id,
                       [&](std::uint64_t number, const result<std::string_view>&) {
                         is_there |= number == each.sequence_number;
                         return visit::next;
                       })
                 .value();
             return is_there;
           });
           return behind.save(snapshots);
         }};
       }},
      {"visits on when it is told to stop", "A visitor of snapshots may stop at the latest",
       [](int) {
         return port_faults{
             .load = [](const snapshot_store& behind, std::string_view id, const snapshot_visitor& visitor) {
               return behind.load(id, [&](std::uint64_t number, const result<std::string_view>& image) {
                 (void)visitor(number, image);
                 return visit::next;
               });
             }};
       }},
      {"drops those of a stream whose name begins alike", "Snapshots that were dropped are gone, and no others",
       [](int) {
         return port_faults{.erase = [](snapshot_store& behind, std::string_view id) {
           behind.erase(std::string{id} + "1").value();
           return behind.erase(id);
         }};
       }},
      {"saves one snapshot after the other", "Of snapshots among which one cannot be stored none is stored",
       [](int) {
         return port_faults{.save = [](snapshot_store& behind, const std::vector<snapshot>& snapshots) {
           result<void> saved;
           for (const auto& each : snapshots) {
             if (saved) saved = behind.save({each});
           }
           return saved;
         }};
       }},
      {"saves no more after many snapshots", "Threads save and load snapshots at the same time",
       [](int) {
         const auto calls = std::make_shared<std::atomic<int>>(0);
         return port_faults{.save = [calls](snapshot_store& behind, const std::vector<snapshot>& snapshots) {
           return is_exhausted(calls) ? result<void>{failure(errc::full)} : behind.save(snapshots);
         }};
       }},
      {"has no snapshots when it is opened again", "Snapshots that were kept are there when the store is opened again",
       [](int opening) {
         return opening == 1 ? port_faults{}
                             : port_faults{.load = [](const snapshot_store&, std::string_view,
                                                      const snapshot_visitor&) { return result<void>{}; }};
       }},
  };
}

}  // namespace

std::vector<broken_store> broken_stores() {
  std::vector<broken_store> all;
  for (auto&& part : {broken_journals(), broken_retention(), broken_read_models(), broken_snapshots()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace tyto::test
