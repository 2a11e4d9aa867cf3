// PublishLoop: the live socket's thread. What is durable leaves here, to whom it was granted.
//
// Own thread. Publications that do not fit into its mailbox are dropped: subscribers see the gap
// and read it, so a slow network never holds up an append. Heads name nothing whose batch has not
// left before.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "bus/wire/mailbox.h"
#include "bus/wire/socket.h"
#include "eventstore/order/orderer.h"
#include "eventstore/service/shared_state.h"

namespace keytrail::eventstore {

inline constexpr int kHeadWhilePublishingMs = 20;

class PublishLoop {
 public:
  // `on_failure`, on this thread: a sentence that ends the store.
  PublishLoop(wire::Socket live, SharedState& shared, int heartbeat_ms,
              std::function<void(std::string)> on_failure);
  ~PublishLoop();
  PublishLoop(const PublishLoop&) = delete;
  PublishLoop& operator=(const PublishLoop&) = delete;

  // REQUIRES: called before the shared head is set to the publication's.
  void publish(Orderer::Publication publication);

 private:
  using SteadyClock = std::chrono::steady_clock;

  void run();
  void take_subscriptions();
  void send(const Orderer::Publication& publication);
  void send_head_when_due(const protocol::Head& head);
  [[nodiscard]] int wait_ms() const;

  wire::Socket live_;
  SharedState& shared_;
  const int heartbeat_ms_;
  const std::function<void(std::string)> on_failure_;
  wire::Mailbox<Orderer::Publication> publications_;
  wire::WakeEvent changed_;
  wire::WakeEvent stop_;
  bool news_ = true;  // something was published, or somebody subscribed, since the last head
  SteadyClock::time_point last_head_at_{};
  std::uint64_t removals_ = 0;
  std::thread thread_;
};

}  // namespace keytrail::eventstore
