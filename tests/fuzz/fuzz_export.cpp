// Lines of JSON from a journal whose texts and payloads are anything.
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness.hpp"
#include "tyto/json_lines.hpp"
#include "tyto/memory_store.hpp"

namespace tyto::fuzz {

std::vector<std::string> seeds() {
  using std::string_literals::operator""s;
  return {"\x08\x04orderone\0tag\n\x1b\x82\xa1\x61\x01\xa1\x62\x93\x01\xc0\xc3"s,
          "\x02\x02"
          "a|\xff\xfe\x81\x01\xa1z"s};
}

// The first two bytes say how long the type and the tag are, the payload is the rest.
void run(std::string_view input) {
  if (input.size() < 2) return;
  const auto take = [&input](std::size_t bytes) {
    const std::string taken{input.substr(0, bytes)};
    input.remove_prefix(taken.size());
    return taken;
  };
  const auto lengths = take(2);
  auto write = std::make_shared<stream_write>();
  write->persistence_id = "order|" + take(static_cast<unsigned char>(lengths[1]) % 16);
  recorded_event event;
  event.meta.type = take(static_cast<unsigned char>(lengths[0]) % 32);
  event.meta.command_id = take(4);
  event.meta.tags = {take(4)};
  event.payload = input;
  write->events.push_back(std::move(event));

  const auto stores = open_memory();
  const auto stored = append_and_wait(*stores.journal, {{std::move(write)}, {}});
  if (!stored || !stored->front()) return;
  std::ostringstream out;
  const auto lines = export_json_lines(*stores.journal, out);
  if (!lines) return require(lines.error().code() == errc::undecodable, "only the payload can be in the way");
  const auto text = out.str();
  require(*lines <= 1, "an event is one line");
  require(text.empty() == (*lines == 0), "each line is counted");
  if (*lines == 0) return;
  require(text.find('\n') == text.size() - 1, "an event is on one line");
  require(nlohmann::json::accept(text), "a line is JSON");
}

}  // namespace tyto::fuzz
