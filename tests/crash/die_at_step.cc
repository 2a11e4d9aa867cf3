// Preloaded into a process (LD_PRELOAD): makes it die by SIGKILL at a step of its work.
//
// A step is a change of a file in a folder (made, written, cut, reserved, renamed, removed, synced)
// or a message to the log, before it and once more right after it has left. The program itself
// knows nothing of this: what is watched are its calls to the C library.
//   DIE_FOLDER   the folder whose changes are steps
//   DIE_PORT     the port whose messages are steps (the log's append socket)
//   DIE_AT       a file: while it is there, steps are counted, anew for each new content; the
//                process dies at the one whose number it begins with (0: at none)
//   DIE_TRACE    a file: one line a step
// Threads: any.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

namespace {

// Shorter ones are heartbeats and subscriptions, not facts.
constexpr std::size_t kMessageBytesMin = 200;

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

const char* setting(const char* name) {
  const char* value = ::getenv(name);
  return value == nullptr ? "" : value;
}

// Straight to the kernel: these would be steps themselves.
int raw_open(const char* path, int flags) {
  return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600));
}
void raw_write(int fd, const char* text, std::size_t bytes) {
  static_cast<void>(!::syscall(SYS_write, fd, text, bytes));
}

// Empty: steps do not count now.
std::string order() {
  const int fd = raw_open(setting("DIE_AT"), O_RDONLY);
  if (fd < 0) return {};
  char text[32] = {};
  static_cast<void>(!::syscall(SYS_read, fd, text, sizeof text - 1));
  ::syscall(SYS_close, fd);
  return text;
}

void step(const std::string& what) {
  static std::mutex mutex;
  static std::string followed;  // guarded by `mutex`, like the next
  static int steps = 0;
  const std::lock_guard lock(mutex);
  const std::string now = order();
  if (now.empty()) return;
  if (now != followed) steps = 0;
  followed = now;
  const int wanted = std::atoi(now.c_str());
  const int number = ++steps;
  const std::string line = std::to_string(number) + " " + what + "\n";
  const int trace = raw_open(setting("DIE_TRACE"), O_WRONLY | O_CREAT | O_APPEND);
  raw_write(trace, line.data(), line.size());
  ::syscall(SYS_close, trace);
  if (number == wanted) ::kill(::getpid(), SIGKILL);
}

std::string path_of(int fd) {
  char target[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t got = ::readlink(link.c_str(), target, sizeof target);
  return got < 0 ? "" : std::string(target, static_cast<std::size_t>(got));
}

std::string path_at(int folder, const char* name) {
  return folder == AT_FDCWD || name[0] == '/' ? name : path_of(folder) + "/" + name;
}

void file_step(const char* doing, const std::string& path) {
  const std::string folder = setting("DIE_FOLDER");
  if (!folder.empty() && path.starts_with(folder)) {
    step(std::string(doing) + " " + path.substr(folder.size()));
  }
}

bool is_message_to_the_log(int fd, std::size_t bytes) {
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  return bytes >= kMessageBytesMin &&
         ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
         peer.sin_family == AF_INET && ntohs(peer.sin_port) == std::atoi(setting("DIE_PORT"));
}

}  // namespace

extern "C" {

int openat(int folder, const char* name, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if ((flags & (O_CREAT | O_TRUNC)) != 0) file_step("make", path_at(folder, name));
  return real<int(int, const char*, int, ...)>("openat")(folder, name, flags, mode);
}

ssize_t pwrite(int fd, const void* bytes, std::size_t count, off_t offset) {
  file_step("write", path_of(fd));
  return real<ssize_t(int, const void*, std::size_t, off_t)>("pwrite")(fd, bytes, count, offset);
}

ssize_t write(int fd, const void* bytes, std::size_t count) {
  file_step("write", path_of(fd));
  return real<ssize_t(int, const void*, std::size_t)>("write")(fd, bytes, count);
}

int ftruncate(int fd, off_t size) {
  file_step("cut", path_of(fd));
  return real<int(int, off_t)>("ftruncate")(fd, size);
}

int posix_fallocate(int fd, off_t offset, off_t size) {
  file_step("reserve", path_of(fd));
  return real<int(int, off_t, off_t)>("posix_fallocate")(fd, offset, size);
}

int renameat(int from_folder, const char* from, int to_folder, const char* to) {
  file_step("rename", path_at(from_folder, from));
  return real<int(int, const char*, int, const char*)>("renameat")(from_folder, from, to_folder,
                                                                   to);
}

int unlinkat(int folder, const char* name, int flags) {
  file_step("remove", path_at(folder, name));
  return real<int(int, const char*, int)>("unlinkat")(folder, name, flags);
}

int fsync(int fd) {
  file_step("sync", path_of(fd));
  return real<int(int)>("fsync")(fd);
}

int fdatasync(int fd) {
  file_step("sync", path_of(fd));
  return real<int(int)>("fdatasync")(fd);
}

ssize_t send(int fd, const void* bytes, std::size_t count, int flags) {
  const bool counts = is_message_to_the_log(fd, count);
  if (counts) step("append");
  const ssize_t sent =
      real<ssize_t(int, const void*, std::size_t, int)>("send")(fd, bytes, count, flags);
  if (counts) step("appended");
  return sent;
}

}  // extern "C"
