// The other process of the store's tests, and the writer of the journal that is read from Python. Prints what it finds;
// fails with the error's message.
#include <cstdio>
#include <string>
#include <vector>

#include "tyto/codec.hpp"
#include "tyto/event.hpp"
#include "tyto/lmdb_store.hpp"

namespace {

struct order_line {
  std::string stock_code;
  std::int64_t quantity;
};
TYTO_VALUE(order_line, stock_code, quantity)

struct order_created {
  std::string customer;
  std::vector<order_line> lines;
  std::int64_t total_cents;
};
TYTO_EVENT(order_created, "order.created", customer, lines, total_cents)

tyto::append_batch orders(const std::string& stream, std::int64_t count) {
  tyto::append_batch batch;
  for (std::int64_t i = 1; i <= count; ++i) {
    auto write = std::make_shared<tyto::stream_write>();
    write->persistence_id = stream;
    tyto::recorded_event event;
    event.meta.type = tyto::stored_name<order_created>;
    event.meta.time = tyto::timestamp{std::chrono::microseconds{1'700'000'000'000'000 + i}};
    event.meta.command_id = "command-" + std::to_string(i);
    event.meta.correlation_id = "correlation";
    event.meta.causation_id = "cause";
    event.meta.tags = {"small", "größe"};
    event.payload = tyto::to_bytes(order_created{"alice", {{"A-1", i}, {"B-2", -i}}, i * 100});
    write->events.push_back(std::move(event));
    batch.writes.push_back(std::move(write));
  }
  return batch;
}

int complain(const tyto::error& error) {
  std::printf("%s: %s\n", std::string{name(error.code())}.c_str(), error.message().c_str());
  return 1;
}

void print_stream(const tyto::event_store& journal, const std::string& stream) {
  std::string numbers;
  auto known = journal.read_stream(stream, 1, [&](const tyto::event_view& event) {
    numbers += ' ' + std::to_string(event.meta.sequence_number);
    return tyto::visit::next;
  });
  if (!known) {
    complain(known.error());
    return;
  }
  std::printf("state %d base '%s' events%s\n", static_cast<int>(known->state), known->base.c_str(), numbers.c_str());
}

int run(const std::string& verb, const tyto::lmdb_options& options, const std::string& stream, std::int64_t count) {
  auto opened = tyto::open_lmdb(options);
  if (!opened) return complain(opened.error());
  auto& journal = *opened->journal;
  if (verb == "append") {
    auto appended = tyto::append_and_wait(journal, orders(stream, count));
    if (!appended) return complain(appended.error());
  }
  if (verb == "compact") {
    auto compacted = tyto::compact(*opened);
    if (!compacted) return complain(compacted.error());
  }
  if (verb == "list") print_stream(journal, stream);
  auto version = journal.info(stream);
  auto head = journal.head();
  if (!version || !head) return complain(version ? head.error() : version.error());
  std::printf("version %llu head %llu\n", static_cast<unsigned long long>(version->version),
              static_cast<unsigned long long>(*head));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments{argv + 1, argv + argc};
  if (arguments.size() < 3) {
    std::puts("usage: store_program append|open|read|list|compact <directory> <stream> [<events> [<fold events>]]");
    return 2;
  }
  tyto::lmdb_options options{.path = arguments[1], .read_only = arguments[0] == "read" || arguments[0] == "list"};
  if (arguments.size() > 4) options.fold_events = std::stoull(arguments[4]);
  return run(arguments[0], options, arguments[2], arguments.size() > 3 ? std::stoll(arguments[3]) : 1);
}
