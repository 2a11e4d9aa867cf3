#include "tests/bench/peers/line_client.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "bus/secret/check.h"

namespace keytrail::bench {

namespace {

constexpr std::string_view kPong = "PONG\r\n";
constexpr int kPatienceMs = 1000;

Fd connect_unix(const std::string& path) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un at{.sun_family = AF_UNIX, .sun_path = {}};
  KEYTRAIL_CHECK(path.size() < sizeof at.sun_path);
  path.copy(at.sun_path, path.size());
  KEYTRAIL_CHECK(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
  return fd;
}

Fd connect_loopback(int port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in at{.sin_family = AF_INET,
                       .sin_port = ::htons(static_cast<std::uint16_t>(port)),
                       .sin_addr = {.s_addr = ::htonl(INADDR_LOOPBACK)}};
  KEYTRAIL_CHECK(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

std::string numbered(std::string text, std::size_t number) {
  const std::size_t at = text.find('#');
  return at == std::string::npos ? text : text.replace(at, 1, std::to_string(number));
}

}  // namespace

LineClient::LineClient(const std::string& address, LineProtocol protocol)
    : protocol_(std::move(protocol)),
      fd_(address.starts_with('/') ? connect_unix(address) : connect_loopback(std::stoi(address))),
      out_(protocol_.greeting) {
  flush();
}

void LineClient::fill(std::size_t in_flight_wanted) {
  for (; in_flight() < in_flight_wanted; ++requested_) out_ += protocol_.request;
  flush();
}

void LineClient::step() {
  std::array<char, 65'536> some{};
  for (;;) {
    const ssize_t size = ::recv(fd_.get(), some.data(), some.size(), MSG_DONTWAIT);
    KEYTRAIL_CHECK(size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR)));
    if (size < 0) break;
    in_.append(some.data(), static_cast<std::size_t>(size));
  }
  take_lines();
  flush();
}

void LineClient::take_lines() {
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = in_.find("\r\n", begin)) != std::string::npos; begin = end + 2) {
    const std::string_view line = std::string_view(in_).substr(begin, end - begin);
    switch (protocol_.meaning(line)) {
      case Line::kAnswer:
        ++completed_;
        break;
      case Line::kNothing:
        break;
      case Line::kPing:
        out_ += kPong;
        break;
      case Line::kError:
        std::fprintf(stderr, "a peer refused: %.*s\n", static_cast<int>(line.size()), line.data());
        KEYTRAIL_CHECK(false);
    }
  }
  in_.erase(0, begin);
}

void LineClient::flush() {
  if (out_.empty()) return;
  const ssize_t size =
      ::send(fd_.get(), out_.data() + sent_, out_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
  KEYTRAIL_CHECK(size >= 0 || errno == EAGAIN || errno == EINTR);
  if (size > 0) sent_ += static_cast<std::size_t>(size);
  if (sent_ < out_.size()) return;
  out_.clear();
  sent_ = 0;
}

void LineClient::wait(const Fleet<LineClient>& fleet) {
  std::vector<pollfd> fds;
  for (const auto& client : fleet) {
    const short out = client->out_.empty() ? 0 : POLLOUT;
    fds.push_back({client->fd_.get(), static_cast<short>(POLLIN | out), 0});
  }
  ::poll(fds.data(), fds.size(), kPatienceMs);
}

Fleet<LineClient> line_clients(const std::string& address, const LineProtocol& protocol,
                               std::size_t count) {
  Fleet<LineClient> fleet;
  for (std::size_t i = 0; i < count; ++i)
    fleet.push_back(std::make_unique<LineClient>(
        address, LineProtocol{.greeting = numbered(protocol.greeting, i),
                              .request = numbered(protocol.request, i),
                              .meaning = protocol.meaning}));
  return fleet;
}

}  // namespace keytrail::bench
