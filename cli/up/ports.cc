#include "cli/up/ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>
#include <vector>

namespace keytrail::cli {
namespace {

bool is_free(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
             sizeof(on));  // As the parts do: TIME_WAIT is no listener.
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool bound = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return bound;
}

}  // namespace

Result<void> Ports::check_free(int replicas) const {
  std::vector<std::pair<std::uint16_t, std::string>> wanted{
      {port(0), "the log's append socket"}, {port(1), "the log's live socket"},
      {port(2), "the log's read socket"},   {port(3), "the event store's commands"},
      {port(41), "the host channel"},       {port(42), "vCenter's commands"}};
  for (int i = 0; i < replicas; ++i) {
    const std::string name = "kms-" + std::to_string(i + 1);
    wanted.emplace_back(port(6 + i), "KMIP of " + name);
    wanted.emplace_back(port(20 + 3 * i), "the keyring of " + name);
    wanted.emplace_back(port(21 + 3 * i), "commands of " + name);
  }
  for (const auto& [number, what] : wanted) {
    if (!is_free(number)) {
      return Error{ErrorCode::kRefused,
                   "port " + std::to_string(number) + " is in use, and " + what +
                       " needs it; stop what listens there (ss -ltnp), or choose "
                       "other ports with --port-base"};
    }
  }
  return {};
}

}  // namespace keytrail::cli
