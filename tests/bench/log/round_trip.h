// RoundTrip: a message of a fact's size to a ROUTER and back, over the sockets that appends use:
// what ZeroMQ alone takes. One thread, and the echo's.
#pragma once

#include <optional>
#include <thread>

#include "bus/wire/context.h"
#include "bus/wire/socket.h"
#include "bus/wire/wake_event.h"
#include "tests/bench/log/bench_store.h"

namespace keytrail::bench {

class RoundTrip {
 public:
  explicit RoundTrip(Transport transport);
  ~RoundTrip();
  RoundTrip(const RoundTrip&) = delete;
  RoundTrip& operator=(const RoundTrip&) = delete;

  [[nodiscard]] double p50_us(double seconds);

 private:
  void echo();

  testing::TempFolder folder_;
  wire::Context context_;
  wire::WakeEvent stop_;
  std::optional<wire::Socket> server_;  // the echo's thread's, once that runs
  std::optional<wire::Socket> client_;
  std::thread thread_;
};

}  // namespace keytrail::bench
