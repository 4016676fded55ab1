#include "access.hpp"

#include "support/catch.hpp"

using namespace tyto::detail;

namespace {

request_head get_of(std::string host) {
  request_head head;
  head.method = "GET";
  head.host = std::move(host);
  return head;
}

request_head post_of(std::string host) {
  auto head = get_of(std::move(host));
  head.method = "POST";
  head.marker = "1";
  head.content_type = "application/json";
  head.has_body = true;
  head.body_bytes = 2;
  return head;
}

int status_of(const std::optional<refusal>& refused) { return refused ? refused->status : 200; }

}  // namespace

TEST_CASE("A request must name the server as it is called, with its port") {
  const access_rules rules{{"localhost", "127.0.0.1", "::1", "Shop.example"}, 8421, false, "", false};
  for (const auto* host : {"localhost:8421", "127.0.0.1:8421", "[::1]:8421", "shop.EXAMPLE:8421"}) {
    CHECK_FALSE(rules.check(get_of(host)));
  }
  for (const auto* host : {"", "localhost", "localhost:80", "evil.example:8421", "::1:8421", "localhost:8421 "}) {
    CHECK(status_of(rules.check(get_of(host))) == 421);
  }
}

TEST_CASE("The usual port may be left out, as browsers do") {
  const access_rules plain{{"localhost"}, 80, false, "", false};
  CHECK_FALSE(plain.check(get_of("localhost")));
  const access_rules secure{{"localhost"}, 443, true, "", false};
  CHECK_FALSE(secure.check(get_of("localhost")));
  CHECK_FALSE(secure.check(get_of("localhost:443")));
  const access_rules other{{"localhost"}, 80, true, "", false};
  CHECK(status_of(other.check(get_of("localhost"))) == 421);
}

TEST_CASE("Another site's page may not ask, but a link from there may lead to the page") {
  const access_rules rules{{"localhost"}, 1, false, "", true};
  auto head = post_of("localhost:1");
  CHECK_FALSE(rules.check(head));
  head.origin = "http://localhost:1";
  head.fetch_site = "same-origin";
  CHECK_FALSE(rules.check(head));
  for (const auto* origin : {"https://localhost:1", "http://localhost", "null", "http://evil.example"}) {
    head.origin = origin;
    CHECK(status_of(rules.check(head)) == 403);
  }
  auto followed = get_of("localhost:1");
  followed.fetch_site = "cross-site";
  CHECK(status_of(rules.check(followed)) == 403);
  followed.is_for_file = true;
  CHECK_FALSE(rules.check(followed));
}

TEST_CASE("A token is known as a bearer's or as a password, and by nothing else") {
  const access_rules rules{{"localhost"}, 1, false, "correct-horse-battery", false};
  auto head = get_of("localhost:1");
  const auto status = [&](std::string authorization) {
    head.authorization = std::move(authorization);
    return status_of(rules.check(head));
  };
  CHECK(status("Bearer correct-horse-battery") == 200);
  CHECK(status("Basic YTpjb3JyZWN0LWhvcnNlLWJhdHRlcnk=") == 200);  // a:correct-horse-battery
  CHECK(status("") == 401);
  CHECK(status("Bearer ") == 401);
  CHECK(status("Bearer correct-horse-batterycorrect-horse-battery") == 401);
  CHECK(status("Basic Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5") == 401);  // without a user
  CHECK(status("Basic ?") == 401);
  CHECK(status("correct-horse-battery") == 401);
}

TEST_CASE("What acts is posted as JSON of a known length, with the marker, where it may act") {
  const access_rules rules{{"localhost"}, 1, false, "", true};
  CHECK(status_of(access_rules{{"localhost"}, 1, false, "", false}.check(post_of("localhost:1"))) == 403);
  const auto status = [&](const auto& change) {
    auto head = post_of("localhost:1");
    change(head);
    return status_of(rules.check(head));
  };
  CHECK(status([](auto& head) { head.content_type = "Application/JSON;charset=utf-8"; }) == 200);
  CHECK(status([](auto& head) { head.marker = ""; }) == 403);
  CHECK(status([](auto& head) { head.content_type = "text/plain"; }) == 415);
  CHECK(status([](auto& head) { head.is_chunked = true; }) == 411);
  CHECK(status([](auto& head) { head.has_body = false; }) == 411);
  CHECK(status([](auto& head) { head.body_bytes = longest_body + 1; }) == 413);
  CHECK(status([](auto& head) { head.method = "PUT"; }) == 405);
  CHECK(status([](auto& head) { head.method = "GET"; }) == 400);
}

TEST_CASE("Only this machine can reach a loopback address") {
  for (const auto* address : {"127.0.0.1", "127.9.9.9", "::1", "localhost"}) CHECK(is_loopback(address));
  for (const auto* address : {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "::2", "", "local"}) {
    CHECK_FALSE(is_loopback(address));
  }
  CHECK(is_address("10.0.0.1"));
  CHECK_FALSE(is_address("shop.example"));
  CHECK_FALSE(is_address("10.0.0.1:80"));
}
