#include "esxi/service/guest_process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "bus/secret/fd.h"

namespace keytrail::esxi {
namespace {

constexpr std::size_t kSocketPathMax = 100;  // sun_path has 108.
constexpr int kFolderFd = 3;               // Of the socket, in the child, if its path is too long.
constexpr std::chrono::seconds kGrace{3};  // Between asking QEMU to go and making it.
constexpr std::size_t kDetailBytesMax = 512;
constexpr const char* kKernelSettings = "console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off ";

// All that the child needs, made before the fork: afterwards it may only make system calls.
struct Launch {
  std::vector<std::string> arguments;
  std::string program;
  Fd input, console, errors, folder;
};

// QEMU's options end a value at a comma unless it is doubled.
std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) out.append(c == ',' ? 2 : 1, c);
  return out;
}

std::vector<std::string> arguments(const GuestSpec& spec, const std::string& socket) {
  const std::string sector = std::to_string(spec.sector_bytes);
  // clang-format off
  return {spec.program,
          "-nodefaults", "-no-user-config", "-no-reboot",
          "-machine", "pc",
          "-accel", "tcg,thread=multi",
          "-m", std::to_string(spec.memory_mib),
          "-smp", "1",
          "-display", "none",
          "-serial", "stdio",
          "-blockdev", "driver=nbd,node-name=disk,cache.direct=on,server.type=unix,server.path=" +
                           escaped(socket),
          "-device", "virtio-blk-pci,drive=disk,logical_block_size=" + sector +
                         ",physical_block_size=" + sector,
          "-kernel", spec.kernel,
          "-initrd", spec.initrd,
          "-append", kKernelSettings + spec.command_line};
  // clang-format on
}

Result<Launch> prepare(const GuestSpec& spec) {
  Launch launch;
  launch.program = spec.program;
  std::string socket = spec.disk_socket;
  if (socket.size() > kSocketPathMax) {
    const auto slash = socket.rfind('/');
    launch.folder = Fd(::open(socket.substr(0, slash).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    socket = "/proc/self/fd/" + std::to_string(kFolderFd) + socket.substr(slash);
  }
  launch.arguments = arguments(spec, socket);
  launch.input = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  launch.console =
      Fd(::open(spec.console_log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (launch.console.get() < 0) {
    return Error{ErrorCode::kUnavailable,
                 "The guest's console " + spec.console_log + ": " + std::strerror(errno) + "."};
  }
  launch.errors = Fd(::memfd_create("qemu-errors", MFD_CLOEXEC));
  KEYTRAIL_CHECK(launch.errors.get() >= 0);
  return launch;
}

// In the child. Reports errno through `failed` if it can't become QEMU.
[[noreturn]] void become_qemu(const Launch& launch, const char* const* argv, pid_t parent,
                              int failed) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // It died before that.
  ::setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  const bool wired = ::dup2(launch.input.get(), 0) == 0 && ::dup2(launch.console.get(), 1) == 1 &&
                     ::dup2(launch.errors.get(), 2) == 2;
  unsigned first_closed = kFolderFd;
  if (launch.folder.get() >= 0) {
    if (failed == kFolderFd) failed = ::fcntl(failed, F_DUPFD_CLOEXEC, kFolderFd + 1);
    if (launch.folder.get() == kFolderFd) {
      ::fcntl(kFolderFd, F_SETFD, 0);
    } else {
      ::dup2(launch.folder.get(), kFolderFd);
    }
    ++first_closed;
  }
  ::close_range(first_closed, ~0U, CLOSE_RANGE_CLOEXEC);
  if (wired) ::execvp(launch.program.c_str(), const_cast<char* const*>(argv));
  const int error = errno;
  static_cast<void>(!::write(failed, &error, sizeof error));
  ::_exit(127);
}

// The pid, or why there is none.
Result<pid_t> launch_qemu(const Launch& launch) {
  std::vector<const char*> argv;
  for (const std::string& argument : launch.arguments) argv.push_back(argument.c_str());
  argv.push_back(nullptr);
  int ends[2];
  KEYTRAIL_CHECK(::pipe2(ends, O_CLOEXEC) == 0);
  Fd failed(ends[0]);
  Fd child_end(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become_qemu(launch, argv.data(), parent, child_end.get());
  child_end.reset();
  if (pid < 0) {
    return Error{ErrorCode::kUnavailable,
                 std::string("No process for the guest: ") + std::strerror(errno) + "."};
  }
  int error = 0;
  if (::read(failed.get(), &error, sizeof error) != sizeof error) return pid;
  ::waitpid(pid, nullptr, 0);
  if (error == ENOENT) {
    return Error{ErrorCode::kNotFound,
                 launch.program + " is not there: install Debian's qemu-system-x86 and seabios."};
  }
  return Error{ErrorCode::kUnavailable, launch.program + ": " + std::strerror(error) + "."};
}

// The last lines that QEMU wrote to its standard error, as one.
std::string last_words(const Fd& errors) {
  const off_t size = ::lseek(errors.get(), 0, SEEK_END);
  const off_t start = std::max<off_t>(0, size - static_cast<off_t>(kDetailBytesMax));
  std::string words(static_cast<std::size_t>(size - start), '\0');
  const ssize_t got = ::pread(errors.get(), words.data(), words.size(), start);
  words.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  while (!words.empty() && words.back() == '\n') words.pop_back();
  std::ranges::replace(words, '\n', ' ');
  return words;
}

GuestExit describe(const siginfo_t& info, bool ordered, const Fd& errors) {
  if (ordered) return {GuestExitKind::kEnded, {}};
  if (info.si_code == CLD_EXITED && info.si_status == 0) return {GuestExitKind::kPoweredOff, {}};
  std::string detail = info.si_code == CLD_EXITED
                           ? "QEMU ended with status " + std::to_string(info.si_status)
                           : std::string("QEMU was killed by ") + ::strsignal(info.si_status);
  if (const std::string words = last_words(errors); !words.empty()) detail += ": " + words;
  return {GuestExitKind::kFailed, std::move(detail)};
}

}  // namespace

struct GuestProcess::Watch {
  std::mutex mutex;
  std::condition_variable changed;
  pid_t pid = -1;        // Not reaped while `gone` is false, so it is nobody else's.
  bool gone = false;     // Guarded by `mutex`, like the next.
  bool ordered = false;  // We ended it.
  std::thread thread;

  void run(Launch launch, const OnExit& on_exit, std::promise<Result<void>> started);
};

Result<std::unique_ptr<GuestProcess>> GuestProcess::start(const GuestSpec& spec, OnExit on_exit) {
  Launch launch = TRY(prepare(spec));
  auto watch = std::make_unique<Watch>();
  std::promise<Result<void>> promise;
  auto started = promise.get_future();
  watch->thread =
      std::thread([raw = watch.get(), launch = std::move(launch), on_exit = std::move(on_exit),
                   promise = std::move(promise)]() mutable {
        raw->run(std::move(launch), on_exit, std::move(promise));
      });
  if (const Result<void> result = started.get(); !result.ok()) {
    watch->thread.join();
    return result.error();
  }
  return std::unique_ptr<GuestProcess>(new GuestProcess(std::move(watch)));
}

void GuestProcess::Watch::run(Launch launch, const OnExit& on_exit,
                              std::promise<Result<void>> started) {
  const Result<pid_t> launched = launch_qemu(launch);
  if (!launched.ok()) return started.set_value(launched.error());
  const pid_t child = *launched;
  pid = child;
  started.set_value({});
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) != 0) {
    KEYTRAIL_CHECK(errno == EINTR);
  }
  GuestExit exit;
  {
    const std::lock_guard lock(mutex);
    ::waitpid(child, nullptr, 0);
    gone = true;
    exit = describe(info, ordered, launch.errors);
    changed.notify_all();
  }
  if (on_exit) on_exit(exit);  // Last: this object may be gone afterwards.
}

GuestProcess::GuestProcess(std::unique_ptr<Watch> watch) : watch_(std::move(watch)) {}

GuestProcess::~GuestProcess() {
  end();
  if (watch_->thread.get_id() == std::this_thread::get_id()) {
    watch_->thread.detach();  // We are within on_exit.
  } else {
    watch_->thread.join();
  }
}

void GuestProcess::end() {
  std::unique_lock lock(watch_->mutex);
  if (watch_->gone) return;
  watch_->ordered = true;
  ::kill(watch_->pid, SIGTERM);
  if (watch_->changed.wait_for(lock, kGrace, [&] { return watch_->gone; })) return;
  ::kill(watch_->pid, SIGKILL);
  watch_->changed.wait(lock, [&] { return watch_->gone; });
}

int GuestProcess::pid() const { return watch_->pid; }

}  // namespace keytrail::esxi
