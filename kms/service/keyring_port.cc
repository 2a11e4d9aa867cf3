#include "kms/service/keyring_port.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
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

namespace keytrail::kms {
namespace {

// In the form of ALPN: its length first.
constexpr unsigned char kAlpn[] = "\x12keytrail-keyring/1";
constexpr std::size_t kAlpnBytes = sizeof(kAlpn) - 1;
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

using Clock = std::chrono::steady_clock;

Result<void> wait_for(const Fd& socket, short wanted, int stop_fd, Clock::time_point until) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
  if (left.count() <= 0) return unavailable("the peer takes too long");
  pollfd waiting[] = {{socket.get(), wanted, 0}, {stop_fd, POLLIN, 0}};
  ::poll(waiting, 2, static_cast<int>(left.count()) + 1);
  if (waiting[1].revents != 0) return unavailable("this replica stops");
  return {};
}

void never_block(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

// One TLS connection. Whatever the peer sends and however slowly, what is done with it ends in
// time.
class Connection {
 public:
  enum class Side { kAccept, kConnect };

  // `stop`: becomes readable when there is no more time.
  static Result<Connection> make(const kmip::TlsContext& context, Fd socket, Side side, int stop,
                                 Clock::duration within) {
    never_block(socket.get());
    Connection connection(SSL_new(context.native()), std::move(socket), stop);
    KEYTRAIL_CHECK(connection.ssl_ != nullptr);
    ssl_st* ssl = connection.ssl_.get();
    SSL_set_fd(ssl, connection.socket_.get());
    connection.until_ = Clock::now() + within;
    TRY(connection.drive("no TLS connection: ", [&] {
      return side == Side::kAccept ? SSL_accept(ssl) : SSL_connect(ssl);
    }));
    const unsigned char* chosen = nullptr;
    unsigned int chosen_bytes = 0;
    SSL_get0_alpn_selected(ssl, &chosen, &chosen_bytes);
    if (chosen_bytes != kAlpnBytes - 1 || std::memcmp(chosen, kAlpn + 1, chosen_bytes) != 0) {
      return unavailable("the peer speaks another protocol");
    }
    return connection;
  }

  // From now on: for all that follows, together.
  void allow(Clock::duration time) { until_ = Clock::now() + time; }

  [[nodiscard]] const ssl_st* ssl() const { return ssl_.get(); }

  Result<void> write(ByteView bytes) {
    while (!bytes.empty()) {
      std::size_t written = 0;
      TRY(drive("the connection broke: ",
                [&] { return SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written); }));
      bytes = bytes.subspan(written);
    }
    return {};
  }
  Result<void> read(std::span<std::uint8_t> bytes) {
    while (!bytes.empty()) {
      std::size_t got = 0;
      TRY(drive("the connection broke: ",
                [&] { return SSL_read_ex(ssl_.get(), bytes.data(), bytes.size(), &got); }));
      bytes = bytes.subspan(got);
    }
    return {};
  }

  Result<void> write_piece(ByteView bytes) {
    const auto length = static_cast<std::uint32_t>(bytes.size());
    std::array<std::uint8_t, 4> header{};
    for (std::size_t i = 0; i < 4; ++i) header[i] = static_cast<std::uint8_t>(length >> 8 * i);
    TRY(write(header));
    return write(bytes);
  }
  Result<SecretBytes> read_piece() {
    std::array<std::uint8_t, 4> header{};
    TRY(read(header));
    std::uint32_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) length |= std::uint32_t{header[i]} << 8 * i;
    if (length > kPieceBytesMax) return unavailable("the peer sends more than can be");
    SecretBytes piece(length);
    TRY(read(piece.write(SecretAccess())));
    return piece;
  }

 private:
  struct Free {
    void operator()(ssl_st* ssl) const { SSL_free(ssl); }
  };
  Connection(ssl_st* ssl, Fd socket, int stop)
      : socket_(std::move(socket)), ssl_(ssl), stop_(stop) {}

  // Repeats a step of OpenSSL's until it is done, cannot be done, or its time is over.
  template <class Step>
  Result<void> drive(const char* doing, Step step) {
    for (;;) {
      ERR_clear_error();  // What an earlier call left there would be taken for this one's.
      const int done = step();
      if (done == 1) return {};
      const int why = SSL_get_error(ssl_.get(), done);
      if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
        return unavailable(doing + kmip::tls_error_text());
      }
      TRY(wait_for(socket_, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, stop_, until_));
    }
  }

  Fd socket_;
  std::unique_ptr<ssl_st, Free> ssl_;
  int stop_;
  Clock::time_point until_;
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
  const auto until = Clock::now() + KeyringPort::kHandshakeWithin;
  int outcome =
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  if (outcome != 0 && errno == EINPROGRESS) {
    TRY(wait_for(socket, POLLOUT, stop_fd, until));
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
    sigset_t pipe;  // A peer that is gone while it is written to is an error like another.
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
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
        tls_, std::move(socket), Connection::Side::kAccept, stop_.fd(), handshake_within_);
    if (!connection) return on_refused_(address, connection.error().detail);
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
  Connection connection = TRY(Connection::make(tls, std::move(socket), Connection::Side::kConnect,
                                               stop_fd, KeyringPort::kHandshakeWithin));
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
