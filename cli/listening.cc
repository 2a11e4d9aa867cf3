#include "cli/listening.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <string_view>

#include "bus/secret/fd.h"
#include "kms/kmip/client.h"

namespace keytrail::cli {
namespace {

constexpr std::string_view kScheme = "tcp://";

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Addresses numeric_address(const kmip::Endpoint& at) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;  // No name is asked for.
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const bool is_found =
      getaddrinfo(at.host.c_str(), std::to_string(at.port).c_str(), &hints, &found) == 0;
  return {is_found ? found : nullptr, &freeaddrinfo};
}

// What became of a connection that is under way; 0: it stands, or nobody knows yet.
int error_of_connecting(int fd) {
  pollfd item{fd, POLLOUT, 0};
  (void)poll(&item, 1, kListeningWaitMs);
  int error = 0;
  socklen_t size = sizeof(error);
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : 0;
}

}  // namespace

bool may_listen(const std::string& endpoint) {
  if (!endpoint.starts_with(kScheme)) return true;
  const auto at = kmip::parse_endpoint(std::string_view(endpoint).substr(kScheme.size()));
  if (!at.ok()) return true;
  const Addresses address = numeric_address(*at);
  if (address == nullptr) return true;
  const Fd fd(socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.is_open()) return true;
  if (connect(fd.get(), address->ai_addr, address->ai_addrlen) == 0) return true;
  return (errno == EINPROGRESS ? error_of_connecting(fd.get()) : errno) != ECONNREFUSED;
}

}  // namespace keytrail::cli
