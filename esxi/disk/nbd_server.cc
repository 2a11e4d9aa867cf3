#include "esxi/disk/nbd_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <list>
#include <mutex>
#include <thread>

#include "bus/secret/fd.h"
#include "esxi/disk/nbd_connection.h"
#include "esxi/disk/start_thread.h"

namespace keytrail::disk {
namespace {

constexpr int kBacklog = 16;
constexpr int kExhaustedPauseMs = 100;
constexpr std::size_t kSocketPathMax = 100;  // sun_path has 108.

Error socket_error(std::string_view doing, const std::string& path) {
  return {ErrorCode::kUnavailable,
          std::string(doing) + " the disk's socket " + path + ": " + std::strerror(errno)};
}

// Binds `path`, however long it is: a long one through the descriptor of its folder.
Result<Fd> bind_socket(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const Fd folder_fd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder_fd.is_open()) return socket_error("making", path);
  const std::string bound = path.size() <= kSocketPathMax
                                ? path
                                : "/proc/self/fd/" + std::to_string(folder_fd.get()) + "/" + name;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (bound.size() >= sizeof address.sun_path) {
    return Error{ErrorCode::kInvalid, "the name of the disk's socket is too long: " + name};
  }
  std::memcpy(address.sun_path, bound.c_str(), bound.size() + 1);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.is_open()) return socket_error("making", path);
  ::unlinkat(folder_fd.get(), name.c_str(), 0);  // A dead server's: a live one has the disk's lock.
  const bool bound_well =
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::fchmodat(folder_fd.get(), name.c_str(), 0600, 0) == 0 &&  // Before anyone can connect.
      ::listen(fd.get(), kBacklog) == 0;
  if (!bound_well) return socket_error("making", path);
  return fd;
}

bool is_exhausted(int number) {
  return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
}

bool may_connect(int fd) {
  ucred peer{};
  socklen_t length = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
         (peer.uid == ::geteuid() || peer.uid == 0);
}

}  // namespace

struct NbdServer::Shared {
  struct Client {
    Fd fd;
    std::atomic<bool> done{false};
    std::thread thread;
  };

  explicit Shared(DiskEngine& served) : disk(served) {}

  DiskEngine& disk;
  std::string path;
  NbdExport exported;
  Report report;
  Fd listener;
  Fd wake;  // An eventfd: stop.
  std::thread acceptor;
  mutable std::mutex mutex;
  std::list<Client> clients;  // Guarded by `mutex`; a client's fd is closed only when it is joined.

  void accept_clients();
  void add_client(Fd fd);
  void reap();
  void stop();
};

Result<std::unique_ptr<NbdServer>> NbdServer::start(const std::string& socket_path,
                                                    std::string name, DiskEngine& disk,
                                                    Report report) {
  auto shared = std::make_unique<Shared>(disk);
  shared->path = socket_path;
  shared->exported = {
      .name = std::move(name), .size_bytes = disk.size_bytes(), .block_bytes = disk.sector_bytes()};
  shared->report = std::move(report);
  shared->wake = Fd(::eventfd(0, EFD_CLOEXEC));
  if (!shared->wake.is_open()) return socket_error("making", socket_path);
  shared->listener = TRY(bind_socket(socket_path));
  Result<std::thread> acceptor =
      start_thread([server = shared.get()] { server->accept_clients(); });
  if (!acceptor.ok()) {
    ::unlink(socket_path.c_str());
    return acceptor.error();
  }
  shared->acceptor = std::move(*acceptor);
  return std::unique_ptr<NbdServer>(new NbdServer(std::move(shared)));
}

NbdServer::NbdServer(std::unique_ptr<Shared> shared) : shared_(std::move(shared)) {}

NbdServer::~NbdServer() { stop(); }

void NbdServer::stop() { shared_->stop(); }

std::size_t NbdServer::connections() const {
  const std::lock_guard lock(shared_->mutex);
  return static_cast<std::size_t>(
      std::ranges::count_if(shared_->clients, [](const auto& client) { return !client.done; }));
}

void NbdServer::Shared::accept_clients() {
  while (true) {
    pollfd waiting[2] = {{listener.get(), POLLIN, 0}, {wake.get(), POLLIN, 0}};
    if (::poll(waiting, 2, -1) < 0 && errno != EINTR) return;
    if (waiting[1].revents != 0) return;
    if ((waiting[0].revents & POLLIN) == 0) continue;
    Fd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (fd.is_open()) {
      add_client(std::move(fd));
    } else if (is_exhausted(errno)) {
      // The client stays in the backlog, so the listener's poll would not wait.
      reap();
      if (::poll(&waiting[1], 1, kExhaustedPauseMs) > 0) return;
    }
  }
}

void NbdServer::Shared::add_client(Fd fd) {
  reap();
  std::unique_lock lock(mutex);
  if (!may_connect(fd.get()) || clients.size() >= kConnectionsMax) return;
  Client& client = clients.emplace_back();
  client.fd = std::move(fd);
  Result<std::thread> thread = start_thread([this, &client] {
    NbdConnection(client.fd.get(), exported, disk, report).run();
    ::shutdown(client.fd.get(), SHUT_RDWR);
    client.done = true;
  });
  if (thread.ok()) {
    client.thread = std::move(*thread);
    return;
  }
  clients.pop_back();  // Closed, so it knows; the others are served on.
  lock.unlock();
  if (report) report(thread.error());
}

void NbdServer::Shared::reap() {
  const std::lock_guard lock(mutex);
  for (auto client = clients.begin(); client != clients.end();) {
    if (!client->done) {
      ++client;
      continue;
    }
    client->thread.join();
    client = clients.erase(client);
  }
}

void NbdServer::Shared::stop() {
  if (!listener.is_open()) return;
  const std::uint64_t one = 1;
  KEYTRAIL_CHECK(::write(wake.get(), &one, sizeof one) == sizeof one);
  acceptor.join();
  listener.reset();
  wake.reset();
  ::unlink(path.c_str());
  for (Client& client : clients) {  // Nobody else is left to add one.
    ::shutdown(client.fd.get(), SHUT_RDWR);
    client.thread.join();
  }
  const std::lock_guard lock(mutex);
  clients.clear();
}

}  // namespace keytrail::disk
