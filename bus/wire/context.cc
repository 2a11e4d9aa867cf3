#include "bus/wire/context.h"

#include <zmq.h>

#include <array>
#include <map>
#include <mutex>
#include <thread>

#include "bus/wire/wake_event.h"

namespace keytrail::wire {

namespace {

// RFC 27: version, request id, domain, address, identity, mechanism, credentials…
constexpr std::size_t kVersion = 0;
constexpr std::size_t kRequestId = 1;
constexpr std::size_t kDomain = 2;
constexpr std::size_t kAddress = 3;
constexpr std::size_t kMechanism = 5;
constexpr std::size_t kCredentials = 6;
constexpr std::size_t kFramesMax = 16;
constexpr std::size_t kCurveKeyBytes = 32;

using Frames = std::vector<std::string>;

// One whole message; frames beyond kFramesMax are read and dropped.
Frames receive(void* socket) {
  Frames frames;
  int more = 1;
  while (more != 0) {
    zmq_msg_t part;
    zmq_msg_init(&part);
    if (zmq_msg_recv(&part, socket, ZMQ_DONTWAIT) < 0) return {};
    if (frames.size() < kFramesMax) {
      frames.emplace_back(static_cast<const char*>(zmq_msg_data(&part)), zmq_msg_size(&part));
    }
    more = zmq_msg_more(&part);
    zmq_msg_close(&part);
  }
  return frames;
}

void send(void* socket, const Frames& frames) {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const int flags = i + 1 < frames.size() ? ZMQ_SNDMORE : 0;
    zmq_send(socket, frames[i].data(), frames[i].size(), flags);
  }
}

std::string z85_of(const std::string& raw_key) {
  std::array<char, 41> text{};
  if (raw_key.size() != kCurveKeyBytes) return {};
  zmq_z85_encode(text.data(), reinterpret_cast<const std::uint8_t*>(raw_key.data()),
                 raw_key.size());
  return text.data();
}

}  // namespace

struct Context::Impl {
  explicit Impl(OnRefused refused) : on_refused(std::move(refused)), context(zmq_ctx_new()) {
    KEYTRAIL_CHECK(context != nullptr);
    zmq_ctx_set(context, ZMQ_IO_THREADS, 1);
    handler_socket = zmq_socket(context, ZMQ_REP);
    KEYTRAIL_CHECK(handler_socket != nullptr);
    KEYTRAIL_CHECK(zmq_bind(handler_socket, "inproc://zeromq.zap.01") == 0);
    handler = std::thread([this] { serve(); });
  }

  ~Impl() {
    close_handler();
    zmq_ctx_term(context);
  }

  void close_handler() {
    if (!handler.joinable()) return;
    stop.set();
    handler.join();
  }

  void serve() {
    std::array<zmq_pollitem_t, 2> items{
        {{handler_socket, 0, ZMQ_POLLIN, 0}, {nullptr, stop.fd(), ZMQ_POLLIN, 0}}};
    for (;;) {
      zmq_poll(items.data(), static_cast<int>(items.size()), -1);
      if ((items[1].revents & ZMQ_POLLIN) != 0) break;
      const Frames request = receive(handler_socket);
      if (!request.empty()) send(handler_socket, answer(request));
    }
    zmq_close(handler_socket);
  }

  Frames answer(const Frames& request) {
    const std::string id = request.size() > kRequestId ? request[kRequestId] : "";
    const auto refuse = [&](const char* code, const char* text) {
      return Frames{"1.0", id, code, text, "", ""};
    };
    if (request.size() <= kMechanism || request[kVersion] != "1.0")
      return refuse("500", "not ZAP 1.0");
    std::string key;
    if (request[kMechanism] == "CURVE" && request.size() > kCredentials)
      key = z85_of(request[kCredentials]);
    const std::string name = name_of(key, request[kDomain]);
    if (!name.empty()) return {"1.0", id, "200", "OK", name, ""};
    if (on_refused)
      on_refused({.socket = request[kDomain], .address = request[kAddress], .public_key = key});
    return refuse("400", "this key is not on the list for this socket");
  }

  std::string name_of(const std::string& key, const std::string& domain) {
    const std::lock_guard lock(mutex);
    const auto row = allowed.find(key);
    if (row == allowed.end()) return {};
    for (const std::string& socket : row->second.sockets) {
      if (socket == domain) return row->second.name;
    }
    return {};
  }

  const OnRefused on_refused;
  void* context = nullptr;
  void* handler_socket = nullptr;  // the handler thread's, from its start on
  WakeEvent stop;
  std::mutex mutex;
  std::map<std::string, AllowedKey> allowed;  // by public key
  std::thread handler;
};

Context::Context(OnRefused on_refused) : impl_(std::make_unique<Impl>(std::move(on_refused))) {}
Context::~Context() = default;

void Context::allow(std::vector<AllowedKey> keys) {
  std::map<std::string, AllowedKey> by_key;
  for (AllowedKey& key : keys) {
    std::string public_key = key.public_key;
    by_key.insert_or_assign(std::move(public_key), std::move(key));
  }
  const std::lock_guard lock(impl_->mutex);
  impl_->allowed = std::move(by_key);
}

void Context::close_handler() { impl_->close_handler(); }

void* Context::handle() { return impl_->context; }

}  // namespace keytrail::wire
