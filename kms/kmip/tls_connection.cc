#include "kms/kmip/tls_connection.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "kms/kmip/client.h"
#include "kms/kmip/ttlv.h"

namespace keytrail::kmip {
namespace {

// A peer that closes makes OpenSSL's plain write() raise SIGPIPE; no library may let that end the
// process, nor change what the process does with the signal elsewhere.
class NoPipeSignal {
 public:
  NoPipeSignal() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoPipeSignal() {
    const timespec now{0, 0};
    if (!was_pending_) sigtimedwait(&pipe_, nullptr, &now);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;

 private:
  sigset_t pipe_;
  sigset_t before_;
  bool was_pending_ = false;
};

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Result<Addresses> resolve(const Endpoint& server) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(server.port);
  const int error = getaddrinfo(server.host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) {
    return Error{ErrorCode::kUnavailable,
                 "the name \"" + server.host + "\" was not found: " + gai_strerror(error)};
  }
  return Addresses(found);
}

bool is_address(const std::string& host) {
  ASN1_OCTET_STRING* bytes = a2i_IPADDRESS(host.c_str());
  ASN1_OCTET_STRING_free(bytes);
  ERR_clear_error();
  return bytes != nullptr;
}

}  // namespace

class TlsConnection::Deadline {
 public:
  explicit Deadline(int timeout_ms) : end_(Clock::now() + std::chrono::milliseconds(timeout_ms)) {}
  [[nodiscard]] int left_ms() const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - Clock::now()).count();
    return static_cast<int>(std::max<decltype(left)>(left, 0));
  }
  // Whether the socket became ready before the deadline.
  [[nodiscard]] bool wait_for(int socket, short events) const {
    pollfd ready{socket, events, 0};
    for (;;) {
      const int count = poll(&ready, 1, left_ms());
      if (count >= 0 || errno != EINTR) return count > 0;
    }
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point end_;
};

TlsConnection::TlsConnection(int socket, std::string name, const TlsContext& context)
    : socket_(socket), name_(std::move(name)), tls_(SSL_new(context.native())) {
  KEYTRAIL_CHECK(tls_ != nullptr && SSL_set_fd(tls_, socket_) == 1);
}

TlsConnection::~TlsConnection() {
  const NoPipeSignal no_signal;
  SSL_shutdown(tls_);  // Says goodbye; does not wait for the other's.
  ERR_clear_error();
  SSL_free(tls_);
  close(socket_);
}

Result<std::unique_ptr<TlsConnection>> TlsConnection::open(const Endpoint& server,
                                                           const TlsContext& context,
                                                           int timeout_ms) {
  const Addresses addresses = TRY(resolve(server));
  const Deadline deadline(timeout_ms);
  const std::string name = server.host + ":" + std::to_string(server.port);
  int reason = 0;
  for (const addrinfo* at = addresses.get(); at != nullptr; at = at->ai_next) {
    const int socket =
        ::socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol);
    if (socket < 0) {
      reason = errno;
      continue;
    }
    reason = ::connect(socket, at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
    if (reason == EINPROGRESS) {
      socklen_t size = sizeof reason;
      if (!deadline.wait_for(socket, POLLOUT)) {
        reason = ETIMEDOUT;
      } else {
        getsockopt(socket, SOL_SOCKET, SO_ERROR, &reason, &size);
      }
    }
    if (reason != 0) {
      close(socket);
      continue;
    }
    const int no_delay = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof no_delay);
    std::unique_ptr<TlsConnection> connection(new TlsConnection(socket, name, context));
    TRY(connection->shake_hands(server.host, deadline));
    return connection;
  }
  return Error{ErrorCode::kUnavailable, name + " cannot be reached: " + std::strerror(reason)};
}

Result<void> TlsConnection::shake_hands(const std::string& host, const Deadline& deadline) {
  const NoPipeSignal no_signal;
  if (!is_address(host)) SSL_set_tlsext_host_name(tls_, host.c_str());
  ERR_clear_error();
  for (;;) {
    const int result = SSL_connect(tls_);
    if (result == 1) return {};
    const long verified = SSL_get_verify_result(tls_);
    if (verified == X509_V_ERR_CERT_REJECTED) {
      return failed("its certificate is not the pinned one");
    }
    if (verified != X509_V_OK && SSL_get_verify_mode(tls_) != SSL_VERIFY_NONE) {
      return failed(std::string("its certificate is not trusted: ") +
                    X509_verify_cert_error_string(verified));
    }
    TRY(wait(result, deadline, "the TLS handshake"));
  }
}

Result<SecretBytes> TlsConnection::exchange(SecretBytes request, int timeout_ms) {
  const NoPipeSignal no_signal;
  const Deadline deadline(timeout_ms);
  TRY(write(request.read(SecretAccess()), deadline));
  request.wipe();

  std::uint8_t header[ttlv::kHeaderBytes];
  TRY(read(header, deadline));
  const Result<std::size_t> size =
      ttlv::announced_bytes(header, Tag::kResponseMessage, ttlv::Limits());
  if (!size) return failed(size.error().detail);
  SecretBytes answer(*size);
  const std::span<std::uint8_t> place = answer.write(SecretAccess());
  std::copy(std::begin(header), std::end(header), place.begin());
  TRY(read(place.subspan(sizeof header), deadline));
  return answer;
}

Result<void> TlsConnection::write(ByteView bytes, const Deadline& deadline) {
  while (!bytes.empty()) {
    std::size_t written = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(tls_, bytes.data(), bytes.size(), &written);
    if (result == 1) {
      bytes = bytes.subspan(written);
    } else {
      TRY(wait(result, deadline, "sending a request"));
    }
  }
  return {};
}

Result<void> TlsConnection::read(std::span<std::uint8_t> bytes, const Deadline& deadline) {
  while (!bytes.empty()) {
    std::size_t got = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(tls_, bytes.data(), bytes.size(), &got);
    if (result == 1) {
      bytes = bytes.subspan(got);
    } else {
      TRY(wait(result, deadline, "waiting for an answer"));
    }
  }
  return {};
}

Result<void> TlsConnection::wait(int result, const Deadline& deadline, const char* doing) {
  const int wanted = SSL_get_error(tls_, result);
  switch (wanted) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      if (deadline.wait_for(socket_, wanted == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT)) return {};
      return failed(std::string("no end of ") + doing + " in time");
    case SSL_ERROR_ZERO_RETURN:
      return failed(std::string("it closed the connection, ") + doing);
    case SSL_ERROR_SYSCALL:
      if (ERR_peek_error() == 0) {
        return failed(std::string(doing) + ": " +
                      (errno == 0 ? "the connection broke" : std::strerror(errno)));
      }
      [[fallthrough]];
    default:
      return failed(std::string(doing) + ": " + tls_error_text());
  }
}

Error TlsConnection::failed(const std::string& what) const {
  ERR_clear_error();
  return {ErrorCode::kUnavailable, "key server " + name_ + ": " + what};
}

std::optional<Hash> TlsConnection::peer_fingerprint() const { return kmip::peer_fingerprint(tls_); }
std::string TlsConnection::peer_certificate() const { return kmip::peer_certificate(tls_); }

}  // namespace keytrail::kmip
