#include "kms/service/keyring_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#include <variant>

#include "bus/secret/fd.h"
#include "bus/secret/text.h"
#include "bus/wire/wake_event.h"
#include "kms/kmip/tls_stream.h"

namespace keytrail::kms {
namespace {

// In the form of ALPN: its length first.
constexpr unsigned char kAlpn[] = "\x12keytrail-keyring/1";
constexpr std::size_t kAlpnBytes = sizeof(kAlpn) - 1;
constexpr auto kConnectWithin = std::chrono::seconds(10);  // the port may serve others first
constexpr auto kVerdictWithin = std::chrono::seconds(10);
constexpr auto kHandoverWithin = std::chrono::seconds(60);
constexpr int kPauseMs = 50;
constexpr std::size_t kPieceBytesMax = std::size_t{64} << 20;

Error unavailable(std::string why) { return {ErrorCode::kUnavailable, std::move(why)}; }

Result<sockaddr_in> address_of(const std::string& endpoint) {
  constexpr std::string_view kScheme = "tcp://";
  const std::size_t colon = endpoint.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (!endpoint.starts_with(kScheme) || colon < kScheme.size() || colon == std::string::npos) {
    return Error{ErrorCode::kInvalid, "'" + endpoint + "' is no address like tcp://127.0.0.1:5710"};
  }
  const std::string host = endpoint.substr(kScheme.size(), colon - kScheme.size());
  const auto port = parse_decimal<std::uint16_t>(std::string_view(endpoint).substr(colon + 1));
  if (!port || inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
    return Error{ErrorCode::kInvalid, "'" + endpoint + "' has no IPv4 address and port"};
  }
  address.sin_port = htons(*port);
  return address;
}

std::string text_of(const sockaddr_in& address) {
  char host[INET_ADDRSTRLEN] = {};
  inet_ntop(AF_INET, &address.sin_addr, host, sizeof(host));
  return std::string(host) + ":" + std::to_string(ntohs(address.sin_port));
}

using Clock = kmip::WaitClock;

// Pieces with their lengths, over TLS with the port's protocol agreed on.
class Connection {
 public:
  // `stop`: becomes readable when there is no more time.
  static Result<Connection> make(const kmip::TlsContext& context, Fd socket,
                                 kmip::TlsStream::Side side, int stop, Clock::duration within) {
    Connection connection(kmip::TlsStream(std::move(socket), context, stop));
    connection.allow(within);
    TRY(connection.stream_.shake_hands(side));
    const unsigned char* chosen = nullptr;
    unsigned int chosen_bytes = 0;
    SSL_get0_alpn_selected(connection.ssl(), &chosen, &chosen_bytes);
    if (chosen_bytes != kAlpnBytes - 1 || std::memcmp(chosen, kAlpn + 1, chosen_bytes) != 0) {
      return unavailable("the peer speaks another protocol");
    }
    return connection;
  }

  // From now on: for all that follows, together.
  void allow(Clock::duration time) { stream_.allow(time); }

  [[nodiscard]] const ssl_st* ssl() const { return stream_.native(); }

  Result<void> write_piece(ByteView bytes) {
    const auto length = static_cast<std::uint32_t>(bytes.size());
    std::array<std::uint8_t, 4> header{};
    for (std::size_t i = 0; i < 4; ++i) header[i] = static_cast<std::uint8_t>(length >> 8 * i);
    TRY(stream_.write(header));
    return stream_.write(bytes);
  }
  Result<SecretBytes> read_piece() {
    std::array<std::uint8_t, 4> header{};
    TRY(stream_.read(header));
    std::uint32_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) length |= std::uint32_t{header[i]} << 8 * i;
    if (length > kPieceBytesMax) return unavailable("the peer sends more than can be");
    SecretBytes piece(length);
    TRY(stream_.read(piece.write(SecretAccess())));
    return piece;
  }

 private:
  explicit Connection(kmip::TlsStream stream) : stream_(std::move(stream)) {}

  kmip::TlsStream stream_;
};

int choose_alpn(ssl_st*, const unsigned char** out, unsigned char* out_bytes,
                const unsigned char* offered, unsigned int offered_bytes, void*) {
  unsigned char* chosen = nullptr;
  const int outcome =
      SSL_select_next_proto(&chosen, out_bytes, kAlpn, kAlpnBytes, offered, offered_bytes);
  *out = chosen;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

Result<Fd> connect_to(const std::string& endpoint, int stop_fd) {
  const sockaddr_in address = TRY(address_of(endpoint));
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const auto until = Clock::now() + kConnectWithin;
  int outcome =
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  if (outcome != 0 && errno == EINPROGRESS) {
    TRY(kmip::wait_for_socket(socket.get(), POLLOUT, until, stop_fd));
    socklen_t bytes = sizeof(outcome);
    if (getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &outcome, &bytes) != 0) outcome = errno;
  }
  if (outcome != 0) return unavailable("nobody answers at " + endpoint);
  return socket;
}

Result<Fd> listen_on(const std::string& endpoint) {
  const sockaddr_in address = TRY(address_of(endpoint));
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(socket.get(), 16) != 0) {
    return unavailable("The keyring port " + endpoint + " cannot be bound (" +
                       std::strerror(errno) + "): free it or configure another.");
  }
  return socket;
}

}  // namespace

class KeyringPort::Io {
 public:
  Io(Fd listener, kmip::TlsContext tls, std::chrono::milliseconds handshake_within,
     OnAsked on_asked, OnRefused on_refused)
      : listener_(std::move(listener)),
        tls_(std::move(tls)),
        handshake_within_(handshake_within),
        on_asked_(std::move(on_asked)),
        on_refused_(std::move(on_refused)),
        thread_([this] { run(); }) {}

  ~Io() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    stop_.set();
    answered_.notify_all();
    thread_.join();
  }

  using Verdict = std::variant<Handover, std::string>;
  void answer(AskerToken token, Verdict verdict) {
    const std::lock_guard lock(mutex_);
    if (token != asking_) return;
    verdict_.emplace(std::move(verdict));
    answered_.notify_all();
  }

  [[nodiscard]] std::string endpoint() const {
    sockaddr_in address{};
    socklen_t bytes = sizeof(address);
    getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &bytes);
    return "tcp://" + text_of(address);
  }

 private:
  void run() {
    for (;;) {
      pollfd waiting[] = {{listener_.get(), POLLIN, 0}, {stop_.fd(), POLLIN, 0}};
      ::poll(waiting, 2, -1);
      if (waiting[1].revents != 0) return;
      if (waiting[0].revents == 0) continue;
      sockaddr_in from{};
      socklen_t bytes = sizeof(from);
      Fd peer(::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&from), &bytes, SOCK_CLOEXEC));
      if (peer.is_open()) {
        serve(std::move(peer), text_of(from));
      } else {  // Out of descriptors, say: the next attempt may do better, but not at once.
        ::poll(&waiting[1], 1, kPauseMs);
      }
    }
  }

  void serve(Fd socket, const std::string& address) {
    Result<Connection> connection = Connection::make(
        tls_, std::move(socket), kmip::TlsStream::Side::kAccept, stop_.fd(), handshake_within_);
    if (!connection) {
      return on_refused_(address, "the TLS handshake failed: " + connection.error().detail);
    }
    const std::optional<Hash> certificate = kmip::peer_fingerprint(connection->ssl());
    if (!certificate) return on_refused_(address, "it showed no certificate");
    AskerToken token = 0;
    {
      const std::lock_guard lock(mutex_);
      token = ++asking_;
      verdict_.reset();
    }
    on_asked_(token, address, *certificate);
    std::unique_lock lock(mutex_);
    answered_.wait_for(lock, kVerdictWithin, [&] { return verdict_.has_value() || stopping_; });
    if (!verdict_) return;  // The joiner asks again.
    const Verdict verdict = std::move(*verdict_);
    verdict_.reset();
    lock.unlock();
    connection->allow(kHandoverWithin);
    (void)send(*connection, verdict);
  }

  static Result<void> send(Connection& connection, const Verdict& verdict) {
    if (const auto* reason = std::get_if<std::string>(&verdict)) {
      TRY(connection.write_piece({}));
      return connection.write_piece(as_bytes(*reason));
    }
    const auto& handover = std::get<Handover>(verdict);
    TRY(connection.write_piece(handover.keyring.read(SecretAccess())));
    TRY(connection.write_piece(handover.ca_key_pem.read(SecretAccess())));
    return connection.write_piece(as_bytes(handover.ca_certificate_pem));
  }

  const Fd listener_;
  const kmip::TlsContext tls_;
  const std::chrono::milliseconds handshake_within_;
  const OnAsked on_asked_;
  const OnRefused on_refused_;
  wire::WakeEvent stop_;
  std::mutex mutex_;
  std::condition_variable answered_;
  bool stopping_ = false;
  AskerToken asking_ = 0;
  std::optional<Verdict> verdict_;
  std::thread thread_;  // last: it uses all of the above
};

KeyringPort::KeyringPort(std::unique_ptr<Io> io) : io_(std::move(io)) {}
KeyringPort::~KeyringPort() = default;

Result<std::unique_ptr<KeyringPort>> KeyringPort::start(
    const std::string& endpoint, const kmip::TlsIdentity& identity, OnAsked on_asked,
    OnRefused on_refused, std::chrono::milliseconds handshake_within) {
  Fd listener = TRY(listen_on(endpoint));
  kmip::TlsContext tls = TRY(kmip::make_server_context(identity));
  SSL_CTX_set_min_proto_version(tls.native(), TLS1_3_VERSION);
  SSL_CTX_set_alpn_select_cb(tls.native(), choose_alpn, nullptr);
  return std::unique_ptr<KeyringPort>(
      new KeyringPort(std::make_unique<Io>(std::move(listener), std::move(tls), handshake_within,
                                           std::move(on_asked), std::move(on_refused))));
}

void KeyringPort::grant(AskerToken token, Handover handover) {
  io_->answer(token, std::move(handover));
}

void KeyringPort::refuse(AskerToken token, std::string reason) {
  io_->answer(token, std::move(reason));
}

std::string KeyringPort::endpoint() const { return io_->endpoint(); }

Result<Handover> fetch_keyring(const std::string& endpoint, const Hash& pinned,
                               const kmip::TlsIdentity& identity, int stop_fd) {
  const kmip::TlsContext tls =
      TRY(kmip::make_client_context(&identity, kmip::PinnedCertificate{pinned}));
  SSL_CTX_set_min_proto_version(tls.native(), TLS1_3_VERSION);
  SSL_CTX_set_alpn_protos(tls.native(), kAlpn, kAlpnBytes);
  Fd socket = TRY(connect_to(endpoint, stop_fd));
  Connection connection =
      TRY(Connection::make(tls, std::move(socket), kmip::TlsStream::Side::kConnect, stop_fd,
                           kConnectWithin));
  connection.allow(kVerdictWithin + kHandoverWithin);
  Handover handover;
  handover.keyring = TRY(connection.read_piece());
  SecretBytes second = TRY(connection.read_piece());
  if (handover.keyring.empty()) {
    return Error{ErrorCode::kRefused, std::string(as_text(second.read(SecretAccess())))};
  }
  handover.ca_key_pem = std::move(second);
  const SecretBytes certificate = TRY(connection.read_piece());
  handover.ca_certificate_pem = std::string(as_text(certificate.read(SecretAccess())));
  return handover;
}

}  // namespace keytrail::kms
