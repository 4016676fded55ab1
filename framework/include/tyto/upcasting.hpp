// How stored events of earlier versions of a program become events of this one. The user lists the changes as a value;
// upcasting() applies them to everything that is read from a journal: recovery, consumers, histories, exports.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tyto/document.hpp"
#include "tyto/event.hpp"
#include "tyto/event_filter.hpp"
#include "tyto/storage.hpp"

namespace tyto {

/// One of the events that a stored one is split into.
struct upcasted {
  std::string type;
  std::uint32_t schema_version = 1;
  document fields = {};

  /// Returns `happened` as one of them, in the version that the program has.
  template <event E>
  static upcasted of(const E& happened) {
    return {std::string{stored_name<E>}, schema_version_of<E>(), document::open(to_bytes(happened)).value()};
  }
};

namespace detail {

using upcast_function = std::function<void(document&, const metadata&)>;
using split_function = std::function<std::vector<upcasted>(const document&, const metadata&)>;

/// What leads on from one version of one type: one of the two is set.
struct upcast_step {
  upcast_function upcast;
  split_function split;
};

/// All that is registered for one type.
struct type_changes {
  std::map<std::uint32_t, upcast_step> steps;  // by the version from which they lead on
  std::uint32_t current = 0;                   // where they must lead, if that is known
  std::string renamed_to;
  bool is_retired = false;
};

/// Looks up types without making strings of them.
struct type_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view type) const { return std::hash<std::string_view>{}(type); }
};
using changes_by_type = std::unordered_map<std::string, type_changes, type_hash, std::equal_to<>>;

}  // namespace detail

/// A list of changes to stored events, in any order: each names the type and the version from which it leads on, and a
/// stored event follows them one after the other, also across a rename, until none is left. What fits a field's
/// fallback() needs no entry here, nor does a field that was dropped. Versions beyond the last step stay as they are.
///
///     tyto::upcasters changes;
///     changes.rename("order.placed", "order.created")
///         .upcast<order_created>(1, [](tyto::document& d) { d.rename("sum", "total_cents"); })
///         .upcast<order_created>(2, [](tyto::document& d) { d.set("currency", "EUR"); })  // its schema_version is 3
///         .retire("order.pinged");
///
/// The functions are called while events are read, from any thread and as often as it takes: they must depend on their
/// arguments alone, and be quick. Both take `const tyto::metadata&`, the stored event's, as a second argument if they
/// like. If one throws, the event cannot be read: errc::handler_failed. All members throw std::invalid_argument where
/// the changes contradict each other.
///
/// A type that neither a change nor the program knows is errc::unknown_event_type to the aggregate in whose stream it
/// is; one with `static constexpr bool skips_unknown_events = true` passes over it. Consumers pass over what they do
/// not handle.
class upcasters {
 public:
  /// Events of `type` in `version` become those of the next version by `change(document&)`.
  template <class Change>
  upcasters& upcast(std::string_view type, std::uint32_t version, Change change) {
    return add_upcast(type, version, with_metadata<detail::upcast_function, document&>(std::move(change)));
  }

  /// The same for the event E, and the upcasters of E must lead to its schema_version: what cannot get there is
  /// errc::missing_upcaster.
  template <event E, class Change>
  upcasters& upcast(std::uint32_t version, Change change) {
    expect(stored_name<E>, schema_version_of<E>(), version);
    return upcast(stored_name<E>, version, std::move(change));
  }

  /// Events of type `from` are of type `to` and keep their version. What is registered for `from` is applied first.
  upcasters& rename(std::string_view from, std::string_view to);

  /// An event of `type` in `version` becomes the events that `divide(const document&)` returns, a std::vector<upcasted>
  /// of any types and versions; what is registered for these is applied to them. They share the position and the
  /// sequence number of the stored one; metadata::part counts them. None: like retire().
  template <class Divide>
  upcasters& split(std::string_view type, std::uint32_t version, Divide divide) {
    return add_split(type, version, with_metadata<detail::split_function, const document&>(std::move(divide)));
  }

  /// Events of `type`, in any version, are no longer of interest: neither an aggregate nor a consumer gets them.
  upcasters& retire(std::string_view type);

  /// Returns what is registered for `type`, or nullptr.
  [[nodiscard]] const detail::type_changes* find(std::string_view type) const;

  /// Returns a filter for stored events that takes all of those which `shown` may take when they are brought up to
  /// date, and some more: what an event is split into is not known beforehand.
  [[nodiscard]] event_filter of_stored(event_filter shown) const;

 private:
  [[nodiscard]] bool may_become(std::string_view type, const std::vector<std::string>& shown) const;
  template <class Function, class Document, class Given>
  static Function with_metadata(Given given) {
    if constexpr (std::invocable<Given&, Document, const metadata&>) {
      return given;
    } else {
      return [given = std::move(given)](Document fields, const metadata&) { return given(fields); };
    }
  }

  upcasters& add_upcast(std::string_view type, std::uint32_t version, detail::upcast_function change);
  upcasters& add_split(std::string_view type, std::uint32_t version, detail::split_function divide);
  detail::upcast_step& add_step(std::string_view type, std::uint32_t version);
  detail::type_changes& changes_of(std::string_view type);
  void expect(std::string_view type, std::uint32_t current, std::uint32_t version);

  detail::changes_by_type changes_;
};

/// Returns `opened` with a journal that shows its events as `changes` make them. Give it to a runtime, and to whatever
/// else reads. Nothing that is stored changes; events to which no change applies cost one look-up and are not copied.
///
/// Reading fails with errc::missing_upcaster, errc::handler_failed or errc::undecodable, naming type, version, position
/// and stream, where an event cannot be brought up to date; the events before it have been visited. Appending an event
/// to which a change would apply when it is read again is errc::invalid_argument: its schema_version was not raised.
///
/// Read models and snapshots were made from events as they were: give a projection a new name, and a snapshot_policy a
/// new schema_version, if a change matters to them. Functions that look behind the port, such as backup(), take the
/// storage as it was opened. Throws std::invalid_argument if `opened` came from upcasting().
storage upcasting(storage opened, upcasters changes);

}  // namespace tyto
