// Host channel: WANT and its answer between a host and its vCenter (CURVE, ZAP domain "host").
//
//   host -> vCenter   KT1 | WANT | boot | nonce | (provider, id)*
//   vCenter -> host   KT1 | KEYS | nonce | (provider, id, encapsulation, ciphertext, detail)*
//   each piece: u16 length, little-endian, and that many bytes; at most kWantedKeysMax keys a
//   message, so a long question or answer travels as several of one nonce
// The only thing that travels here is a key on its way, sealed to the boot key of the host's fact.
// IMMEDIATE, linger 0, small high-water marks: nothing waits in a queue. A lost question is asked
// again by the host. Keys come from key servers one by one: a question may get many answers, each
// sent on the connection on which that host asked last. Whether a nonce is its own, the host knows.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bus/events/ids.h"
#include "bus/wire/curve.h"

namespace keytrail::wire {

class Context;

inline constexpr std::size_t kWantedKeysMax = 256;  // of one message
inline constexpr std::size_t kNonceBytes = 16;
inline constexpr std::size_t kHostPieceBytesMax = 4096;  // of a name, a sealed key, a detail

struct Want {
  std::string boot;
  Bytes nonce;              // kNonceBytes
  std::vector<KeyId> keys;  // to the server: at most kWantedKeysMax
};
struct SealedKey {
  KeyId key;
  Bytes encapsulation;  // HPKE enc; empty: not available, see `detail`
  Bytes ciphertext;
  std::string detail;
};

class HostChannelServer {
 public:
  // Called on the channel's thread. `host` is the ZAP User-Id ("esxi/host-1"), never a claim of the
  // message.
  using OnWant = std::function<void(std::string host, Want want)>;

  // `context` and `keys` are borrowed, and outlive it.
  HostChannelServer(Context& context, std::string endpoint, const CurveKeys& keys, OnWant on_want);
  ~HostChannelServer();
  [[nodiscard]] Result<void> start();
  [[nodiscard]] const std::string& endpoint() const;  // the real one, once started
  // Any thread; any number of answers to one nonce. Dropped if that host is not connected: it will
  // ask again.
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
  // kInvalid: not an endpoint, not a key. Connects in the background, again and again.
  [[nodiscard]] Result<void> start();
  void want(Want want);  // any thread; dropped while vCenter is not reachable

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The frames' contents, apart so that hostile ones can be tried without a socket.
[[nodiscard]] Bytes encode_keys(const std::vector<KeyId>& keys);
[[nodiscard]] Result<std::vector<KeyId>> decode_keys(ByteView bytes);
[[nodiscard]] Bytes encode_sealed_keys(const std::vector<SealedKey>& keys);
[[nodiscard]] Result<std::vector<SealedKey>> decode_sealed_keys(ByteView bytes);

}  // namespace keytrail::wire
