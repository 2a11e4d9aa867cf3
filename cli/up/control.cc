#include "cli/up/control.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "bus/secret/file.h"
#include "bus/wire/wake_event.h"
#include "cli/json_fields.h"
#include "cli/listening.h"

namespace keytrail::cli {
namespace {

constexpr std::size_t kLineBytesMax = 4096;
constexpr std::size_t kClientsMax = 16;
constexpr int kAnswerTimeoutMs = 20'000;

// A socket address for any path: a long one goes through a descriptor of its folder, which `folder`
// keeps open.
struct Address {
  sockaddr_un bytes{};
  int folder = -1;

  explicit Address(const std::string& path) {
    bytes.sun_family = AF_UNIX;
    std::string name = path;
    if (name.size() >= sizeof(bytes.sun_path)) {
      folder = open(folder_of(path).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
      name = "/proc/self/fd/" + std::to_string(folder) + "/" + path.substr(path.rfind('/') + 1);
    }
    KEYTRAIL_CHECK(name.size() < sizeof(bytes.sun_path));
    std::memcpy(bytes.sun_path, name.c_str(), name.size() + 1);
  }
  ~Address() {
    if (folder >= 0) close(folder);
  }
  Address(const Address&) = delete;
  Address& operator=(const Address&) = delete;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }
};

bool answers(const Address& address) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool connected = connect(fd, address.get(), sizeof(address.bytes)) == 0;
  close(fd);
  return connected;
}

bool send_all(int fd, const std::string& text) {
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t n = send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n <= 0 && errno != EINTR) return false;
    if (n > 0) sent += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

Result<ControlServer> ControlServer::listen(const std::string& path, Handle handle) {
  const Address address(path);
  if (answers(address)) {
    return Error{ErrorCode::kConflict, "another `keytrail up` already listens on " + path};
  }
  unlink(path.c_str());  // Left by one that was killed.
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const mode_t mask = umask(0177);
  const bool bound = bind(fd, address.get(), sizeof(address.bytes)) == 0 && ::listen(fd, 16) == 0;
  umask(mask);
  if (!bound) {
    const Error error{ErrorCode::kUnavailable,
                      "cannot listen on " + path + ": " + std::strerror(errno)};
    close(fd);
    return error;
  }
  return ControlServer(path, fd, std::move(handle));
}

ControlServer::ControlServer(std::string path, int fd, Handle handle)
    : path_(std::move(path)), fd_(fd), handle_(std::move(handle)) {}

ControlServer::ControlServer(ControlServer&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      handle_(std::move(other.handle_)),
      clients_(std::move(other.clients_)) {}

ControlServer::~ControlServer() {
  if (fd_ < 0) return;
  for (const Client& client : clients_) close(client.fd);
  close(fd_);
  unlink(path_.c_str());
}

std::vector<int> ControlServer::fds() const {
  std::vector<int> fds{fd_};
  for (const Client& client : clients_) fds.push_back(client.fd);
  return fds;
}

void ControlServer::step() {
  while (clients_.size() < kClientsMax) {
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) break;
    clients_.push_back({fd, ""});
  }
  for (auto client = clients_.begin(); client != clients_.end();) {
    if (!wire::is_readable(client->fd) || serve(*client)) {
      ++client;
      continue;
    }
    close(client->fd);
    client = clients_.erase(client);
  }
}

// False: this connection is over.
bool ControlServer::serve(Client& client) {
  char buffer[kLineBytesMax];
  const ssize_t n = recv(client.fd, buffer, sizeof(buffer), 0);
  if (n <= 0) return n < 0 && (errno == EAGAIN || errno == EINTR);
  client.input.append(buffer, static_cast<std::size_t>(n));
  for (std::size_t end = client.input.find('\n'); end != std::string::npos;
       end = client.input.find('\n')) {
    const std::string line = client.input.substr(0, end);
    client.input.erase(0, end + 1);
    if (!send_all(client.fd, handle_(line) + "\n")) return false;
  }
  return client.input.size() <= kLineBytesMax;
}

Result<void> check_not_held_down(const std::string& data, const std::string& part,
                                 const std::string& endpoint) {
  if (may_listen(endpoint)) return {};
  const Result<std::string> answer = ask_supervisor(data, R"({"command":"status"})");
  if (!answer.ok()) return {};
  const boost::json::object status = TRY(parse_object(*answer, "the supervisor's answer"));
  for (const boost::json::object* row : objects_at(status, "parts")) {
    if (text_at(*row, "name") != part || text_at(*row, "condition") != kHeldDown) continue;
    return Error{ErrorCode::kUnavailable,
                 part + " is down; start it with `keytrail part start " + part + "`"};
  }
  return {};
}

Result<std::string> ask_supervisor(const std::string& data, const std::string& request) {
  const std::string path = data + "/run/up.sock";
  const Error none{
      ErrorCode::kUnavailable,
      "no `keytrail up` runs in " + data + "; start one with `keytrail up --data " + data + "`"};
  if (access(path.c_str(), F_OK) != 0) return none;
  const Address address(path);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string answer;
  const bool sent =
      connect(fd, address.get(), sizeof(address.bytes)) == 0 && send_all(fd, request + "\n");
  while (sent && answer.find('\n') == std::string::npos) {
    pollfd item{fd, POLLIN, 0};
    char buffer[kLineBytesMax];
    if (poll(&item, 1, kAnswerTimeoutMs) <= 0) break;
    const ssize_t n = recv(fd, buffer, sizeof(buffer), 0);
    if (n <= 0) break;
    answer.append(buffer, static_cast<std::size_t>(n));
  }
  close(fd);
  if (answer.find('\n') == std::string::npos) return none;
  return answer.substr(0, answer.find('\n'));
}

}  // namespace keytrail::cli
