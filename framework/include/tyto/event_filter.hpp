// Which events a reader of the journal is interested in: consumers say so in their definition, stores pass over the
// others without decoding them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tyto {

/// A filter by type and category. The default takes everything.
struct event_filter {
  std::vector<std::string> types = {};       // stored names; empty: all
  std::vector<std::string> categories = {};  // of streams; empty: all

  /// Returns whether events of `type` in the stream `persistence_id` are wanted.
  [[nodiscard]] bool takes(std::string_view type, std::string_view persistence_id) const;
};

}  // namespace tyto
