#include "write_checks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "record.hpp"

namespace tyto {
namespace {

result<void> check_event(const stream_write& write, const recorded_event& event) {
  const auto refuse = [&](std::string why) {
    return error{errc::invalid_argument, "appending to " + write.persistence_id, std::move(why)};
  };
  const auto& m = event.meta;
  const std::pair<std::string_view, std::string_view> fields[] = {{"type", m.type},
                                                                  {"command id", m.command_id},
                                                                  {"correlation id", m.correlation_id},
                                                                  {"causation id", m.causation_id}};
  for (const auto& [what, text] : fields) {
    if (text.size() > max_field_bytes) {
      return refuse(fmt::format("the {} has {} bytes, the limit is {}", what, text.size(), max_field_bytes));
    }
  }
  if (m.tags.size() > max_field_bytes) {
    return refuse(fmt::format("there are {} tags, the limit is {}", m.tags.size(), max_field_bytes));
  }
  for (const auto& tag : m.tags) {
    if (tag.size() > max_field_bytes) {
      return refuse(fmt::format("a tag has {} bytes, the limit is {}", tag.size(), max_field_bytes));
    }
  }
  return check_size(record::size_of(event, write.persistence_id), "the event",
                    [&] { return "appending to " + write.persistence_id; });
}

}  // namespace

result<void> check_write(const stream_write& write) {
  if (auto usable = check_persistence_id(write.persistence_id); !usable) return usable;
  if ((write.events.empty() && !write.retain) || write.events.size() > 0xffff'ffff) {
    return error{errc::invalid_argument, "appending to " + write.persistence_id, "a write has at least one event"};
  }
  for (const auto& event : write.events) {
    if (auto fits = check_event(write, event); !fits) return fits;
  }
  return {};
}

result<void> check_name(std::string_view name) {
  const auto refuse = [name](std::string why) {
    return error{errc::invalid_argument, fmt::format("using the name '{}'", name.substr(0, 80)), std::move(why)};
  };
  if (name.empty()) return refuse("a checkpoint or a read model needs a name");
  if (name.size() > max_name_bytes) {
    return refuse(fmt::format("it has {} bytes, the limit is {}", name.size(), max_name_bytes));
  }
  if (name.find('\0') != std::string_view::npos) return refuse("it holds a NUL byte");
  return {};
}

error too_large(std::uint64_t bytes, std::string_view what, std::string doing) {
  return {errc::invalid_argument, std::move(doing),
          fmt::format("{} takes {} bytes, the limit is {}", what, bytes, max_record_bytes)};
}

result<void> check_commit(std::string_view name, const row_changes& changes) {
  if (auto usable = check_name(name); !usable) return usable;
  for (const auto& [key, value] : changes) {
    const auto doing = [name] { return fmt::format("changing a row of {}", name); };
    if (key.empty() || key.size() > max_row_key_bytes) {
      return error{errc::invalid_argument, doing(),
                   fmt::format("the key has {} bytes; it must have 1 to {}", key.size(), max_row_key_bytes)};
    }
    if (auto fits = check_size(value ? value->size() : 0, "the row", doing); !fits) return fits;
  }
  return {};
}

result<void> check_snapshot(const snapshot& saved) {
  if (auto usable = check_persistence_id(saved.persistence_id); !usable) return usable;
  const auto refuse = [&](std::string why) {
    return error{errc::invalid_argument, "saving a snapshot of " + saved.persistence_id, std::move(why)};
  };
  if (saved.keep == 0) return refuse("at least the snapshot itself is to be kept");
  return check_size(saved.image.size() + sizeof(std::uint64_t), "it",
                    [&] { return "saving a snapshot of " + saved.persistence_id; });
}

result<void> check_stream(const stream_write& write, const stream_info& now) {
  const auto doing = [&] { return "appending to " + write.persistence_id; };
  if (!write.expected.allows(now.version)) {
    return error{errc::conflict, doing(),
                 fmt::format("expected {}, but the stream is at version {}", write.expected.describe(), now.version)}
        .with(version_conflict{now.version});
  }
  if (now.state == stream_state::deleted) return error{errc::closed, doing(), "the stream was deleted"};
  const bool grows = !write.events.empty() || write.retain->what == retention::action::close;
  if (grows && now.state == stream_state::closed) return error{errc::closed, doing(), "the stream was closed"};
  const auto version = now.version + write.events.size();
  if (write.retain && write.retain->what == retention::action::truncate && write.retain->first > version + 1) {
    return error{
        errc::invalid_argument, doing(),
        fmt::format("the stream has {} events, so it cannot begin with number {}", version, write.retain->first)};
  }
  return {};
}

void retain(stream_info& known, const retention& change) {
  switch (change.what) {
    case retention::action::close:
      known.state = stream_state::closed;
      break;
    case retention::action::truncate:
      if (change.first < known.first && change.base.empty()) break;  // what stands for them already must stay
      known.first = std::max(known.first, change.first);
      known.base = change.base;
      break;
    case retention::action::remove:
      known.state = stream_state::deleted;
      known.first = known.version + 1;
      known.base.clear();
      break;
  }
}

void number_events(stream_write& write, std::uint64_t version, std::uint64_t head) {
  std::uint32_t index = 0;
  for (auto& event : write.events) {
    auto& m = event.meta;
    m.position = ++head;
    m.persistence_id = write.persistence_id;
    m.sequence_number = ++version;
    m.decision_index = index++;
    m.decision_count = static_cast<std::uint32_t>(write.events.size());
  }
}

}  // namespace tyto
