// What the tests of bus/wire share: keys, a context with one allowed peer, waiting for a message.
// One thread.
#pragma once

#include <gtest/gtest.h>

#include <chrono>

#include "bus/wire/context.h"
#include "bus/wire/socket.h"

namespace keytrail::wire {

inline constexpr int kPatienceMs = 5000;  // far beyond what loopback needs
inline constexpr int kQuietMs = 300;      // long enough for what must not come

class WireTest : public ::testing::Test {
 protected:
  [[nodiscard]] CurveKeys new_keys() { return make_curve_keys(random_); }

  // Waits for one message; false if none came.
  [[nodiscard]] static bool await(Socket& socket, Message& message, int patience_ms = kPatienceMs) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
    while (std::chrono::steady_clock::now() < end) {
      if (socket.receive(message)) return true;
      wait_readable({&socket}, {}, 20);
    }
    return false;
  }

  // Waits until the client's connection did `wanted`.
  [[nodiscard]] static bool await(Socket& socket, ConnectionChange wanted) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
    while (std::chrono::steady_clock::now() < end) {
      for (const ConnectionChange change : socket.take_connection_changes()) {
        if (change == wanted) return true;
      }
      wait_readable({&socket}, {}, 20);
    }
    return false;
  }

  OsRandom random_;
  CurveKeys server_keys_ = new_keys();
  CurveKeys peer_keys_ = new_keys();
};

}  // namespace keytrail::wire
