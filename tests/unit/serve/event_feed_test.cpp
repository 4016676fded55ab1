#include "event_feed.hpp"

#include "counted_journal.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::detail;
using namespace tyto::test;

namespace {

// Returns the ids of events in what is sent, and "end" for caught-up.
std::vector<std::string> ids_in(std::string_view text) {
  std::vector<std::string> ids;
  while (!text.empty()) {
    const auto message = text.substr(0, text.find("\n\n"));
    text.remove_prefix(message.size() + 2);
    const auto id = message.substr(message.find("id: ") + 4);
    ids.emplace_back(message.starts_with("event: caught-up") ? "end" : id.substr(0, id.find('\n')));
  }
  return ids;
}

using ids = std::vector<std::string>;

}  // namespace

TEST_CASE("A feed sends what there is, says that it has caught up, and sends what comes") {
  const auto opened = journal_of(3);
  event_feed feed{*opened.journal, 2, {}};
  CHECK(ids_in(feed.read().value()) == ids{"2", "3", "end"});
  CHECK(feed.is_at_end());
  CHECK(feed.read().value().empty());
  append_counted(opened, 1);
  CHECK(ids_in(feed.read().value()) == ids{"4", "end"});
}

TEST_CASE("An empty journal is caught up with") {
  const auto opened = journal_of(0);
  event_feed feed{*opened.journal, 1, {}};
  CHECK(ids_in(feed.read().value()) == ids{"end"});
  CHECK(feed.heartbeat() == ":\nid: 0\n\n");
}

TEST_CASE("What is not wanted is passed over, and a heartbeat says how far") {
  const auto opened = journal_of(5'000);
  wanted_events wanted;
  wanted.which.where = {{"number", "3"}};
  event_feed feed{*opened.journal, 1, wanted};
  CHECK(ids_in(feed.read().value()) == ids{"3"});
  CHECK_FALSE(feed.is_at_end());
  CHECK(feed.read().value().empty());
  CHECK(ids_in(feed.read().value()) == ids{"end"});
  append_counted(opened, 1);
  CHECK(feed.read().value().empty());
  CHECK(feed.heartbeat() == ":\nid: 5001\n\n");
}

TEST_CASE("A feed reads no more at once than is sent at once") {
  const auto opened = journal_of(10, std::string(100'000, 'x'));
  event_feed feed{*opened.journal, 1, {}};
  CHECK(ids_in(feed.read().value()) == ids{"1", "2", "3"});
  CHECK(feed.next() == 4);
}

TEST_CASE("Of a split event the last part alone has its position, so that none is missed") {
  const auto opened = with_each_split(journal_of(2));
  event_feed feed{*opened.journal, 1, {}};
  CHECK(ids_in(feed.read().value()) == ids{"0", "1", "1", "2", "end"});
}

TEST_CASE("A failure is told in one message") {
  CHECK(failure_event(error{errc::damaged, "reading", "a record\nis damaged"}) ==
        "event: failure\ndata: {\"code\":\"damaged\",\"message\":\"reading: a record\\\\nis damaged\"}\n\n");
}
