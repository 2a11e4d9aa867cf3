#include "bus/wire/host_channel.h"

#include <array>
#include <map>
#include <optional>
#include <thread>

#include "bus/wire/mailbox.h"
#include "bus/wire/socket.h"

namespace keytrail::wire {

namespace {

// Enough for a burst of hosts; what does not fit is lost and asked again.
constexpr SocketOptions kChannelOptions{.messages_max = 64, .linger_ms = 0, .immediate = true};
constexpr std::size_t kMailMax = 1024;
constexpr std::size_t kBootBytesMax = 64;
constexpr int kRefusedPauseMs = 500;

struct Answer {
  std::string host;
  Bytes nonce;
  std::vector<SealedKey> keys;
};

// What one message carries of `all`, one after the other: at most kWantedKeysMax.
template <class Item>
std::vector<std::vector<Item>> in_messages(std::vector<Item> all) {
  std::vector<std::vector<Item>> messages;
  for (Item& item : all) {
    if (messages.empty() || messages.back().size() == kWantedKeysMax) messages.emplace_back();
    messages.back().push_back(std::move(item));
  }
  return messages;
}

}  // namespace

struct HostChannelServer::Impl {
  Impl(Context& used_context, std::string wanted_endpoint, const CurveKeys& own_keys,
       OnWant handler)
      : context(used_context),
        endpoint(std::move(wanted_endpoint)),
        keys(own_keys),
        on_want(std::move(handler)) {}

  void serve() {
    for (;;) {
      const std::array<int, 2> fds{answers.fd(), stop.fd()};
      wait_readable({&*socket}, fds, -1);
      if (stop.is_set()) return;
      Message message;
      while (socket->receive(message)) take_want(message);
      for (Answer& ready : answers.take_all()) send_answer(std::move(ready));
    }
  }

  // route | KT1 | WANT | boot | nonce | keys. Anything else is dropped: an honest host asks again.
  void take_want(Message& message) {
    std::vector<Bytes>& frames = message.frames;
    if (frames.size() != 6 || as_text(frames[1]) != kProtocolName || as_text(frames[2]) != "WANT" ||
        frames[3].size() > kBootBytesMax || frames[4].size() != kNonceBytes) {
      return;
    }
    auto wanted = decode_keys(frames[5]);
    if (!wanted.ok()) return;
    routes[message.identity] = std::move(frames[0]);
    on_want(message.identity, Want{.boot = std::string(as_text(frames[3])),
                                   .nonce = std::move(frames[4]),
                                   .keys = std::move(wanted).value()});
  }

  void send_answer(Answer ready) {
    const auto route = routes.find(ready.host);
    if (route == routes.end()) return;
    for (const auto& sealed : in_messages(std::move(ready.keys))) {
      socket->send({route->second, as_bytes(kProtocolName), as_bytes("KEYS"), ready.nonce,
                    encode_sealed_keys(sealed)});
    }
  }

  Context& context;
  std::string endpoint;
  const CurveKeys& keys;
  const OnWant on_want;
  Mailbox<Answer> answers{kMailMax};
  WakeEvent stop;
  std::optional<Socket> socket;  // the thread's, once it runs
  // The thread's: the connection on which each host asked last. As many as the allow-list has.
  std::map<std::string, Bytes> routes;
  std::thread thread;
};

HostChannelServer::HostChannelServer(Context& context, std::string endpoint, const CurveKeys& keys,
                                     OnWant on_want)
    : impl_(std::make_unique<Impl>(context, std::move(endpoint), keys, std::move(on_want))) {}

HostChannelServer::~HostChannelServer() {
  if (!impl_->thread.joinable()) return;
  impl_->stop.set();
  impl_->thread.join();
}

Result<void> HostChannelServer::start() {
  impl_->socket = TRY(Socket::bind(impl_->context, SocketKind::kRouter, impl_->endpoint, "host",
                                   impl_->keys, kChannelOptions));
  impl_->endpoint = impl_->socket->endpoint();
  impl_->thread = std::thread([impl = impl_.get()] { impl->serve(); });
  return {};
}

const std::string& HostChannelServer::endpoint() const { return impl_->endpoint; }

void HostChannelServer::answer(const std::string& host, const Bytes& nonce,
                               std::vector<SealedKey> keys) {
  // Full: dropped like anything else here, and asked again.
  [[maybe_unused]] const bool put = impl_->answers.put({host, nonce, std::move(keys)});
}

struct HostChannelClient::Impl {
  Impl(Context& used_context, std::string wanted_endpoint, std::string wanted_server_key,
       CurveKeys own_keys, OnKeys handler)
      : context(used_context),
        endpoint(std::move(wanted_endpoint)),
        server_key(std::move(wanted_server_key)),
        keys(std::move(own_keys)),
        on_keys(std::move(handler)) {}

  void serve() {
    for (;;) {
      const std::array<int, 2> fds{wants.fd(), stop.fd()};
      wait_readable({&*socket}, fds, refused ? kRefusedPauseMs : -1);
      if (stop.is_set()) return;
      watch_connection();
      for (Want& question : wants.take_all()) send_want(std::move(question));
      Message message;
      while (socket->receive(message)) take_keys(message.frames);
    }
  }

  void send_want(Want question) {
    for (const auto& wanted : in_messages(std::move(question.keys))) {
      socket->send({as_bytes(kProtocolName), as_bytes("WANT"), as_bytes(question.boot),
                    question.nonce, encode_keys(wanted)});
    }
  }

  // A host may start before its vCenter has its key: what was refused is tried again, at ease.
  void watch_connection() {
    if (refused) socket->try_again();
    refused = false;
    for (const ConnectionChange change : socket->take_connection_changes()) {
      refused = refused || change == ConnectionChange::kRefused;
    }
  }

  void take_keys(std::vector<Bytes>& frames) {
    if (frames.size() != 4 || as_text(frames[0]) != kProtocolName || as_text(frames[1]) != "KEYS" ||
        frames[2].size() != kNonceBytes) {
      return;
    }
    auto sealed = decode_sealed_keys(frames[3]);
    if (sealed.ok()) on_keys(std::move(frames[2]), std::move(sealed).value());
  }

  Context& context;
  const std::string endpoint;
  const std::string server_key;
  const CurveKeys keys;
  const OnKeys on_keys;
  std::optional<Socket> socket;  // the thread's, once it runs
  bool refused = false;          // the thread's
  Mailbox<Want> wants{kMailMax};
  WakeEvent stop;
  std::thread thread;
};

HostChannelClient::HostChannelClient(Context& context, std::string endpoint, std::string server_key,
                                     CurveKeys keys, OnKeys on_keys)
    : impl_(std::make_unique<Impl>(context, std::move(endpoint), std::move(server_key),
                                   std::move(keys), std::move(on_keys))) {}

HostChannelClient::~HostChannelClient() {
  if (!impl_->thread.joinable()) return;
  impl_->stop.set();
  impl_->thread.join();
}

Result<void> HostChannelClient::start() {
  impl_->socket = TRY(Socket::connect(impl_->context, SocketKind::kDealer, impl_->endpoint,
                                      impl_->server_key, impl_->keys, kChannelOptions));
  impl_->thread = std::thread([impl = impl_.get()] { impl->serve(); });
  return {};
}

void HostChannelClient::want(Want want) {
  [[maybe_unused]] const bool put = impl_->wants.put(std::move(want));
}

}  // namespace keytrail::wire
