// Host channel: WANT and its answer between a host and its vCenter (CURVE, ZAP domain "host").
//
// The only thing that travels here is a key on its way, sealed to the boot key of the host's fact. IMMEDIATE,
// linger 0, small high-water marks: nothing waits in a queue. A lost question is asked again by the host.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bus/events/ids.h"
#include "bus/wire/curve.h"

namespace keytrail::wire {

class Context;

struct Want {
  std::string boot;
  Bytes nonce;  // 16 bytes
  std::vector<KeyId> keys;  // at most 256
};
struct SealedKey {
  KeyId key;
  Bytes encapsulation;  // HPKE enc; empty: not available, see `detail`
  Bytes ciphertext;
  std::string detail;
};

class HostChannelServer {
 public:
  // Called on the channel's thread. `host` is the ZAP User-Id ("esxi/host-1"), never a claim of the message.
  using OnWant = std::function<void(std::string host, Want want)>;

  HostChannelServer(Context& context, std::string endpoint, const CurveKeys& keys, OnWant on_want);
  ~HostChannelServer();
  [[nodiscard]] Result<void> start();
  // Any thread. Dropped if that host is not connected: it will ask again.
  void answer(const std::string& host, const Bytes& nonce, std::vector<SealedKey> keys);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class HostChannelClient {
 public:
  // Called on the channel's thread.
  using OnKeys = std::function<void(Bytes nonce, std::vector<SealedKey> keys)>;

  HostChannelClient(Context& context, std::string endpoint, std::string server_key, CurveKeys keys,
                    OnKeys on_keys);
  ~HostChannelClient();
  void want(Want want);  // any thread

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keytrail::wire
