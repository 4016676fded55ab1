// Events to append to a journal, and everything read back from it as plain values.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tyto/event_store.hpp"

namespace tyto::testing {

recorded_event event_of(std::string type, std::string payload = std::string(1, '\x80'));

/// Returns a write of `events` events.
std::shared_ptr<stream_write> write_of(std::string persistence_id, std::size_t events = 1,
                                       expected_version expected = expected_version::any());

/// Returns a write that changes what is kept of a stream, after `events` more events.
std::shared_ptr<stream_write> change_of(std::string id, retention::action what, std::uint64_t first = 0,
                                        std::string base = {}, std::size_t events = 0,
                                        expected_version expected = expected_version::any());

struct seen_event {
  metadata meta;
  std::string payload;
};

event_visitor collect(std::vector<seen_event>& into);

/// Return what is visited; throw if the store fails.
std::vector<seen_event> read_stream(const event_store& store, std::string_view id, std::uint64_t from = 1);
std::vector<seen_event> read_all(const event_store& store, std::uint64_t from = 1);

using positions = std::vector<std::uint64_t>;
positions positions_of(const std::vector<seen_event>& events);
std::vector<std::uint64_t> numbers_of(const std::vector<seen_event>& events);

}  // namespace tyto::testing
