// The web server: what comes in is let in or not (access), answered (answers), or fed with events (event_feed). HTTP
// and TLS are cpp-httplib's.
#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "access.hpp"
#include "actor/threads.hpp"
#include "answers.hpp"
#include "connection_threads.hpp"
#include "event_feed.hpp"
#include "history.hpp"
#include "httplib_included.hpp"
#include "metrics_text.hpp"
#include "page_files.hpp"
#include "served.hpp"
#include "tyto/detail/owner_process.hpp"
#include "tyto/printable.hpp"
#include "tyto/serve.hpp"

namespace tyto::detail {
namespace {

using namespace std::chrono_literals;

constexpr int most_streams = 16;
constexpr std::size_t most_threads = most_streams + 24;
constexpr std::size_t most_waiting = 64;
constexpr int most_unaccepted = 128;  // connections that wait in the operating system
constexpr auto heartbeat_after = 2s;  // it also shows who has gone
constexpr auto longest_pause = 50ms;  // between two looks for new events
constexpr std::size_t shortest_token = 16;

// --- options

error unusable(std::string why) { return {errc::invalid_argument, "serving the page", std::move(why)}; }

result<void> check(const serve_options& options) {
  const auto shown = "'" + options.address + "'";
  if (!is_address(options.address)) {
    return unusable("the address " + shown + " is none in figures, such as 127.0.0.1 or ::1, nor 'localhost'");
  }
  if (options.certificate.empty() != options.private_key.empty()) {
    return unusable("a certificate and a private_key belong together: give both, or none");
  }
  if (!is_loopback(options.address) && (options.token.empty() || options.certificate.empty())) {
    return unusable("other machines can reach the address " + shown +
                    ": give it a token, a certificate and a private_key, or serve on 127.0.0.1");
  }
  const auto is_plain = [](unsigned char each) { return each > ' ' && each < 0x7F; };
  if (!options.token.empty() &&
      (options.token.size() < shortest_token || !std::ranges::all_of(options.token, is_plain))) {
    return unusable("the token has fewer than 16 characters, or others than letters, digits and signs of ASCII");
  }
  for (const auto& each : options.names) {
    if (each.empty() || each.find_first_of(":/ ") != std::string::npos) {
      return unusable("the name '" + each + "' is not one of a host, without a port");
    }
  }
  return {};
}

bool is_any_address(std::string_view address) { return address == "0.0.0.0" || address == "::"; }

std::vector<std::string> hosts_of(const serve_options& options) {
  auto hosts = options.names;
  if (!is_any_address(options.address)) hosts.push_back(options.address);
  if (is_loopback(options.address) || is_any_address(options.address)) {
    hosts.insert(hosts.end(), {"localhost", "127.0.0.1", "::1"});
  }
  return hosts;
}

// --- the library

// It has the whole process ignore SIGPIPE, which is the program's business. On its threads nothing is raised.
class kept_sigpipe {
 public:
  kept_sigpipe() { ::sigaction(SIGPIPE, nullptr, &before_); }
  ~kept_sigpipe() { ::sigaction(SIGPIPE, &before_, nullptr); }
  kept_sigpipe(const kept_sigpipe&) = delete;
  kept_sigpipe& operator=(const kept_sigpipe&) = delete;

 private:
  struct sigaction before_ {};
};

// Threads that are started meanwhile take no signals, which are the program's, but for those of their own mistakes.
class signals_kept_away {
 public:
  signals_kept_away() {
    sigset_t all;
    ::sigfillset(&all);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) ::sigdelset(&all, own);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~signals_kept_away() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  signals_kept_away(const signals_kept_away&) = delete;
  signals_kept_away& operator=(const signals_kept_away&) = delete;

 private:
  sigset_t before_{};
};

// The library would share the port with whoever else has it, and lets five connections wait.
template <class Server>
class listening final : public Server {
 public:
  template <class... Arguments>
  explicit listening(const Arguments&... arguments) : Server(arguments...) {
    this->set_socket_options([](int socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
  }
  /// Returns the port, 0 if there is none.
  std::uint16_t bind(const std::string& address, std::uint16_t port) {
    const int bound = port == 0 ? this->bind_to_any_port(address) : this->bind_to_port(address, port) ? port : -1;
    if (bound <= 0) return 0;
    ::listen(this->svr_sock_, most_unaccepted);
    return static_cast<std::uint16_t>(bound);
  }
};

// The library does not say it.
error why_not_bound(const std::string& address, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  int code = EADDRNOTAVAIL;
  if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) == 0) {
    const int tried = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    code = tried >= 0 && ::bind(tried, found->ai_addr, found->ai_addrlen) != 0 ? errno : tried < 0 ? errno : EIO;
    if (tried >= 0) ::close(tried);
    ::freeaddrinfo(found);
  }
  const auto doing = "serving the page on " + address + " port " + std::to_string(port);
  switch (code) {
    case EADDRINUSE:
      return {errc::locked, doing, "another program has this port: choose another, or 0 for one that is free"};
    case EACCES:
      return {errc::permission, doing, "this user may not have this port: choose one above 1023"};
    case EADDRNOTAVAIL:
      return {errc::invalid_argument, doing, "this machine does not have this address"};
    default:
      return {errc::io, doing, std::generic_category().message(code)};
  }
}

httplib::Headers headers_of_all() {
  return {{"Content-Security-Policy",
           "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
           "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
          {"X-Content-Type-Options", "nosniff"},
          {"X-Frame-Options", "DENY"},
          {"Referrer-Policy", "no-referrer"},
          {"Cross-Origin-Opener-Policy", "same-origin"},
          {"Cross-Origin-Embedder-Policy", "require-corp"},
          {"Cross-Origin-Resource-Policy", "same-origin"},
          {"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
          {"Cache-Control", "no-store"}};
}

const page_file* file_at(std::string_view path) {
  const auto files = page_files();
  const auto found = std::ranges::find(files, path, &page_file::path);
  return found == files.end() ? nullptr : &*found;
}

request_head head_of(const httplib::Request& request) {
  const auto field = [&request](const char* name) { return request.get_header_value(name); };
  request_head head;
  head.method = request.method;
  if (request.get_header_value_count("Host") == 1) head.host = field("Host");
  head.origin = field("Origin");
  head.fetch_site = field("Sec-Fetch-Site");
  head.authorization = field("Authorization");
  head.content_type = field("Content-Type");
  head.marker = field("X-Tyto");
  head.is_for_file = file_at(request.path) != nullptr;
  head.is_chunked = request.has_header("Transfer-Encoding");
  const auto length = parse_number({{"length", field("Content-Length")}}, "length", 0);
  head.body_bytes = length ? *length : longest_body + 1;
  head.has_body = request.has_header("Content-Length") && head.body_bytes > 0;
  return head;
}

// Not as a body, which the library would compress where the client takes that: for seconds, with what it takes for
// best.
void send(httplib::Response& response, const std::string& type, std::shared_ptr<const std::string> owner,
          std::string_view content) {
  response.set_content_provider(
      content.size(), type,
      [owner = std::move(owner), content](std::size_t at, std::size_t size, httplib::DataSink& to) {
        return to.write(content.data() + at, size);
      });
}

void send(httplib::Response& response, reply answer) {
  response.status = answer.status;
  const auto body = std::make_shared<const std::string>(std::move(answer.body) + "\n");
  send(response, "application/json", body, *body);
}

// What ends the streams.
class ending {
 public:
  /// Returns whether it has begun, after `time` at the latest.
  bool wait_for(std::chrono::milliseconds time) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, time, [this] { return has_begun_; });
  }
  void begin() {
    const std::lock_guard lock{mutex_};
    has_begun_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool has_begun_ = false;
};

// One client that is sent events. The library asks for the next piece when the client has taken the one before.
class stream {
 public:
  stream(event_feed feed, std::atomic<int>& count, ending& end) : feed_(std::move(feed)), count_(count), end_(end) {}
  ~stream() { --count_; }
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;

  /// Sends one piece, when there is one. Returns false when the client has gone.
  bool send_next(httplib::DataSink& to) {
    if (std::exchange(is_new_, false)) return write(to, "retry: 2000\n\n");
    auto pause = 1ms;
    while (to.is_writable()) {
      auto text = feed_.read();
      if (!text) {
        (void)write(to, failure_event(text.error()));
        to.done();
        return true;
      }
      if (!text->empty()) return write(to, *text);
      if (end_.wait_for(feed_.is_at_end() ? pause : 0ms)) {
        to.done();
        return true;
      }
      if (std::chrono::steady_clock::now() > quiet_since_ + heartbeat_after) return write(to, feed_.heartbeat());
      pause = std::min<std::chrono::milliseconds>(pause * 2, longest_pause);
    }
    return false;
  }

 private:
  bool write(httplib::DataSink& to, const std::string& text) {
    quiet_since_ = std::chrono::steady_clock::now();
    return to.write(text.data(), text.size());
  }

  event_feed feed_;
  std::atomic<int>& count_;
  ending& end_;
  bool is_new_ = true;
  std::chrono::steady_clock::time_point quiet_since_;
};

// Everything that one server has. Not destroyed in a forked child, which has none of the threads.
class web {
 public:
  web(std::unique_ptr<served> what, serve_options options) : what_(std::move(what)), options_(std::move(options)) {}
  ~web();
  web(const web&) = delete;
  web& operator=(const web&) = delete;

  result<void> open();
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const;

 private:
  using handled = httplib::Server::HandlerResponse;

  [[nodiscard]] bool is_secure() const { return !options_.certificate.empty(); }
  result<void> listen();
  template <class Server, class... Arguments>
  bool bind(const Arguments&... arguments);
  void wire();
  handled take(const httplib::Request& request, httplib::Response& response);
  void show_metrics(httplib::Response& response);
  void feed(const httplib::Request& request, httplib::Response& response);

  const std::unique_ptr<served> what_;
  const serve_options options_;
  std::uint16_t port_ = 0;
  std::optional<access_rules> access_;
  std::optional<history> past_;
  std::optional<answering> answers_;
  ending end_;
  std::atomic<int> streams_ = 0;
  std::unique_ptr<httplib::Server> server_;
  std::atomic<bool> has_ended_ = false;
  std::optional<worker> listener_;
};

web::~web() {
  end_.begin();
  if (!listener_) return;
  server_->stop();
}

std::string web::url() const {
  auto host = is_any_address(options_.address) ? std::string{"127.0.0.1"} : options_.address;
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return (is_secure() ? "https://" : "http://") + host + ":" + std::to_string(port_) + "/";
}

template <class Server, class... Arguments>
bool web::bind(const Arguments&... arguments) {
  const kept_sigpipe kept;
  auto made = std::make_unique<listening<Server>>(arguments...);
  const bool is_valid = made->is_valid();
  if (is_valid) port_ = made->bind(options_.address, options_.port);
  server_ = std::move(made);
  return is_valid;
}

result<void> web::open() {
  if (simulated_threads::here() != nullptr) return unusable("in a simulated world there is no network");
  if (auto checked = check(options_); !checked) return checked;
  if (auto possible = try_threads(4, "serving the page"); !possible) return possible;
  if (is_secure()) {
    const auto certificate = options_.certificate.string();
    const auto key = options_.private_key.string();
    if (!bind<httplib::SSLServer>(certificate.c_str(), key.c_str())) {
      return unusable("'" + certificate + "' and '" + key +
                      "' are no certificate and the key to it, in PEM, that this user may read");
    }
  } else {
    bind<httplib::Server>();
  }
  if (port_ == 0) return why_not_bound(options_.address, options_.port);
  return listen();
}

result<void> web::listen() try {
  access_.emplace(hosts_of(options_), port_, is_secure(), options_.token, options_.may_act);
  wire();
  const signals_kept_away meanwhile;
  past_.emplace(*what_);
  answers_.emplace(
      answering{*what_, *past_, options_.title.empty() ? what_->name() : options_.title, options_.may_act});
  listener_.emplace([this](const std::stop_token&) {
    server_->listen_after_bind();
    has_ended_ = true;
  });
  while (!server_->is_running() && !has_ended_) std::this_thread::sleep_for(1ms);  // stop() would not be heard before
  if (!has_ended_) return {};
  return error{errc::io, "serving the page", "the operating system takes no connections for it"};
} catch (const std::system_error&) {
  return threads_refused("serving the page");
}

void web::wire() {
  server_->new_task_queue = [this] {  // which the server then owns
    return new connection_threads{most_threads, most_waiting, [this] { return end_.wait_for(0ms); }};
  };
  server_->set_default_headers(headers_of_all());
  server_->set_keep_alive_max_count(1);  // a thread is not kept waiting for a client's next request
  server_->set_keep_alive_timeout(2);
  server_->set_read_timeout(5);
  server_->set_write_timeout(5);
  server_->set_payload_max_length(longest_body);
  server_->set_tcp_nodelay(true);
  server_->set_pre_routing_handler(
      [this](const httplib::Request& request, httplib::Response& response) { return take(request, response); });
  server_->Post("/api/[a-z]{1,9}", [this](const httplib::Request& request, httplib::Response& response) {
    send(response, answer_post(*answers_, request.path, request.body));
  });
  server_->set_exception_handler([](const httplib::Request&, httplib::Response& response, const std::exception_ptr&) {
    send(response, refuse(503, "overloaded", "there is no memory for the answer"));
  });
  server_->set_error_handler([](const httplib::Request&, httplib::Response& response) {
    if (response.has_header("Content-Type")) return;  // it says what is wrong
    send(response, refuse(response.status, "invalid_argument", "the request cannot be read"));
  });
}

// Before a body is read. What is posted goes on to the library, which reads it.
web::handled web::take(const httplib::Request& request, httplib::Response& response) {
  const auto head = head_of(request);
  if (const auto refused = access_->check(head)) {
    if (refused->status == 401) response.set_header("WWW-Authenticate", "Basic realm=\"Tyto\", charset=\"UTF-8\"");
    if (refused->status == 405) response.set_header("Allow", "GET, HEAD, POST");
    send(response, refuse(refused->status, refused->code, refused->message));
    return handled::Handled;
  }
  const auto& path = request.path;
  const bool is_posted = head.method == "POST";
  if (request.has_header("Range")) {
    send(response, refuse(416, "invalid_argument", "there are no ranges here"));
  } else if (is_posted && is_act_path(path)) {
    return handled::Unhandled;
  } else if (is_act_path(path) ||
             (is_posted && (head.is_for_file || is_data_path(path) || path == "/events" || path == "/metrics"))) {
    response.set_header("Allow", is_posted ? "GET, HEAD" : "POST");
    send(response,
         refuse(405, "invalid_argument", is_posted ? "this is asked for with GET" : "this is asked for with POST"));
  } else if (const auto* const file = file_at(path)) {
    response.status = 200;
    send(response, std::string{file->type}, nullptr, file->content);
  } else if (is_data_path(path)) {
    send(response, answer_get(*answers_, path, request.params));
  } else if (path == "/events") {
    feed(request, response);
  } else if (path == "/metrics") {
    show_metrics(response);
  } else {
    send(response, refuse(404, "invalid_argument", "there is no such thing here; docs/serve.md has what there is"));
  }
  return handled::Handled;
}

void web::show_metrics(httplib::Response& response) {
  if (auto text = metrics_text(*what_)) {
    response.status = 200;
    return response.set_content(*std::move(text), "text/plain; version=0.0.4; charset=utf-8");
  }
  send(response,
       refuse(404, "invalid_argument", "this program was built without prometheus-cpp, and so has no metrics"));
}

void web::feed(const httplib::Request& request, httplib::Response& response) {
  auto wanted = parse_wanted(request.params, {"from"});
  if (!wanted) return send(response, refuse(wanted.error()));
  const auto& journal = *what_->stores().journal;
  auto head = journal.head();
  if (!head) return send(response, refuse(head.error()));
  auto from = parse_number(request.params, "from", 1);
  if (request.has_header("Last-Event-ID")) {  // it has come back
    from = parse_number({{"Last-Event-ID", request.get_header_value("Last-Event-ID")}}, "Last-Event-ID", 0);
    if (from) from = *from + 1;
  }
  if (!from) return send(response, refuse(from.error()));
  if (++streams_ > most_streams) {
    --streams_;
    response.set_header("Retry-After", "5");
    return send(response, refuse(503, "overloaded", "16 streams are open; close one, or try again later"));
  }
  auto made =
      std::make_shared<stream>(event_feed{journal, std::min(*from, *head + 1), *std::move(wanted)}, streams_, end_);
  response.status = 200;
  response.set_header("X-Accel-Buffering", "no");
  response.set_chunked_content_provider("text/event-stream",
                                        [made](std::size_t, httplib::DataSink& to) { return made->send_next(to); });
}

class own_page_server final : public page_server {
 public:
  explicit own_page_server(std::unique_ptr<web> serving) : web_(std::move(serving)) {}
  ~own_page_server() override {
    if (!owner_.is_this()) (void)web_.release();
  }
  [[nodiscard]] std::uint16_t port() const override { return web_->port(); }
  [[nodiscard]] std::string url() const override { return web_->url(); }

 private:
  const owner_process owner_;
  std::unique_ptr<web> web_;
};

result<std::unique_ptr<page_server>> open(std::unique_ptr<served> what, const serve_options& options) {
  auto made = std::make_unique<web>(std::move(what), options);
  if (auto opened = made->open(); !opened) return std::move(opened).error();
  return std::unique_ptr<page_server>{std::make_unique<own_page_server>(std::move(made))};
}

}  // namespace
}  // namespace tyto::detail

namespace tyto {

result<std::unique_ptr<page_server>> serve(runtime& rt, const serve_options& options) {
  return detail::open(detail::serve_runtime(rt), options);
}

result<std::unique_ptr<page_server>> serve_directory(const std::filesystem::path& directory,
                                                     const serve_options& options) {
  auto what = detail::serve_files(directory);
  if (!what) return std::move(what).error();
  return detail::open(*std::move(what), options);
}

}  // namespace tyto
