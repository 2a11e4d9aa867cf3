#include "bus/wire/socket.h"

#include <zmq.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <tuple>

#include "bus/protocol/messages.h"
#include "bus/wire/context.h"

namespace keytrail::wire {

namespace {

constexpr int kZapEnforceDomain = 93;  // ZMQ_ZAP_ENFORCE_DOMAIN, which only the draft headers name
constexpr int kHandshakeTimeoutMs = 5000;
constexpr int kReconnectMs = 50;
constexpr int kReconnectMsMax = 1000;
constexpr int kRebindTriesMax = 200;
constexpr std::chrono::milliseconds kRebindPause{10};
constexpr int kMonitored = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                           ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_DISCONNECTED;

int zmq_kind(SocketKind kind) {
  switch (kind) {
    case SocketKind::kRouter:
      return ZMQ_ROUTER;
    case SocketKind::kDealer:
      return ZMQ_DEALER;
    case SocketKind::kXpub:
      return ZMQ_XPUB;
    case SocketKind::kSub:
      return ZMQ_SUB;
  }
  KEYTRAIL_CHECK(false);
}

void set(void* socket, int option, int value) {
  KEYTRAIL_CHECK(zmq_setsockopt(socket, option, &value, sizeof value) == 0);
}
[[nodiscard]] bool set(void* socket, int option, std::string_view text) {
  return zmq_setsockopt(socket, option, text.data(), text.size()) == 0;
}

const char* property(zmq_msg_t& message, const char* name) {
  const char* text = zmq_msg_gets(&message, name);
  return text != nullptr ? text : "";
}

// A frame that somebody wants to know of when libzmq lets go of it.
struct HeldFrame {
  Bytes bytes;
  std::shared_ptr<UnsentBytes> unsent;  // null: is not counted
  bool is_secret = false;
};

void let_go(void* /*data*/, void* held) {
  const std::unique_ptr<HeldFrame> frame(static_cast<HeldFrame*>(held));
  if (frame->unsent) frame->unsent->remove(frame->bytes.size());
  if (frame->is_secret) wipe(frame->bytes);
}

// What libzmq sends of `frame`: a copy, which is wiped when it lets go of it if it is a secret.
void make_message(zmq_msg_t& message, ByteView frame, bool is_secret,
                  const std::shared_ptr<UnsentBytes>& unsent) {
  if (!is_secret && !unsent) {
    KEYTRAIL_CHECK(zmq_msg_init_size(&message, frame.size()) == 0);
    std::copy(frame.begin(), frame.end(), static_cast<std::uint8_t*>(zmq_msg_data(&message)));
    return;
  }
  auto held = std::make_unique<HeldFrame>(
      HeldFrame{.bytes = to_bytes(frame), .unsent = unsent, .is_secret = is_secret});
  Bytes& bytes = held->bytes;
  if (unsent) unsent->add(bytes.size());
  KEYTRAIL_CHECK(zmq_msg_init_data(&message, bytes.data(), bytes.size(), let_go, held.get()) == 0);
  std::ignore = held.release();  // let_go's, from here on.
}

// False: refused. A signal leaves the frame unsent and refuses nothing.
bool send_frame(zmq_msg_t& part, void* socket, int more) {
  int sent = -1;
  do {
    sent = zmq_msg_send(&part, socket, ZMQ_DONTWAIT | more);
  } while (sent < 0 && zmq_errno() == EINTR);
  return sent >= 0;
}

// False: nothing there. A signal in the middle of a message ends nothing either.
bool receive_frame(zmq_msg_t& part, void* socket) {
  int received = -1;
  do {
    received = zmq_msg_recv(&part, socket, ZMQ_DONTWAIT);
  } while (received < 0 && zmq_errno() == EINTR);
  return received >= 0;
}

std::string next_monitor_endpoint() {
  static std::atomic<std::uint64_t> count{
      0};  // inproc names are per context, and must be unique there
  return "inproc://monitor-" + std::to_string(++count);
}

}  // namespace

struct Socket::Impl {
  Impl(Context& context, SocketKind kind, const SocketOptions& options)
      : carries_secrets(options.carries_secrets),
        socket(zmq_socket(context.handle(), zmq_kind(kind))) {
    KEYTRAIL_CHECK(socket != nullptr);  // Only the limit of open sockets can do this.
    const std::int64_t bytes_max = protocol::kFrameBytesMax;
    KEYTRAIL_CHECK(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &bytes_max, sizeof bytes_max) == 0);
    set(socket, ZMQ_SNDHWM, options.messages_max);
    set(socket, ZMQ_RCVHWM, options.messages_max);
    set(socket, ZMQ_LINGER, options.linger_ms);
    set(socket, ZMQ_IMMEDIATE, options.immediate ? 1 : 0);
    set(socket, ZMQ_HEARTBEAT_IVL, kHeartbeatIntervalMs);
    set(socket, ZMQ_HEARTBEAT_TIMEOUT, kHeartbeatTimeoutMs);
    set(socket, ZMQ_HEARTBEAT_TTL, kHeartbeatTimeoutMs);
    set(socket, ZMQ_HANDSHAKE_IVL, kHandshakeTimeoutMs);
    set(socket, ZMQ_RECONNECT_IVL, kReconnectMs);
    set(socket, ZMQ_RECONNECT_IVL_MAX, kReconnectMsMax);
    if (options.report_unreachable) set(socket, ZMQ_ROUTER_MANDATORY, 1);
    if (kind == SocketKind::kXpub) set(socket, ZMQ_XPUB_MANUAL, 1);
  }
  ~Impl() {
    if (monitor != nullptr) {
      zmq_socket_monitor(socket, nullptr, 0);
      zmq_close(monitor);
    }
    zmq_close(socket);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] bool set_keys(const CurveKeys& keys) {
    return set(socket, ZMQ_CURVE_PUBLICKEY, keys.public_key) &&
           set(socket, ZMQ_CURVE_SECRETKEY, as_text(keys.secret_key.read(SecretAccess())));
  }

  void watch_connection(Context& context) {
    const std::string endpoint_of_monitor = next_monitor_endpoint();
    KEYTRAIL_CHECK(zmq_socket_monitor(socket, endpoint_of_monitor.c_str(), kMonitored) == 0);
    monitor = zmq_socket(context.handle(), ZMQ_PAIR);
    KEYTRAIL_CHECK(monitor != nullptr);
    set(monitor, ZMQ_LINGER, 0);
    KEYTRAIL_CHECK(zmq_connect(monitor, endpoint_of_monitor.c_str()) == 0);
  }

  const bool carries_secrets;
  void* socket = nullptr;
  void* monitor = nullptr;
  std::string endpoint;
};

Socket::Socket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Socket::Socket(Socket&&) noexcept = default;
Socket& Socket::operator=(Socket&&) noexcept = default;
Socket::~Socket() = default;

Result<Socket> Socket::bind(Context& context, SocketKind kind, const std::string& endpoint,
                            const std::string& domain, const CurveKeys& keys,
                            SocketOptions options) {
  auto impl = std::make_unique<Impl>(context, kind, options);
  set(impl->socket, ZMQ_CURVE_SERVER, 1);
  set(impl->socket, kZapEnforceDomain, 1);
  KEYTRAIL_CHECK(set(impl->socket, ZMQ_ZAP_DOMAIN, domain));
  if (!impl->set_keys(keys))
    return Error{ErrorCode::kInvalid, "the keys of " + domain + " are no CURVE keys"};
  if (zmq_bind(impl->socket, endpoint.c_str()) != 0) {
    const int reason = zmq_errno();
    if (reason == EADDRINUSE) {
      return Error{ErrorCode::kUnavailable,
                   "the port of socket " + domain + " is in use: " + endpoint +
                       "; stop the program that has it, or choose another"};
    }
    return Error{ErrorCode::kUnavailable, "socket " + domain + " cannot be bound to " + endpoint +
                                              ": " + zmq_strerror(reason)};
  }
  std::array<char, 256> bound{};
  std::size_t size = bound.size();
  KEYTRAIL_CHECK(zmq_getsockopt(impl->socket, ZMQ_LAST_ENDPOINT, bound.data(), &size) == 0);
  impl->endpoint = bound.data();
  return Socket(std::move(impl));
}

Result<Socket> Socket::connect(Context& context, SocketKind kind, const std::string& endpoint,
                               const std::string& server_key, const CurveKeys& keys,
                               SocketOptions options) {
  auto impl = std::make_unique<Impl>(context, kind, options);
  impl->endpoint = endpoint;
  if (!set(impl->socket, ZMQ_CURVE_SERVERKEY, server_key) || !impl->set_keys(keys)) {
    return Error{ErrorCode::kInvalid,
                 "the keys for " + endpoint + " are no CURVE keys (40 letters of z85)"};
  }
  impl->watch_connection(context);
  if (zmq_connect(impl->socket, endpoint.c_str()) != 0) {
    return Error{ErrorCode::kInvalid,
                 "cannot connect to " + endpoint + ": " + zmq_strerror(zmq_errno())};
  }
  return Socket(std::move(impl));
}

const std::string& Socket::endpoint() const { return impl_->endpoint; }

bool Socket::send(std::initializer_list<ByteView> frames) {
  return send(std::span(frames.begin(), frames.size()));
}

bool Socket::send(std::span<const ByteView> frames) { return send(frames, nullptr) == Sent::kSent; }

Sent Socket::send(std::span<const ByteView> frames, const std::shared_ptr<UnsentBytes>& unsent) {
  KEYTRAIL_CHECK(!frames.empty());
  Sent sent = Sent::kSent;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const int more = i + 1 < frames.size() ? ZMQ_SNDMORE : 0;
    zmq_msg_t part;
    make_message(part, frames[i], impl_->carries_secrets, unsent);
    if (send_frame(part, impl_->socket, more)) continue;
    const bool is_full = zmq_errno() == EAGAIN;  // Only a message's first frame can find this.
    zmq_msg_close(&part);
    if (i == 0) return is_full ? Sent::kFull : Sent::kGone;
    // The connection ended within the message. libzmq takes the frames that are left and drops
    // them, and would take the next message for them if they did not come.
    sent = Sent::kGone;
  }
  return sent;
}

bool Socket::receive(Message& message) {
  for (;;) {
    message.frames.clear();
    bool more = true;
    bool too_many = false;
    while (more) {
      zmq_msg_t part;
      zmq_msg_init(&part);
      if (!receive_frame(part, impl_->socket)) return false;
      too_many = message.frames.size() >= kFramesPerMessageMax;
      if (!too_many) {
        const auto* data = static_cast<const std::uint8_t*>(zmq_msg_data(&part));
        message.frames.emplace_back(data, data + zmq_msg_size(&part));
      }
      if (impl_->carries_secrets) {
        wipe(std::span(static_cast<std::uint8_t*>(zmq_msg_data(&part)), zmq_msg_size(&part)));
      }
      more = zmq_msg_more(&part) != 0;
      if (!more) {  // The last frame: a ROUTER's first one is its own making, and says nothing of
                    // the peer.
        message.identity = property(part, "User-Id");
        message.address = property(part, "Peer-Address");
      }
      zmq_msg_close(&part);
    }
    if (!too_many) return true;
  }
}

std::vector<ConnectionChange> Socket::take_connection_changes() {
  std::vector<ConnectionChange> changes;
  KEYTRAIL_CHECK(impl_->monitor != nullptr);
  for (;;) {
    zmq_msg_t event;
    zmq_msg_init(&event);
    if (zmq_msg_recv(&event, impl_->monitor, ZMQ_DONTWAIT) < 0) return changes;
    std::uint16_t number = 0;
    KEYTRAIL_CHECK(zmq_msg_size(&event) >= sizeof number);
    std::memcpy(&number, zmq_msg_data(&event), sizeof number);
    zmq_msg_close(&event);
    zmq_msg_init(&event);
    zmq_msg_recv(&event, impl_->monitor, 0);  // the address, which is known
    zmq_msg_close(&event);
    switch (number) {
      case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        changes.push_back(ConnectionChange::kReady);
        break;
      case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        changes.push_back(ConnectionChange::kRefused);
        break;
      case ZMQ_EVENT_DISCONNECTED:
        changes.push_back(ConnectionChange::kLost);
        break;
      default:
        break;
    }
  }
}

void Socket::try_again() {
  zmq_disconnect(impl_->socket,
                 impl_->endpoint.c_str());  // What is left of the refused one, if anything.
  KEYTRAIL_CHECK(zmq_connect(impl_->socket, impl_->endpoint.c_str()) == 0);
}

void Socket::subscribe(const std::string& topic) {
  KEYTRAIL_CHECK(set(impl_->socket, ZMQ_SUBSCRIBE, topic));
}
void Socket::grant(const std::string& topic) {
  KEYTRAIL_CHECK(set(impl_->socket, ZMQ_SUBSCRIBE, topic));
}
void Socket::withdraw(const std::string& topic) {
  KEYTRAIL_CHECK(set(impl_->socket, ZMQ_UNSUBSCRIBE, topic));
}

Result<void> Socket::rebind() {
  // Unbinding ends the listener and, with it, the sessions that it made, as this thread goes on to
  // receive; the port is free a moment later.
  zmq_unbind(impl_->socket, impl_->endpoint.c_str());
  for (int i = 0; i < kRebindTriesMax; ++i) {
    if (zmq_bind(impl_->socket, impl_->endpoint.c_str()) == 0) return {};
    std::this_thread::sleep_for(kRebindPause);
  }
  return Error{ErrorCode::kUnavailable,
               "lost the port " + impl_->endpoint + " while removing a key"};
}

void wait_readable(std::initializer_list<const Socket*> sockets, std::span<const int> fds,
                   int timeout_ms) {
  std::vector<zmq_pollitem_t> items;
  items.reserve(2 * sockets.size() + fds.size());
  for (const Socket* socket : sockets) {
    items.push_back({socket->impl_->socket, 0, ZMQ_POLLIN, 0});
    if (socket->impl_->monitor != nullptr)
      items.push_back({socket->impl_->monitor, 0, ZMQ_POLLIN, 0});
  }
  for (const int fd : fds) items.push_back({nullptr, fd, ZMQ_POLLIN, 0});
  zmq_poll(items.data(), static_cast<int>(items.size()),
           timeout_ms);  // Interrupted: the caller just tries.
}

}  // namespace keytrail::wire
