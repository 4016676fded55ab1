// What other processes can do to a running runtime over its control socket, whoever they are and whatever they send.
#include "tyto/control_client.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <latch>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "ledger.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

using namespace tyto;
using namespace tyto::test;
using nlohmann::json;

namespace {

// Fails at credits below 0 until it copes, and may be kept at one.
struct noting {
  static constexpr std::string_view name = "noting";
  static constexpr failure_policy failures{.retries = 0};
  struct script {
    std::atomic<bool> copes = false;
    std::atomic<bool> waits = false;
    std::latch is_in{1};
    std::latch may_go_on{1};
    std::atomic<int> handled = 0;
  };
  std::shared_ptr<script> follows = std::make_shared<script>();
  void react(const credited& e, const metadata&) const {
    if (e.cents < 0 && !follows->copes) throw std::runtime_error("a credit below 0");
    if (follows->waits) {
      follows->is_in.count_down();
      follows->may_go_on.wait();
    }
    ++follows->handled;
  }
};

runtime_options listening_on(const std::filesystem::path& socket) {
  auto options = quiet();
  options.control_socket = socket;
  return options;
}

// Returns what refuses the connection.
error refusal_of(const std::filesystem::path& socket) {
  const auto refused = control_client::connect(socket);
  REQUIRE_FALSE(refused);
  return refused.error();
}

control_client connected(const std::filesystem::path& socket) {
  return control_client::connect(socket, long_enough).value();
}

json ask(control_client& client, std::string_view request) {
  return json::parse(client.ask(request, long_enough).value());
}

error refusal_of(control_client& client, std::string_view request) {
  const auto refused = client.ask(request, long_enough);
  REQUIRE_FALSE(refused);
  return refused.error();
}

// Whatever a client sends, byte for byte.
class raw_client {
 public:
  explicit raw_client(const std::filesystem::path& to) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(to.native().size() < sizeof address.sun_path);
    std::ranges::copy(to.native(), address.sun_path);
    is_connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  raw_client(raw_client&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)), is_connected_(other.is_connected_) {}
  raw_client& operator=(raw_client&&) = delete;
  ~raw_client() {
    if (socket_ >= 0) ::close(socket_);
  }

  [[nodiscard]] bool is_connected() const { return is_connected_; }
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // Sends `line` again and again and reads no answer, until nobody reads it any more.
  void send_until_full(std::string_view line) const {
    pollfd room{socket_, POLLOUT, 0};
    constexpr int moment_ms = 200;
    while (::poll(&room, 1, moment_ms) == 1)
      (void)::send(socket_, line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  // Returns the next line, or what there was of it when the other one hung up.
  [[nodiscard]] std::string receive() const {
    std::string line;
    for (char byte = 0; ::recv(socket_, &byte, 1, 0) == 1 && byte != '\n';) line += byte;
    return line;
  }

 private:
  int socket_;
  bool is_connected_ = false;
};

// A socket that something else than a runtime has bound and listens on, or that a killed process has left.
class foreign_socket {
 public:
  explicit foreign_socket(const std::filesystem::path& file)
      : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(file.native(), address.sun_path);
    REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(socket_, 8) == 0);
  }
  foreign_socket(const foreign_socket&) = delete;
  foreign_socket& operator=(const foreign_socket&) = delete;
  ~foreign_socket() { ::close(socket_); }

  // Takes the next connection, sends `bytes`, and hangs up when the other one does, or at once.
  void serve(std::string_view bytes, bool waits) const {
    const int taken = ::accept(socket_, nullptr, nullptr);
    (void)!::send(taken, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    char ignored = 0;
    while (waits && ::recv(taken, &ignored, 1, 0) == 1) continue;
    ::close(taken);
  }

 private:
  int socket_;
};

int exit_status_of(pid_t child) {
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

// A runtime with an account, what notes its credits, and a projection, which listens in a directory of its own.
struct shop {
  temporary_directory directory;
  std::filesystem::path socket = directory.path() / "control.sock";
  noting consumer;
  runtime rt{open_memory(), listening_on(socket)};

  shop() { rt.aggregate<account>().reaction(consumer).projection<turnover>().start().value(); }
  void credit_all(const std::vector<std::pair<std::string, std::int64_t>>& credits) {
    for (const auto& [owner, cents] : credits) (void)rt.execute<account>(owner, credit{cents}).value();
    rt.settle(long_enough).value();
  }
};

}  // namespace

TEST_CASE("A client sees the status and the health that the runtime shows") {
  shop running;
  running.credit_all({{"ann", 1}, {"ben", 2}});
  auto client = connected(running.socket);
  const auto status = ask(client, R"({"do":"status"})");
  const auto now = running.rt.status();
  CHECK(status["process"] == ::getpid());
  CHECK(status["version"] == TYTO_VERSION);
  CHECK(status["running"] == true);
  CHECK(status["head"] == now.head);
  CHECK(status["commits"] == now.commits);
  CHECK(status["live_aggregates"] == 2);
  CHECK(status["commands_in_flight"] == 0);
  REQUIRE(status["consumers"].size() == 2);
  CHECK(status["consumers"][0]["name"] == "noting");
  CHECK(status["consumers"][0]["state"] == "running");
  CHECK(status["consumers"][0]["position"] == now.consumers[0].position);
  CHECK(status["unregistered"].empty());
  CHECK(ask(client, R"({"do":"health"})")["healthy"] == true);
  CHECK(ask(client, R"({"do":"check"})") == json{{"ok", true}});
}

TEST_CASE("A client lists, replays and discards dead letters, and checks what has come of it") {
  shop running;
  running.credit_all({{"ann", -1}, {"ann", 2}, {"ben", -3}, {"cid", 4}});
  auto client = connected(running.socket);
  const auto letters = ask(client, R"({"do":"dead_letters","consumer":"noting"})")["letters"];
  REQUIRE(letters.size() == 3);
  CHECK(letters[0]["position"] == 1);
  CHECK(letters[0]["key"] == "account|ann");
  CHECK(letters[0]["type"] == "account.credited");
  CHECK_THAT(letters[0]["reason"].get<std::string>(), Catch::Contains("a credit below 0"));
  CHECK(letters[1]["attempts"] == 0);

  CHECK_THAT(refusal_of(client, R"({"do":"check"})").message(), Catch::Contains("dead letters of 'noting'"));
  CHECK(ask(client, R"({"do":"health"})")["problems"].size() == 1);
  CHECK(refusal_of(client, R"({"do":"replay","consumer":"noting"})").code() == errc::handler_failed);

  CHECK(ask(client, R"({"do":"discard","consumer":"noting","position":1})")["discarded"] == 1);
  CHECK(ask(client, R"({"do":"replay","consumer":"noting","key":"account|ann"})")["handled"] == 1);
  running.consumer.follows->copes = true;
  CHECK(ask(client, R"({"do":"replay","consumer":"noting"})")["handled"] == 1);
  CHECK(ask(client, R"({"do":"dead_letters","consumer":"noting"})")["letters"].empty());
  CHECK(running.consumer.follows->handled == 3);
  CHECK(client.ask(R"({"do":"check"})"));
}

TEST_CASE("A client pauses, resumes and resets consumers, and is refused what the runtime refuses") {
  shop running;
  auto client = connected(running.socket);
  CHECK(ask(client, R"({"do":"pause","consumer":"noting","timeout_ms":600000})") == json{{"ok", true}});
  CHECK(ask(client, R"({"do":"status"})")["consumers"][0]["state"] == "paused");
  (void)running.rt.execute<account>("ann", credit{1}).value();
  CHECK(ask(client, R"({"do":"resume","consumer":"noting"})") == json{{"ok", true}});
  running.rt.settle(long_enough).value();
  CHECK(running.consumer.follows->handled == 1);

  CHECK(ask(client, R"({"do":"reset","consumer":"turnover"})") == json{{"ok", true}});
  running.rt.settle(long_enough).value();
  CHECK(running.rt.query<turnover>({"ann"}).value().credited == 1);

  CHECK(refusal_of(client, R"({"do":"reset","consumer":"noting"})").code() == errc::invalid_argument);
  for (const std::string what : {"dead_letters", "replay", "pause", "resume", "reset"}) {
    const auto refused = refusal_of(client, R"({"do":")" + what + R"(","consumer":"nothing"})");
    CHECK(refused.code() == errc::invalid_argument);
    CHECK_THAT(refused.message(), Catch::Contains("'nothing'") && Catch::Contains("no such consumer"));
  }
}

TEST_CASE("A pause that takes longer than its client waits is answered with that") {
  shop running;
  running.consumer.follows->waits = true;
  (void)running.rt.execute<account>("ann", credit{1}).value();
  running.consumer.follows->is_in.wait();
  auto client = connected(running.socket);
  CHECK(refusal_of(client, R"({"do":"pause","consumer":"noting","timeout_ms":1})").code() == errc::timeout);
  running.consumer.follows->may_go_on.count_down();
  CHECK(ask(client, R"({"do":"pause","consumer":"noting","timeout_ms":600000})") == json{{"ok", true}});
}

TEST_CASE("Whatever a client sends is answered, in order, and the next request as if nothing had been") {
  const shop running;
  const raw_client client{running.socket};
  const auto refusal_of = [&](const std::string& line) {
    CHECK(client.send(line + '\n'));
    const auto answer = json::parse(client.receive());
    CHECK(answer["code"] == "invalid_argument");
    return answer["message"].get<std::string>();
  };
  CHECK_THAT(refusal_of(""), Catch::Contains("not JSON"));
  CHECK_THAT(refusal_of(R"({"do":"status")"), Catch::Contains("not JSON"));
  CHECK_THAT(refusal_of("{\"do\":\"\xc3\x28\"}"), Catch::Contains("UTF-8"));
  CHECK_THAT(refusal_of(std::string(1'000, '\0')), Catch::Contains("not JSON"));
  CHECK_THAT(refusal_of(std::string(1'000'000, '[')), Catch::Contains("more than 65536 bytes"));
  CHECK_THAT(refusal_of(R"({"do":"explode"})"), Catch::Contains("no request 'explode'"));
  CHECK_THAT(refusal_of(R"({"do":"reset","consumer":7})"), Catch::Contains("must be a text"));
  CHECK_THAT(refusal_of(R"({"do":"status","all":true})"), Catch::Contains("no field 'all'"));

  std::string many;
  for (int i = 0; i < 50; ++i) many += "{\"do\":\"check\"}\n{\"do\":\"status\"}\n";
  CHECK(client.send(many));
  for (int i = 0; i < 50; ++i) {
    CHECK(json::parse(client.receive()) == json{{"ok", true}});
    CHECK(json::parse(client.receive()).contains("head"));
  }
}

TEST_CASE("A client that hangs up before its line or its answer is there leaves no trace") {
  const shop running;
  for (int i = 0; i < 50; ++i) {
    const raw_client half{running.socket};
    CHECK(half.send(R"({"do":"sta)"));
    const raw_client unanswered{running.socket};
    CHECK(unanswered.send("{\"do\":\"status\"}\n"));
  }
  // Their places are free as soon as it has been noticed that they are gone.
  const auto limit = std::chrono::steady_clock::now() + long_enough;
  while (!connected(running.socket).ask(R"({"do":"check"})", long_enough)) {
    REQUIRE(std::chrono::steady_clock::now() < limit);
    std::this_thread::yield();
  }
}

TEST_CASE("Sixteen are served at once, a hundred do no harm, and who leaves makes room") {
  const shop running;
  std::vector<raw_client> served;
  for (int i = 0; i < 16; ++i) {
    served.emplace_back(running.socket);
    CHECK(served.back().send("{\"do\":\"check\"}\n"));
    CHECK(served.back().receive() == R"({"ok":true})");
  }
  for (int i = 0; i < 84; ++i) {
    const raw_client more{running.socket};
    CHECK(json::parse(more.receive())["code"] == "overloaded");
    CHECK(more.receive().empty());
  }
  auto late = connected(running.socket);
  const auto refused = refusal_of(late, R"({"do":"check"})");
  CHECK(refused.code() == errc::overloaded);
  CHECK_THAT(refused.message(), Catch::Contains("16 are connected"));
  for (const auto& each : served) {
    CHECK(each.send("{\"do\":\"check\"}\n"));
    CHECK(each.receive() == R"({"ok":true})");
  }
  served.pop_back();
  const auto limit = std::chrono::steady_clock::now() + long_enough;
  while (!connected(running.socket).ask(R"({"do":"check"})", long_enough)) {
    REQUIRE(std::chrono::steady_clock::now() < limit);
    std::this_thread::yield();
  }
}

TEST_CASE("The socket is its owner's alone, whatever the umask says, and goes with the runtime") {
  const temporary_directory directory;
  const auto socket = directory.path() / "control.sock";
  const auto before = ::umask(0);
  runtime rt{open_memory(), listening_on(socket)};
  rt.aggregate<account>().start().value();
  ::umask(before);
  struct stat file {};
  REQUIRE(::lstat(socket.c_str(), &file) == 0);
  CHECK(S_ISSOCK(file.st_mode));
  CHECK((file.st_mode & 07777) == 0600);
  CHECK(file.st_uid == ::geteuid());
  rt.stop().value();
  CHECK_FALSE(std::filesystem::exists(std::filesystem::symlink_status(socket)));
  const auto late = refusal_of(socket);
  CHECK(late.code() == errc::stopped);
  CHECK_THAT(late.message(), Catch::Contains("no runtime listens on '" + socket.string() + "'"));
}

TEST_CASE("Another user is refused by the file's mode, and by name where somebody has changed that") {
  if (::getuid() != 0) return;  // only the superuser can be another one
  const shop running;
  std::filesystem::permissions(running.directory.path(), std::filesystem::perms{0755});
  const auto as_nobody = [&](const std::function<int()>& body) {
    const auto child = ::fork();
    if (child == 0) {
      ::alarm(60);  // ends a child that hangs
      ::_exit(::setuid(65534) != 0 ? 100 : body());
    }
    return exit_status_of(child);
  };
  CHECK(as_nobody([&] {
          const auto refused = control_client::connect(running.socket);
          if (refused) return 1;
          if (refused.error().code() != errc::permission) return 2;
          return refused.error().message().find("only the user") == std::string::npos ? 3 : 0;
        }) == 0);
  std::filesystem::permissions(running.socket, std::filesystem::perms{0666});
  CHECK(as_nobody([&] {
          auto client = control_client::connect(running.socket);
          if (!client) return 1;
          const auto refused = client->ask(R"({"do":"status"})");
          if (refused) return 2;
          if (refused.error().code() != errc::permission) return 3;
          if (refused.error().message().find("only user 0") == std::string::npos) return 4;
          return client->ask(R"({"do":"status"})") ? 5 : 0;
        }) == 0);
  auto own = connected(running.socket);
  CHECK(own.ask(R"({"do":"check"})"));
}

TEST_CASE("What a killed process has left is replaced") {
  const temporary_directory directory;
  const auto socket = directory.path() / "control.sock";
  const auto child = ::fork();
  if (child == 0) {
    ::alarm(60);
    runtime rt{open_memory(), listening_on(socket)};
    rt.aggregate<account>();
    ::_exit(rt.start() ? 0 : 1);  // as if it were killed
  }
  REQUIRE(exit_status_of(child) == 0);
  REQUIRE(std::filesystem::is_socket(socket));
  CHECK(refusal_of(socket).code() == errc::stopped);
  runtime rt{open_memory(), listening_on(socket)};
  rt.aggregate<account>().start().value();
  CHECK(connected(socket).ask(R"({"do":"check"})"));
}

TEST_CASE("A child that outlives a killed runtime does not look like one that answers") {
  const temporary_directory directory;
  const auto socket = directory.path() / "control.sock";
  int until[2];
  int is_there[2];
  REQUIRE((::pipe2(until, O_CLOEXEC) == 0 && ::pipe2(is_there, O_CLOEXEC) == 0));
  const auto parent = ::fork();
  if (parent == 0) {
    ::alarm(60);
    runtime rt{open_memory(), listening_on(socket)};
    rt.aggregate<account>();
    if (!rt.start() || !control_client::connect(socket)) ::_exit(1);
    if (::fork() == 0) {  // stays until the test is over
      ::alarm(60);
      ::close(until[1]);
      (void)!::write(is_there[1], "x", 1);
      char ignored = 0;
      (void)!::read(until[0], &ignored, 1);
      ::_exit(0);
    }
    char ignored = 0;
    if (::read(is_there[0], &ignored, 1) != 1) ::_exit(2);
    ::raise(SIGKILL);
  }
  int status = 0;
  REQUIRE(::waitpid(parent, &status, 0) == parent);
  REQUIRE((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
  CHECK(refusal_of(socket).code() == errc::stopped);
  runtime rt{open_memory(), listening_on(socket)};
  rt.aggregate<account>().start().value();
  CHECK(connected(socket).ask(R"({"do":"check"})"));
  for (const int each : {until[0], until[1], is_there[0], is_there[1]}) ::close(each);
}

TEST_CASE("A forked child takes nothing from its parent's socket, neither the file nor those who are connected") {
  shop running;
  auto client = connected(running.socket);
  REQUIRE(client.ask(R"({"do":"check"})"));
  const auto child = ::fork();
  if (child == 0) {
    ::alarm(60);
    ::_exit(running.rt.stop() ? 1 : 0);
  }
  REQUIRE(exit_status_of(child) == 0);
  CHECK(std::filesystem::is_socket(running.socket));
  CHECK(client.ask(R"({"do":"check"})"));
  CHECK(connected(running.socket).ask(R"({"do":"check"})"));
}

TEST_CASE("What is no socket stays as it is, the runtime does not start, and can be started when there is room") {
  const temporary_directory directory;
  const auto place = directory.path() / "control.sock";
  const int kind = GENERATE(0, 1, 2);
  if (kind == 0) std::ofstream{place} << "notes";
  if (kind == 1) std::filesystem::create_directory(place);
  if (kind == 2) std::filesystem::create_symlink("elsewhere", place);
  runtime rt{open_memory(), listening_on(place)};
  const auto refused = rt.aggregate<account>().start();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::invalid_argument);
  CHECK_THAT(refused.error().message(), Catch::Contains(place.string()) && Catch::Contains("move it away"));
  CHECK_FALSE(rt.execute<account>("ann", credit{1}));
  CHECK(std::filesystem::exists(std::filesystem::symlink_status(place)));
  if (kind == 0) CHECK(std::filesystem::file_size(place) == 5);
  std::filesystem::remove(place);
  rt.start().value();
  CHECK(connected(place).ask(R"({"do":"check"})"));
}

TEST_CASE("A socket on which somebody answers is not taken away") {
  shop running;
  runtime second{open_memory(), listening_on(running.socket)};
  const auto refused = second.aggregate<account>().start();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::locked);
  CHECK_THAT(refused.error().message(),
             Catch::Contains("this process (" + std::to_string(::getpid()) + ") listens there"));
  CHECK(connected(running.socket).ask(R"({"do":"check"})"));
  running.rt.stop().value();
  second.start().value();
  CHECK(connected(running.socket).ask(R"({"do":"check"})"));
}

TEST_CASE("A start that fails leaves no socket, and one that cannot be made fails the start") {
  const temporary_directory directory;
  const auto socket = directory.path() / "control.sock";
  runtime twice{open_memory(), listening_on(socket)};
  CHECK_FALSE(twice.projection<turnover>().projection<turnover>().start());
  CHECK_FALSE(std::filesystem::exists(socket));

  runtime nowhere{open_memory(), listening_on(directory.path() / "missing" / "control.sock")};
  const auto refused = nowhere.aggregate<account>().start();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::invalid_argument);
  CHECK_THAT(refused.error().message(), Catch::Contains("missing/control.sock"));
  std::filesystem::create_directory(directory.path() / "missing");
  CHECK(nowhere.start());
}

TEST_CASE("A file that has taken the socket's place since stays when the runtime stops") {
  shop running;
  std::filesystem::remove(running.socket);
  std::ofstream{running.socket} << "notes";
  running.rt.stop().value();
  CHECK(std::filesystem::file_size(running.socket) == 5);
}

TEST_CASE("A path may be longer than what the operating system takes for a socket, or relative") {
  const temporary_directory directory;
  auto deep = directory.path();
  for (int i = 0; i < 5; ++i) deep /= std::string(200, static_cast<char>('a' + i));
  std::filesystem::create_directories(deep);
  const auto socket = deep / std::string(80, 's');
  {
    runtime rt{open_memory(), listening_on(socket)};
    rt.aggregate<account>().start().value();
    CHECK(connected(socket).ask(R"({"do":"check"})"));
    const auto relative = std::filesystem::relative(socket);
    CHECK(connected(relative).ask(R"({"do":"check"})"));
  }
  CHECK_FALSE(std::filesystem::exists(socket));
  CHECK(refusal_of(deep / std::string(81, 's')).code() == errc::invalid_argument);
}

TEST_CASE("Stopping ends those who are connected and say nothing, and those who read no answers") {
  shop running;
  std::vector<control_client> idle;
  for (int i = 0; i < 8; ++i) {
    idle.push_back(connected(running.socket));
    REQUIRE(idle.back().ask(R"({"do":"check"})"));
  }
  const raw_client deaf{running.socket};
  deaf.send_until_full("{\"do\":\"status\"}\n");
  running.rt.stop().value();
  for (auto& each : idle) {
    CHECK(refusal_of(each, R"({"do":"check"})").code() == errc::stopped);
    CHECK(refusal_of(each, R"({"do":"check"})").code() == errc::stopped);
  }
}

TEST_CASE("A stop while a replay and a pause are under way answers both") {
  shop running;
  running.credit_all({{"ann", -1}});
  auto& script = *running.consumer.follows;
  script.copes = true;
  script.waits = true;
  std::optional<result<std::string>> replayed;
  std::jthread replays{[&, client = connected(running.socket)]() mutable {
    replayed = client.ask(R"({"do":"replay","consumer":"noting"})", long_enough);
  }};
  script.is_in.wait();
  std::optional<result<std::string>> paused;
  std::jthread pauses{[&, client = connected(running.socket)]() mutable {
    paused = client.ask(R"({"do":"pause","consumer":"noting","timeout_ms":600000})", long_enough);
  }};
  auto watching = connected(running.socket);
  std::jthread stops{[&] { running.rt.stop().value(); }};
  // Until the handler is done the runtime is stopping, and says so.
  while (ask(watching, R"({"do":"status"})")["running"] == true) std::this_thread::yield();
  CHECK(refusal_of(watching, R"({"do":"check"})").code() == errc::stopped);
  script.may_go_on.count_down();
  stops.join();
  replays.join();
  pauses.join();
  REQUIRE(replayed);
  CHECK((replayed->has_value() || replayed->error().code() == errc::stopped));
  REQUIRE(paused);
  CHECK((paused->has_value() || paused->error().code() == errc::stopped));
}

TEST_CASE("A client is told what is wrong with what it has connected to") {
  const temporary_directory directory;
  const auto socket = directory.path() / "control.sock";
  SECTION("a file that is no socket") {
    std::ofstream{socket} << "notes";
    CHECK(refusal_of(socket).code() == errc::invalid_argument);
    CHECK_THAT(refusal_of(socket).message(), Catch::Contains("no socket"));
  }
  SECTION("nothing") {
    CHECK(refusal_of(socket).code() == errc::stopped);
    CHECK(refusal_of(directory.path() / "missing" / "control.sock").code() == errc::invalid_argument);
  }
  SECTION("somebody who speaks of other things") {
    const foreign_socket other{socket};
    const std::string said = GENERATE("HTTP/1.1 400 Bad Request\r\n\n", "{}\n", "[true]\n", "{\"ok\":1}\n", "\n");
    auto client = control_client::connect(socket).value();
    const std::jthread serves{[&] { other.serve(said, false); }};
    CHECK(refusal_of(client, R"({"do":"status"})").code() == errc::foreign);
  }
  SECTION("somebody who hangs up in the middle of an answer") {
    const foreign_socket other{socket};
    auto client = control_client::connect(socket).value();
    const std::jthread serves{[&] { other.serve(R"({"ok":tr)", false); }};
    CHECK(refusal_of(client, R"({"do":"status"})").code() == errc::stopped);
  }
  SECTION("somebody who does not answer in time") {
    const foreign_socket other{socket};
    std::optional<control_client> client = control_client::connect(socket).value();
    const std::jthread serves{[&] { other.serve("", true); }};
    const auto late = client->ask(R"({"do":"status"})", std::chrono::milliseconds{1});
    REQUIRE_FALSE(late);
    CHECK(late.error().code() == errc::timeout);
    CHECK(refusal_of(*client, R"({"do":"status"})").code() == errc::stopped);
    client.reset();
  }
  SECTION("an error with a code that a later version may have") {
    const foreign_socket other{socket};
    auto client = control_client::connect(socket).value();
    const std::jthread serves{
        [&] { other.serve("{\"ok\":false,\"code\":\"sleepy\",\"message\":\"later\"}\n", false); }};
    const auto refused = refusal_of(client, R"({"do":"status"})");
    CHECK(refused.code() == errc::io);
    CHECK_THAT(refused.message(), Catch::Contains("later"));
  }
}

TEST_CASE("A request of two lines is not sent") {
  const shop running;
  auto client = connected(running.socket);
  CHECK(refusal_of(client, "{\"do\":\"status\"}\n{\"do\":\"status\"}").code() == errc::invalid_argument);
  CHECK(client.ask(R"({"do":"check"})"));
}
