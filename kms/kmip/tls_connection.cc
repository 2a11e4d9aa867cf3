#include "kms/kmip/tls_connection.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "kms/kmip/client.h"
#include "kms/kmip/tls.h"
#include "kms/kmip/ttlv.h"

namespace keytrail::kmip {
namespace {

constexpr int kNeverStops = -1;

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

TlsConnection::TlsConnection(Fd socket, std::string name, const TlsContext& context)
    : name_(std::move(name)), stream_(std::move(socket), context, kNeverStops) {}

Result<std::unique_ptr<TlsConnection>> TlsConnection::open(const Endpoint& server,
                                                           const TlsContext& context,
                                                           int timeout_ms) {
  const Addresses addresses = TRY(resolve(server));
  const auto until = WaitClock::now() + std::chrono::milliseconds(timeout_ms);
  const std::string name = server.host + ":" + std::to_string(server.port);
  int reason = 0;
  for (const addrinfo* at = addresses.get(); at != nullptr; at = at->ai_next) {
    Fd socket(::socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol));
    if (!socket.is_open()) {
      reason = errno;
      continue;
    }
    reason = ::connect(socket.get(), at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
    if (reason == EINPROGRESS) {
      socklen_t size = sizeof reason;
      if (!wait_for_socket(socket.get(), POLLOUT, until, kNeverStops)) {
        reason = ETIMEDOUT;
      } else {
        getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &reason, &size);
      }
    }
    if (reason != 0) continue;
    const int no_delay = 1;
    setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof no_delay);
    std::unique_ptr<TlsConnection> connection(new TlsConnection(std::move(socket), name, context));
    connection->stream_.allow(until - WaitClock::now());
    TRY(connection->shake_hands(server.host));
    return connection;
  }
  return Error{ErrorCode::kUnavailable, name + " cannot be reached: " + std::strerror(reason)};
}

Result<void> TlsConnection::shake_hands(const std::string& host) {
  ssl_st* tls = stream_.native();
  if (!is_address(host)) SSL_set_tlsext_host_name(tls, host.c_str());
  const Result<void> done = stream_.shake_hands(TlsStream::Side::kConnect);
  if (done) return {};
  const long verified = SSL_get_verify_result(tls);
  if (verified == X509_V_ERR_CERT_REJECTED) return failed("its certificate is not the pinned one");
  if (verified != X509_V_OK && SSL_get_verify_mode(tls) != SSL_VERIFY_NONE) {
    return failed(std::string("its certificate is not trusted: ") +
                  X509_verify_cert_error_string(verified));
  }
  return failed("the TLS handshake: " + done.error().detail);
}

Result<SecretBytes> TlsConnection::exchange(SecretBytes request, int timeout_ms) {
  stream_.allow(std::chrono::milliseconds(timeout_ms));
  const Result<void> sent = stream_.write(request.read(SecretAccess()));
  request.wipe();
  if (!sent) return failed("sending a request: " + sent.error().detail);

  const auto read = [&](std::span<std::uint8_t> bytes) -> Result<void> {
    const Result<void> done = stream_.read(bytes);
    if (!done) return failed("waiting for an answer: " + done.error().detail);
    return {};
  };
  std::uint8_t header[ttlv::kHeaderBytes];
  TRY(read(header));
  const Result<std::size_t> size =
      ttlv::announced_bytes(header, Tag::kResponseMessage, ttlv::Limits());
  if (!size) return failed(size.error().detail);
  SecretBytes answer(*size);
  const std::span<std::uint8_t> place = answer.write(SecretAccess());
  std::copy(std::begin(header), std::end(header), place.begin());
  TRY(read(place.subspan(sizeof header)));
  return answer;
}

Error TlsConnection::failed(const std::string& what) const {
  return {ErrorCode::kUnavailable, "key server " + name_ + ": " + what};
}

std::optional<Hash> TlsConnection::peer_fingerprint() const {
  return kmip::peer_fingerprint(stream_.native());
}
std::string TlsConnection::peer_certificate() const {
  return kmip::peer_certificate(stream_.native());
}

}  // namespace keytrail::kmip
