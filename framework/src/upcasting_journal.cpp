// The decorator behind upcasting(): a journal whose events are brought up to date while they are visited.
#include <optional>
#include <stdexcept>
#include <utility>

#include "tyto/aggregate.hpp"
#include "tyto/event_store.hpp"
#include "tyto/upcasting.hpp"

namespace tyto {
namespace {

using detail::type_changes;
using detail::upcast_step;

// What is registered for one type ends within this many changes; splits may go in a circle.
constexpr int max_changes_of_one_event = 1'000;

const upcast_step* step_from(const type_changes& changes, std::uint32_t version) {
  const auto found = changes.steps.find(version);
  return found == changes.steps.end() ? nullptr : &found->second;
}

bool misses_step(const type_changes& changes, std::uint32_t version) {
  if (version < changes.current) return true;
  return !changes.steps.empty() && version < changes.steps.rbegin()->first;
}

bool is_current(const type_changes& changes, std::uint32_t version) {
  return !changes.is_retired && changes.renamed_to.empty() && step_from(changes, version) == nullptr &&
         !misses_step(changes, version);
}

// An event on its way: its payload is taken apart when the first change asks for it.
struct draft {
  std::string type;
  std::uint32_t version = 1;
  std::optional<document> fields;
};

// Brings one stored event up to date.
class upgrade {
 public:
  upgrade(const upcasters& changes, const event_view& stored) : changes_(changes), stored_(stored) {}

  // Returns what the event has become: none if it is retired.
  result<std::vector<draft>> run() {
    if (auto done = follow({stored_.meta.type, stored_.meta.schema_version, std::nullopt}); !done) {
      return std::move(done).error();
    }
    return std::move(done_);
  }

 private:
  result<void> follow(draft event) {
    for (;;) {
      const auto* changes = changes_.find(event.type);
      if (changes == nullptr) break;
      if (changes->is_retired) return {};
      if (++applied_ > max_changes_of_one_event) return failed(errc::handler_failed, event, "its splits have no end");
      if (const auto* step = step_from(*changes, event.version)) {
        if (step->split) return split(*step, event);
        if (auto done = upcast(*step, event); !done) return done;
      } else if (misses_step(*changes, event.version)) {
        return failed(errc::missing_upcaster, event, "no upcaster leads on from this version");
      } else if (!changes->renamed_to.empty()) {
        event.type = changes->renamed_to;
      } else {
        break;
      }
    }
    done_.push_back(std::move(event));
    return {};
  }

  result<void> upcast(const upcast_step& step, draft& event) {
    if (auto opened = open(event); !opened) return opened;
    try {
      step.upcast(*event.fields, stored_.meta);
    } catch (...) {
      return detail::handler_failure(doing(event));
    }
    ++event.version;
    return {};
  }

  result<void> split(const upcast_step& step, draft& event) {
    if (auto opened = open(event); !opened) return opened;
    std::vector<upcasted> parts;
    try {
      parts = step.split(*event.fields, stored_.meta);
    } catch (...) {
      return detail::handler_failure(doing(event));
    }
    for (auto& part : parts) {
      auto done = follow({std::move(part.type), part.schema_version, std::move(part.fields)});
      if (!done) return done;
    }
    return {};
  }

  result<void> open(draft& event) const {
    if (event.fields) return {};
    auto opened = document::open(stored_.payload);
    if (!opened) return failed(errc::undecodable, event, opened.error().detail());
    event.fields = *std::move(opened);
    return {};
  }

  [[nodiscard]] error failed(errc code, const draft& event, std::string why) const {
    return {code, doing(event), std::move(why)};
  }

  [[nodiscard]] std::string doing(const draft& event) const {
    return "upcasting '" + event.type + "' version " + std::to_string(event.version) + ", the event at position " +
           std::to_string(stored_.meta.position) + " (" + stored_.meta.persistence_id + ")";
  }

  const upcasters& changes_;
  const event_view& stored_;
  std::vector<draft> done_;
  int applied_ = 0;
};

// Shows events to a visitor as they are today.
class presenter {
 public:
  presenter(const upcasters& changes, const event_visitor& visitor) : changes_(changes), visitor_(visitor) {}

  visit show(const event_view& stored) {
    const auto* changes = changes_.find(stored.meta.type);
    if (changes == nullptr || is_current(*changes, stored.meta.schema_version)) return visitor_(stored);
    auto upgraded = upgrade{changes_, stored}.run();
    if (!upgraded) {
      failed_ = std::move(upgraded).error();
      return visit::stop;
    }
    shown_ = stored.meta;
    if (upgraded->empty()) return show_retired();
    shown_.parts = static_cast<std::uint32_t>(upgraded->size());
    for (auto& event : *upgraded) {
      if (show(event, stored) == visit::stop) return visit::stop;
      ++shown_.part;
    }
    return visit::next;
  }

  // Why showing ended early.
  [[nodiscard]] std::optional<error>& failed() { return failed_; }

 private:
  visit show(draft& event, const event_view& stored) {
    shown_.type = std::move(event.type);
    shown_.schema_version = event.version;
    return event.fields ? visitor_({shown_, event.fields->bytes()}) : visitor_({shown_, stored.payload});
  }

  visit show_retired() {
    static const auto nothing_left = document{}.bytes();
    shown_.type = retired_type;
    shown_.schema_version = 1;
    return visitor_({shown_, nothing_left});
  }

  const upcasters& changes_;
  const event_visitor& visitor_;
  metadata shown_;
  std::optional<error> failed_;
};

class upcasting_journal final : public event_store {
 public:
  upcasting_journal(std::shared_ptr<event_store> stored, upcasters changes)
      : stored_(std::move(stored)), changes_(std::move(changes)) {}

  void append(append_batch batch, append_done done) override {
    std::vector<std::optional<error>> refused;
    bool is_refusing = false;
    for (const auto& write : batch.writes) {
      is_refusing |= refused.emplace_back(check(*write)).has_value();
    }
    if (!is_refusing) return stored_->append(std::move(batch), std::move(done));
    std::size_t place = 0;
    std::erase_if(batch.writes, [&](const auto&) { return refused[place++].has_value(); });
    stored_->append(std::move(batch), [refused = std::move(refused), done = std::move(done)](auto stored) {
      if (!stored) return done(std::move(stored));
      append_outcomes outcomes;
      auto next = stored->begin();
      for (const auto& each : refused) outcomes.push_back(each ? result<void>{*each} : std::move(*next++));
      done(std::move(outcomes));
    });
  }

  result<stream_info> read_stream(std::string_view persistence_id, std::uint64_t from_sequence_number,
                                  const event_visitor& visitor) const override {
    return show(visitor, [&](const event_visitor& each) {
      return stored_->read_stream(persistence_id, from_sequence_number, each);
    });
  }

  result<std::uint64_t> read_all(const journal_range& range, const event_visitor& visitor) const override {
    const auto wanted = [&](const event_view& event) {
      return range.only.takes(event.meta.type, event.meta.persistence_id) ? visitor(event) : visit::next;
    };
    const journal_range stored{range.from, changes_.of_stored(range.only), range.max_events};
    if (range.as_stored) return stored_->read_all(stored, visitor);
    return show(wanted, [&](const event_visitor& each) { return stored_->read_all(stored, each); });
  }

  [[nodiscard]] result<stream_info> info(std::string_view persistence_id) const override {
    return stored_->info(persistence_id);
  }
  [[nodiscard]] result<std::uint64_t> head() const override { return stored_->head(); }
  [[nodiscard]] result<std::vector<checkpoint>> checkpoints() const override { return stored_->checkpoints(); }
  [[nodiscard]] result<std::uint64_t> load_checkpoint(std::string_view name) const override {
    return stored_->load_checkpoint(name);
  }
  [[nodiscard]] result<std::uint64_t> size_bytes() const override { return stored_->size_bytes(); }
  [[nodiscard]] storage_condition condition() const override { return stored_->condition(); }

 private:
  // Consumers get new events as they were decided and old ones as the changes make them: both must be the same.
  [[nodiscard]] std::optional<error> check(const stream_write& write) const {
    for (const auto& event : write.events) {
      const auto* changes = changes_.find(event.meta.type);
      if (changes == nullptr || is_current(*changes, event.meta.schema_version)) continue;
      return error{errc::invalid_argument, "appending to " + write.persistence_id,
                   "an event of type '" + event.meta.type + "' version " + std::to_string(event.meta.schema_version) +
                       " would be changed when it is read; raise the event's schema_version, or use its new name"};
    }
    return std::nullopt;
  }

  template <class Read>
  auto show(const event_visitor& visitor, const Read& read) const -> decltype(read(visitor)) {
    presenter shown{changes_, visitor};
    auto outcome = read([&shown](const event_view& event) { return shown.show(event); });
    if (shown.failed()) return *std::move(shown.failed());
    return outcome;
  }

  const std::shared_ptr<event_store> stored_;
  const upcasters changes_;
};

}  // namespace

storage upcasting(storage opened, upcasters changes) {
  if (dynamic_cast<const upcasting_journal*>(opened.journal.get()) != nullptr) {
    throw std::invalid_argument("tyto: the storage has upcasters already; put all changes into one list of upcasters");
  }
  opened.journal = std::make_shared<upcasting_journal>(std::move(opened.journal), std::move(changes));
  return opened;
}

}  // namespace tyto
