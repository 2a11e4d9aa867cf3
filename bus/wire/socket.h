// Socket: one ZeroMQ socket under CURVE, as frames of bytes.
//
// The only door to libzmq: every socket gets its caps and its identity here, so that none can be
// without.
//   servers  bound; keys are admitted by the Context's ZAP handler under `domain`, enforced
//   clients  connected; know the server's key
// ZMQ_MAXMSGSIZE = protocol::kFrameBytesMax, heartbeats find a dead peer within
// kHeartbeatTimeoutMs. Threads: made by one thread, handed over at most once, then used by that
// thread alone. Move-only.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bus/secret/result.h"
#include "bus/wire/curve.h"

namespace keytrail::wire {

class Context;

// The first frame of every message, but those of the live socket; a ROUTER sees the route before.
inline constexpr std::string_view kProtocolName = "KT1";
inline constexpr int kHeartbeatIntervalMs = 1000;
inline constexpr int kHeartbeatTimeoutMs = 10'000;
inline constexpr std::size_t kFramesPerMessageMax = 16;

enum class SocketKind { kRouter, kDealer, kXpub, kSub };

struct Message {
  std::vector<Bytes> frames;
  std::string identity;  // the peer's ZAP User-Id, on servers
  std::string address;   // the peer's
};

// What a client's connection did since it was last asked.
enum class ConnectionChange {
  kReady,    // connected, and both ends proved their keys
  kRefused,  // the server does not let this key in; libzmq gives up, see try_again()
  kLost,
};

// What a ROUTER's message became.
enum class Sent {
  kSent,  // libzmq has it
  kFull,  // the peer is there and does not read: try again later
  kGone,  // nobody is there
};

// How many bytes of messages libzmq holds and no connection has taken yet: what a peer that does
// not read costs. Counts for itself and for what is above it. Shared with libzmq's own threads,
// which let go of a message whenever they like, after its sender ended too; hence a shared_ptr. Any
// thread.
class UnsentBytes {
 public:
  explicit UnsentBytes(std::size_t bytes_max, std::shared_ptr<UnsentBytes> above = nullptr)
      : bytes_max_(bytes_max), above_(std::move(above)) {}

  [[nodiscard]] bool is_full() const {
    return bytes_ >= bytes_max_ || (above_ && above_->is_full());
  }
  void add(std::size_t bytes) {
    bytes_ += bytes;
    if (above_) above_->add(bytes);
  }
  void remove(std::size_t bytes) {
    bytes_ -= bytes;
    if (above_) above_->remove(bytes);
  }

 private:
  const std::size_t bytes_max_;
  const std::shared_ptr<UnsentBytes> above_;
  std::atomic<std::size_t> bytes_ = 0;
};

struct SocketOptions {
  int messages_max = 1000;  // high-water mark, each way
  int linger_ms = 0;        // how long closing waits for what was not sent yet
  // A client's message waits for a connection (false), or only travels on one that stands (true),
  // so that nothing is left over from one connection to the next.
  bool immediate = false;
  // A ROUTER's send to a peer that is gone, or whose queue is full, says so (true) or drops
  // (false).
  bool report_unreachable = false;
  // Passwords and sessions pass: libzmq's memory of a message is wiped too, both ways. The frames
  // are their owner's to wipe.
  bool carries_secrets = false;
};

class Socket {
 public:
  // kUnavailable: the port is in use, or not ours to take; the sentence names it.
  [[nodiscard]] static Result<Socket> bind(Context& context, SocketKind kind,
                                           const std::string& endpoint, const std::string& domain,
                                           const CurveKeys& keys, SocketOptions options = {});
  // Connects in the background, again and again. kInvalid: not an endpoint, not a key.
  [[nodiscard]] static Result<Socket> connect(Context& context, SocketKind kind,
                                              const std::string& endpoint,
                                              const std::string& server_key, const CurveKeys& keys,
                                              SocketOptions options = {});
  Socket(Socket&&) noexcept;
  Socket& operator=(Socket&&) noexcept;
  ~Socket();

  // Where it is really bound, if asked for port 0 or "*".
  [[nodiscard]] const std::string& endpoint() const;

  // False: not sent, because the peer is not there, went away meanwhile, or its queue is full.
  // Never waits.
  bool send(std::initializer_list<ByteView> frames);
  bool send(std::span<const ByteView> frames);
  // The same, which tells why not (REQUIRES: report_unreachable), counted in `unsent` as long as
  // libzmq holds it.
  Sent send(std::span<const ByteView> frames, const std::shared_ptr<UnsentBytes>& unsent);

  // False: nothing there. Messages of more than kFramesPerMessageMax frames are dropped whole.
  [[nodiscard]] bool receive(Message& message);

  // Client only.
  [[nodiscard]] std::vector<ConnectionChange> take_connection_changes();
  void try_again();                          // after kRefused
  void subscribe(const std::string& topic);  // kSub

  // kXpub: right after receiving a subscription, what its sender really gets or loses.
  void grant(const std::string& topic);
  void withdraw(const std::string& topic);

  // Server only: ends every connection and binds again, so that all shake hands anew, against the
  // list of now.
  [[nodiscard]] Result<void> rebind();

 private:
  struct Impl;
  explicit Socket(std::unique_ptr<Impl> impl);
  friend void wait_readable(std::initializer_list<const Socket*>, std::span<const int>, int);
  std::unique_ptr<Impl> impl_;
};

// Sleeps until one of the sockets or file descriptors is readable, a connection changed, or the
// time is over
// (-1: never). The caller then tries each: receive() does not wait.
void wait_readable(std::initializer_list<const Socket*> sockets, std::span<const int> fds,
                   int timeout_ms);

}  // namespace keytrail::wire
