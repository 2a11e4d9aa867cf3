#include "cli/up/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace keytrail::cli {
namespace {

[[noreturn]] void become(const std::vector<char*>& arguments, int log, int parent) {
  // The supervisor handles these itself, by descriptor; a part begins with the defaults.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // The parent died before the line above.
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(null, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  setpgid(0, 0);  // Ctrl-C goes to the supervisor alone, which stops the parts in order.
  execv(arguments[0], arguments.data());
  _exit(127);
}

}  // namespace

Result<Process> Process::start(const std::vector<std::string>& command,
                               const std::string& log_file) {
  const int log = open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) {
    return Error{ErrorCode::kUnavailable, "cannot write " + log_file + ": " + std::strerror(errno)};
  }
  std::vector<char*> arguments;
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const int parent = getpid();
  const int pid = fork();
  if (pid == 0) become(arguments, log, parent);
  close(log);
  if (pid < 0) {
    return Error{ErrorCode::kUnavailable,
                 "cannot start " + command[0] + ": " + std::strerror(errno)};
  }
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  KEYTRAIL_CHECK(fd >= 0);
  return Process(pid, fd);
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), fd_(std::exchange(other.fd_, -1)) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(fd_, other.fd_);
  return *this;
}

Process::~Process() {
  if (pid_ < 0) return;
  send(SIGKILL);
  (void)reap();
}

void Process::send(int signal) const {
  if (pid_ > 0) kill(pid_, signal);
}

std::string Process::reap() {
  if (pid_ < 0) return "not running";
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  close(fd_);
  pid_ = fd_ = -1;
  if (WIFEXITED(status)) return "exited with " + std::to_string(WEXITSTATUS(status));
  return "killed by signal " + std::to_string(WTERMSIG(status));
}

}  // namespace keytrail::cli
