#include "esxi/service/guest_process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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

#include "esxi/disk/start_thread.h"

namespace keytrail::esxi {
namespace {

constexpr std::chrono::seconds kGrace{3};  // Between asking QEMU to go and making it.
constexpr std::size_t kDetailBytesMax = 512;
constexpr std::size_t kConsolePieceBytes = 16 * 1024;
constexpr const char* kKernelSettings = "console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off ";

// What is open in the child, by its number there; nothing else is.
enum ChildFd { kInput, kConsole, kErrors, kKernel, kInitrd, kSocketFolder, kChildFds };

// All that the child needs, made before the fork: afterwards it may only make system calls.
struct Launch {
  std::vector<std::string> arguments;
  std::string program;
  std::vector<Fd> inherited;  // by ChildFd
  Fd console;                 // Our end of it.
};

Error system_error(const std::string& doing) {
  return {ErrorCode::kUnavailable, doing + ": " + std::strerror(errno)};
}

// By this name QEMU opens what it inherited, whatever stands by then where it came from.
std::string path_of(ChildFd fd) { return "/proc/self/fd/" + std::to_string(fd); }

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
          "-kernel", path_of(kKernel),
          "-initrd", path_of(kInitrd),
          "-append", kKernelSettings + spec.command_line};
  // clang-format on
}

Result<Launch> prepare(GuestSpec spec) {
  const auto slash = spec.disk_socket.rfind('/');
  KEYTRAIL_CHECK(slash != std::string::npos);
  const std::string folder = spec.disk_socket.substr(0, slash + 1);
  Launch launch;
  launch.program = spec.program;
  launch.arguments = arguments(spec, path_of(kSocketFolder) + spec.disk_socket.substr(slash));
  launch.inherited.resize(kChildFds);
  launch.inherited[kKernel] = std::move(spec.kernel);
  launch.inherited[kInitrd] = std::move(spec.initrd);
  launch.inherited[kInput] = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  launch.inherited[kErrors] = Fd(::memfd_create("qemu-errors", MFD_CLOEXEC));
  launch.inherited[kSocketFolder] = Fd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  int ends[2] = {-1, -1};
  static_cast<void>(::pipe2(ends, O_CLOEXEC));
  launch.console = Fd(ends[0]);
  launch.inherited[kConsole] = Fd(ends[1]);
  if (!std::ranges::all_of(launch.inherited, &Fd::is_open)) {
    return system_error("making what the guest inherits");
  }
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
  // Out of each other's way first, then each to its number.
  std::array<int, kChildFds> from{};
  for (int at = 0; at < kChildFds; ++at) {
    from[at] = ::fcntl(launch.inherited[at].get(), F_DUPFD_CLOEXEC, kChildFds);
  }
  failed = ::fcntl(failed, F_DUPFD_CLOEXEC, kChildFds);
  bool wired = true;
  for (int at = 0; at < kChildFds; ++at) wired = wired && ::dup2(from[at], at) == at;
  ::close_range(kChildFds, ~0U, CLOSE_RANGE_CLOEXEC);
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
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("making a pipe to QEMU");
  Fd failed(ends[0]);
  Fd child_end(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become_qemu(launch, argv.data(), parent, child_end.get());
  child_end.reset();
  if (pid < 0) return system_error("making a process for the guest");
  int error = 0;
  if (::read(failed.get(), &error, sizeof error) != sizeof error) return pid;
  ::waitpid(pid, nullptr, 0);
  if (error == ENOENT) {
    return Error{ErrorCode::kNotFound,
                 launch.program + " is not there: install Debian's qemu-system-x86 and seabios"};
  }
  return Error{ErrorCode::kUnavailable, launch.program + ": " + std::strerror(error)};
}

// Until the guest has ended: QEMU alone has the other end, and it has no children.
void follow_console(const Fd& console, const GuestProcess::OnConsole& on_console) {
  std::vector<std::uint8_t> said(kConsolePieceBytes);
  while (true) {
    const ssize_t got = ::read(console.get(), said.data(), said.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    if (on_console) on_console(ByteView(said).first(static_cast<std::size_t>(got)));
  }
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

  void run(Launch launch, const OnConsole& on_console, const OnExit& on_exit,
           std::promise<Result<void>> started);
};

Result<std::unique_ptr<GuestProcess>> GuestProcess::start(GuestSpec spec, OnConsole on_console,
                                                          OnExit on_exit) {
  Launch launch = TRY(prepare(std::move(spec)));
  auto watch = std::make_unique<Watch>();
  std::promise<Result<void>> promise;
  auto started = promise.get_future();
  watch->thread = TRY(start_thread(
      [raw = watch.get(), launch = std::move(launch), on_console = std::move(on_console),
       on_exit = std::move(on_exit), promise = std::move(promise)]() mutable {
        raw->run(std::move(launch), on_console, on_exit, std::move(promise));
      }));
  if (const Result<void> result = started.get(); !result.ok()) {
    watch->thread.join();
    return result.error();
  }
  return std::unique_ptr<GuestProcess>(new GuestProcess(std::move(watch)));
}

void GuestProcess::Watch::run(Launch launch, const OnConsole& on_console, const OnExit& on_exit,
                              std::promise<Result<void>> started) {
  const Result<pid_t> launched = launch_qemu(launch);
  if (!launched.ok()) return started.set_value(launched.error());
  const pid_t child = *launched;
  pid = child;
  started.set_value({});
  const Fd errors = std::move(launch.inherited[kErrors]);
  launch.inherited.clear();  // QEMU's alone: the console has an end only when nobody else has it.
  follow_console(launch.console, on_console);
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) != 0) {
    KEYTRAIL_CHECK(errno == EINTR);
  }
  GuestExit exit;
  {
    const std::lock_guard lock(mutex);
    ::waitpid(child, nullptr, 0);
    gone = true;
    exit = describe(info, ordered, errors);
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
  ::kill(-watch_->pid, SIGTERM);  // The group: nobody in it keeps the console open.
  if (watch_->changed.wait_for(lock, kGrace, [&] { return watch_->gone; })) return;
  ::kill(-watch_->pid, SIGKILL);
  watch_->changed.wait(lock, [&] { return watch_->gone; });
}

int GuestProcess::pid() const { return watch_->pid; }

}  // namespace keytrail::esxi
