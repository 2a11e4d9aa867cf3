#include "kms/service/kmip_server.h"

#include <openssl/ssl.h>

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <future>
#include <thread>
#include <unordered_map>
#include <utility>

#include "kms/kmip/messages.h"

namespace keytrail::kms {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kTicketKeyPeriod = std::chrono::hours(1);
constexpr int kGoodbyeTimeoutMs = 1'000;

auto outcome_in(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

// Asio owns a context that it is given, so it gets a reference of its own.
SSL_CTX* shared(ssl_ctx_st* context) {
  KEYTRAIL_CHECK(SSL_CTX_up_ref(context) == 1);
  return context;
}

std::string address_of(const tcp::socket& socket) {
  error_code error;
  const tcp::endpoint peer = socket.remote_endpoint(error);
  if (error) return "unknown";
  const std::string address = peer.address().to_string();
  return (peer.address().is_v6() ? "[" + address + "]" : address) + ":" +
         std::to_string(peer.port());
}

std::int64_t now_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

// Everything here belongs to the server's thread, but for the constructor and what is marked.
class KmipServer::Io {
 public:
  Io(const KmipServerOptions& options, kmip::TlsContext tls, KmipRequestHandler& handler)
      : options_(options),
        handler_(handler),
        tls_(std::move(tls)),
        tls_for_asio_(shared(tls_.native())),
        work_(asio::make_work_guard(context_)),
        acceptor_(context_),
        ticket_timer_(context_) {}

  Result<void> bind();
  void run() {
    asio::co_spawn(context_, rotate_ticket_keys(), asio::detached);
    thread_ = std::thread([this] { context_.run(); });
  }
  void stop();  // Any thread.

  void respond(ConnectionId id, SecretBytes answer);
  void recognise(std::set<Hash> clients) { clients_ = std::move(clients); }
  Result<void> open_listener();
  void close_listener();

  // Any thread.
  template <class Function>
  void post(Function function) {
    asio::post(context_, std::move(function));
  }
  template <class Function>
  auto ask(Function function) {
    std::packaged_task<decltype(function())()> task(std::move(function));
    auto answer = task.get_future();
    asio::post(context_, std::move(task));
    return answer.get();
  }
  [[nodiscard]] std::uint16_t port() const { return bound_.port(); }

 private:
  // Lives in the frame of its coroutine.
  struct Connection {
    Connection(tcp::socket socket, asio::ssl::context& tls, ConnectionId number)
        : id(number),
          stream(std::move(socket), tls),
          watchdog(stream.get_executor()),
          answered(stream.get_executor()) {}
    void close() {
      error_code ignored;
      stream.lowest_layer().close(ignored);
      answered.cancel();
    }

    ConnectionId id;
    Peer peer;
    asio::ssl::stream<tcp::socket> stream;
    asio::steady_timer watchdog;  // Closes the connection when a step takes too long.
    asio::steady_timer answered;  // Never expires; cancelled when the answer is there.
    bool has_asked = false;
    bool gave_way = false;
    bool in_request = false;  // handed over, and its answer not written yet
    std::optional<SecretBytes> answer;
  };

  asio::awaitable<void> accept_connections(std::uint64_t opening);
  [[nodiscard]] bool make_room();
  asio::awaitable<void> serve(tcp::socket socket, ConnectionId id);
  asio::awaitable<bool> shake_hands(Connection& connection);
  asio::awaitable<void> converse(Connection& connection);
  // Nothing if there will be no further request.
  asio::awaitable<std::optional<SecretBytes>> read_request(Connection& connection);
  asio::awaitable<bool> write_answer(Connection& connection, SecretBytes answer);
  asio::awaitable<void> refuse_frame(Connection& connection, std::string why);
  asio::awaitable<void> say_goodbye(Connection& connection);
  asio::awaitable<void> rotate_ticket_keys();

  void watch(Connection& connection, int timeout_ms);
  [[nodiscard]] bool is_client(const Peer& peer) const {
    return peer.certificate_fingerprint && clients_.contains(*peer.certificate_fingerprint);
  }

  const KmipServerOptions options_;
  KmipRequestHandler& handler_;
  kmip::TlsContext tls_;
  tcp::endpoint bound_;
  std::unordered_map<ConnectionId, Connection*> connections_;
  ConnectionId next_id_ = 1;
  std::set<Hash> clients_;
  std::size_t buffered_bytes_ = 0;
  bool listening_ = false;
  std::uint64_t openings_ = 0;
  bool stopping_ = false;

  // After what its coroutines refer to, so that frames that are left over go first.
  asio::io_context context_{1};
  asio::ssl::context tls_for_asio_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  tcp::acceptor acceptor_;
  asio::steady_timer ticket_timer_;
  std::thread thread_;
};

Result<void> KmipServer::Io::bind() {
  error_code error;
  if (bound_.port() == 0) {
    const auto address = asio::ip::make_address(options_.address, error);
    if (error) {
      return Error{ErrorCode::kInvalid,
                   "\"" + options_.address + "\" is no IP address to listen on"};
    }
    bound_ = tcp::endpoint(address, options_.port);
  }
  acceptor_.open(bound_.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(bound_, error);
  if (error) {
    error_code ignored;
    acceptor_.close(ignored);
    return Error{ErrorCode::kUnavailable, "cannot listen on " + bound_.address().to_string() +
                                              " port " + std::to_string(bound_.port()) + ": " +
                                              error.message()};
  }
  if (bound_.port() == 0) bound_ = acceptor_.local_endpoint(error);
  return {};
}

Result<void> KmipServer::Io::open_listener() {
  if (listening_) return {};
  if (!acceptor_.is_open()) TRY(bind());
  error_code error;
  acceptor_.listen(tcp::acceptor::max_listen_connections, error);
  if (error) {
    return Error{ErrorCode::kUnavailable,
                 "cannot listen on port " + std::to_string(bound_.port()) + ": " + error.message()};
  }
  listening_ = true;
  asio::co_spawn(context_, accept_connections(++openings_), asio::detached);
  return {};
}

void KmipServer::Io::close_listener() {
  if (!listening_) return;
  listening_ = false;
  error_code ignored;
  acceptor_.close(ignored);
  for (auto& [id, connection] : connections_) {
    if (!connection->in_request) connection->close();
  }
  // Holds the port, unless somebody was faster: then opening tells.
  if (!stopping_) (void)bind().ok();
}

void KmipServer::Io::stop() {
  post([this] {
    stopping_ = true;
    close_listener();
    error_code ignored;
    acceptor_.close(ignored);
    ticket_timer_.cancel();
    for (auto& [id, connection] : connections_) connection->close();
    work_.reset();
  });
  thread_.join();
}

void KmipServer::Io::respond(ConnectionId id, SecretBytes answer) {
  const auto found = connections_.find(id);
  if (found == connections_.end() || !found->second->in_request) return;
  found->second->answer = std::move(answer);
  found->second->answered.cancel();
}

asio::awaitable<void> KmipServer::Io::accept_connections(std::uint64_t opening) {
  for (;;) {
    error_code error;
    tcp::socket socket = co_await acceptor_.async_accept(outcome_in(error));
    if (!listening_ || opening != openings_) co_return;  // Closed; perhaps opened anew.
    if (error) {  // Out of descriptors, say: the next attempt may do better, but not at once.
      asio::steady_timer pause(context_, std::chrono::milliseconds(50));
      co_await pause.async_wait(outcome_in(error));
    } else if (!make_room()) {
      handler_.on_refused({address_of(socket), std::nullopt}, "too many connections");
    } else {
      asio::co_spawn(context_, serve(std::move(socket), next_id_++), asio::detached);
    }
  }
}

// Before its handshake everybody is a stranger: where there is no room for one more, the one that
// has been here longest makes it, whatever it is doing.
bool KmipServer::Io::make_room() {
  std::size_t open = 0;
  std::size_t strangers = 0;
  Connection* oldest = nullptr;
  for (const auto& [id, connection] : connections_) {
    if (!connection->stream.lowest_layer().is_open()) continue;
    ++open;
    if (is_client(connection->peer)) continue;
    ++strangers;
    if (oldest == nullptr || id < oldest->id) oldest = connection;
  }
  if (open < options_.connections_max && strangers < options_.strangers_max) return true;
  if (oldest == nullptr) return false;
  oldest->gave_way = true;
  handler_.on_refused(oldest->peer, "it is no enrolled client and gave way to a newer connection");
  oldest->close();
  return true;
}

asio::awaitable<void> KmipServer::Io::serve(tcp::socket socket, ConnectionId id) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  Connection connection(std::move(socket), tls_for_asio_, id);
  connection.peer.address = address_of(connection.stream.next_layer());
  connections_.emplace(id, &connection);
  if (co_await shake_hands(connection)) {
    co_await converse(connection);
    co_await say_goodbye(connection);
    if (connection.has_asked) handler_.on_closed(id);
  }
  connections_.erase(id);
}

asio::awaitable<bool> KmipServer::Io::shake_hands(Connection& connection) {
  error_code error;
  watch(connection, options_.handshake_timeout_ms);
  co_await connection.stream.async_handshake(asio::ssl::stream_base::server, outcome_in(error));
  if (error) {
    if (listening_ && !connection.gave_way) {  // Else it is the server that ended it.
      handler_.on_refused(connection.peer, "the TLS handshake failed: " + error.message());
    }
    co_return false;
  }
  connection.peer.certificate_fingerprint =
      kmip::peer_fingerprint(connection.stream.native_handle());
  co_return true;
}

asio::awaitable<void> KmipServer::Io::converse(Connection& connection) {
  while (listening_) {
    std::optional<SecretBytes> request = co_await read_request(connection);
    if (!request) co_return;
    connection.in_request = true;
    connection.answered.expires_at(asio::steady_timer::time_point::max());
    connection.has_asked = true;
    watch(connection, options_.answer_timeout_ms);
    handler_.on_request(connection.id, connection.peer, *std::move(request));
    error_code cancelled;
    if (!connection.answer) co_await connection.answered.async_wait(outcome_in(cancelled));
    if (!connection.answer) co_return;  // Closed while it waited.
    SecretBytes answer = *std::exchange(connection.answer, std::nullopt);
    if (!co_await write_answer(connection, std::move(answer))) co_return;
    connection.in_request = false;
  }
}

asio::awaitable<std::optional<SecretBytes>> KmipServer::Io::read_request(Connection& connection) {
  error_code error;
  std::array<std::uint8_t, kmip::ttlv::kHeaderBytes> header{};
  watch(connection,
        is_client(connection.peer) ? options_.idle_timeout_ms : options_.stranger_idle_timeout_ms);
  std::size_t got =
      co_await connection.stream.async_read_some(asio::buffer(header), outcome_in(error));
  if (error) co_return std::nullopt;
  watch(connection, options_.request_timeout_ms);
  co_await asio::async_read(
      connection.stream, asio::buffer(header.data() + got, header.size() - got), outcome_in(error));
  if (error) co_return std::nullopt;

  kmip::ttlv::Limits limits;
  limits.message_bytes_max =
      is_client(connection.peer) ? options_.request_bytes_max : options_.stranger_request_bytes_max;
  const Result<std::size_t> size =
      kmip::ttlv::announced_bytes(header, kmip::Tag::kRequestMessage, limits);
  if (!size) {
    co_await refuse_frame(connection, size.error().detail);
    co_return std::nullopt;
  }
  if (*size > options_.buffered_bytes_max - buffered_bytes_) {
    co_await refuse_frame(connection, "the server is receiving too much at once; try again");
    co_return std::nullopt;
  }
  buffered_bytes_ += *size;
  // In ordinary memory until it is whole: what anybody may announce must not take up the locked
  // memory that the keys lie in.
  Bytes arriving(*size);
  std::copy(header.begin(), header.end(), arriving.begin());
  co_await asio::async_read(connection.stream,
                            asio::buffer(arriving.data() + header.size(), *size - header.size()),
                            outcome_in(error));
  buffered_bytes_ -= *size;
  std::optional<SecretBytes> request;
  if (!error) request = SecretBytes::copy_of(arriving);
  wipe(arriving);
  if (error) co_return std::nullopt;
  connection.watchdog.cancel();
  co_return request;
}

asio::awaitable<bool> KmipServer::Io::write_answer(Connection& connection, SecretBytes answer) {
  error_code error;
  const ByteView bytes = answer.read(SecretAccess());
  watch(connection, options_.request_timeout_ms);
  co_await asio::async_write(connection.stream, asio::buffer(bytes.data(), bytes.size()),
                             outcome_in(error));
  co_return !error;
}

// Where the next message begins is not known any more, so the connection ends with this answer.
asio::awaitable<void> KmipServer::Io::refuse_frame(Connection& connection, std::string why) {
  handler_.on_refused(connection.peer, why);
  const kmip::MalformedRequest request{kmip::kLowestVersion,
                                       {kmip::ResultReason::kInvalidMessage, std::move(why)}};
  (void)co_await write_answer(connection, kmip::encode_error_response(request, now_seconds()));
}

asio::awaitable<void> KmipServer::Io::say_goodbye(Connection& connection) {
  error_code ignored;
  if (!connection.stream.lowest_layer().is_open()) co_return;
  watch(connection, kGoodbyeTimeoutMs);
  co_await connection.stream.async_shutdown(outcome_in(ignored));
}

asio::awaitable<void> KmipServer::Io::rotate_ticket_keys() {
  for (;;) {
    error_code cancelled;
    ticket_timer_.expires_after(kTicketKeyPeriod);
    co_await ticket_timer_.async_wait(outcome_in(cancelled));
    if (cancelled || stopping_) co_return;
    tls_.rotate_ticket_keys();
  }
}

void KmipServer::Io::watch(Connection& connection, int timeout_ms) {
  connection.watchdog.expires_after(std::chrono::milliseconds(timeout_ms));
  connection.watchdog.async_wait([this, id = connection.id](const error_code& cancelled) {
    // A wait that had expired already cannot be cancelled: only a timer that is still due counts.
    const auto found = connections_.find(id);
    if (cancelled || found == connections_.end()) return;
    if (found->second->watchdog.expiry() <= asio::steady_timer::clock_type::now()) {
      found->second->close();
    }
  });
}

KmipServer::KmipServer(std::unique_ptr<Io> io) : io_(std::move(io)) {}
KmipServer::~KmipServer() { io_->stop(); }

Result<std::unique_ptr<KmipServer>> KmipServer::start(const KmipServerOptions& options,
                                                      kmip::TlsContext tls,
                                                      KmipRequestHandler& handler) {
  auto io = std::make_unique<Io>(options, std::move(tls), handler);
  TRY(io->bind());
  io->run();
  return std::unique_ptr<KmipServer>(new KmipServer(std::move(io)));
}

void KmipServer::respond(ConnectionId connection, SecretBytes answer) {
  io_->post([io = io_.get(), connection, answer = std::move(answer)]() mutable {
    io->respond(connection, std::move(answer));
  });
}

void KmipServer::recognise(std::set<Hash> clients) {
  io_->post([io = io_.get(), clients = std::move(clients)]() mutable {
    io->recognise(std::move(clients));
  });
}

void KmipServer::close_listener() {
  io_->post([io = io_.get()] { io->close_listener(); });
}

Result<void> KmipServer::open_listener() {
  return io_->ask([io = io_.get()] { return io->open_listener(); });
}

std::uint16_t KmipServer::port() const { return io_->port(); }

}  // namespace keytrail::kms
