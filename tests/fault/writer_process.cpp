#include "writer_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace tyto::test {
namespace {

[[noreturn]] void fail(int code, const char* what) { throw std::system_error(code, std::generic_category(), what); }

std::vector<std::string> arguments_of(const writer_plan& plan) {
  std::vector<std::string> arguments{TYTO_CRASH_WRITER,
                                     plan.directory.string(),
                                     std::to_string(plan.in_flight),
                                     std::to_string(plan.first),
                                     std::to_string(plan.end),
                                     std::to_string(plan.kill_at),
                                     plan.moment};
  for (const auto number : plan.numbers) arguments.push_back(std::to_string(number));
  return arguments;
}

}  // namespace

writer_process::writer_process(const writer_plan& plan) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail(errno, "pipe2");
  output_ = ends[0];
  auto arguments = arguments_of(plan);
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  const int failed = ::posix_spawn(&process_, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (failed != 0) {
    ::close(output_);
    fail(failed, argv[0]);
  }
}

writer_process::~writer_process() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  ::close(output_);
}

std::optional<acknowledgement> writer_process::next() {
  acknowledgement told;
  const auto size = ::read(output_, &told, sizeof told);
  if (size == 0) return std::nullopt;
  // A pipe takes as little whole or not at all, also from a writer that is killed.
  if (size != sizeof told) throw std::runtime_error("half an acknowledgement");
  return told;
}

void writer_process::kill_after(std::chrono::microseconds delay) const {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(delay);
  const timespec time{seconds.count(), std::chrono::nanoseconds{delay - seconds}.count()};
  ::ppoll(nullptr, 0, &time, nullptr);
  ::kill(process_, SIGKILL);
}

writer_end writer_process::wait() {
  int status = 0;
  if (::waitpid(process_, &status, 0) != process_) fail(errno, "waitpid");
  process_ = -1;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return writer_end::killed;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? writer_end::finished : writer_end::failed;
}

}  // namespace tyto::test
