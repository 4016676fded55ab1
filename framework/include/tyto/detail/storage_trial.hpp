// Stores an event and reads it back, as a journal would, and says what has become of it.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "tyto/codec.hpp"
#include "tyto/detail/comparable_bytes.hpp"
#include "tyto/detail/value_comparison.hpp"
#include "tyto/event.hpp"

namespace tyto::detail {

/// Returns, of an event of the type `name`, which of its fields are other ones in `read_back` than in `stored`.
std::string changed_in_storage(std::string_view name, std::string_view stored, std::string_view read_back);
/// The same of one that cannot be stored at all, or not be read back, or of which the fields do not tell.
std::string no_storage_for(std::string_view name, std::string_view why);

/// What has become of an event.
template <event E>
struct kept_event {
  E event;           // as it is read back; one that cannot be, as it was
  std::string lost;  // how it is another one than it was; empty: it is not
};

/// Returns what a journal would make of `event`.
template <event E>
kept_event<E> keep(const E& event) {
  constexpr auto name = stored_name<E>;
  const E before = event;  // there are inspect()s that change what they write
  std::string bytes;
  try {
    bytes = to_bytes(event);
  } catch (const std::exception& refused) {
    return {event, no_storage_for(name, refused.what())};
  }
  auto back = from_bytes<E>(bytes);
  if (!back) return {event, no_storage_for(name, back.error().detail())};
  value_comparison both;
  const bool is_same = both.equal(before, *back);
  if (is_same && both.unseen().empty()) return {*std::move(back), {}};
  const auto was = comparable_bytes(before);
  const auto is = comparable_bytes(*back);
  auto lost = is_same || was == is ? no_storage_for(name, both.unseen()) : changed_in_storage(name, was, is);
  return {*std::move(back), std::move(lost)};
}

}  // namespace tyto::detail
