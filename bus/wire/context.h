// Context: one ZeroMQ context of a process, and its ZAP handler.
//
// The handler is bound before any socket exists: with a ZAP domain set but no handler, libzmq 4.3.4 would let
// every key in; ZMQ_ZAP_ENFORCE_DOMAIN is set on every socket against exactly that. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bus/wire/curve.h"

namespace keytrail::wire {

// Somebody with a key that is not on the list, or not for that socket.
struct RefusedPeer {
  std::string socket;
  std::string address;
  std::string public_key;
};

class Context {
 public:
  using OnRefused = std::function<void(const RefusedPeer&)>;  // on the handler's thread

  explicit Context(OnRefused on_refused = {});
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // Replaces the allow-list; holds for handshakes from now on.
  void allow(std::vector<AllowedKey> keys);

  struct Impl;
  [[nodiscard]] Impl& impl() { return *impl_; }  // for the .cc files of this folder

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace keytrail::wire
