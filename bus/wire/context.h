// Context: one ZeroMQ context of a process, and its ZAP handler (RFC 27).
//
// The handler is bound before any socket exists: with a ZAP domain set but no handler, libzmq 4.3.4
// would let every key in; ZMQ_ZAP_ENFORCE_DOMAIN is set on every socket against exactly that. Any
// thread. REQUIRES: every Socket of it is gone before it is.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bus/wire/curve.h"

namespace keytrail::wire {

// Somebody with a key that is not on the list, or not for that socket.
struct RefusedPeer {
  std::string socket;  // ZAP domain
  std::string address;
  std::string public_key;  // z85; empty if it did not speak CURVE
};

class Context {
 public:
  using OnRefused = std::function<void(const RefusedPeer&)>;  // on the handler's thread

  explicit Context(OnRefused on_refused = {});
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // Replaces the allow-list; holds for handshakes from now on (Socket::rebind ends those that
  // were).
  void allow(std::vector<AllowedKey> keys);

  // Ends the handler: from now on every handshake is refused. For the end of a process, and for the
  // test that no handler means no entry.
  void close_handler();

  // The libzmq context, for bus/wire/socket.cc alone.
  [[nodiscard]] void* handle();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keytrail::wire
