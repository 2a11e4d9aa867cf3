#include "eventstore/service/publish_loop.h"

#include <algorithm>
#include <array>

#include "bus/protocol/message_codec.h"

namespace keytrail::eventstore {

namespace {

constexpr std::size_t kPublicationsMax = 64;  // of at most kBatchFactBytesMax each
constexpr std::uint8_t kSubscribe = 1;
constexpr std::string_view kHeadTopic = "head";  // for everybody who may use the socket

}  // namespace

PublishLoop::PublishLoop(wire::Socket live, SharedState& shared, int heartbeat_ms,
                         std::function<void(std::string)> on_failure)
    : live_(std::move(live)),
      shared_(shared),
      heartbeat_ms_(heartbeat_ms),
      on_failure_(std::move(on_failure)),
      publications_(kPublicationsMax) {
  shared_.wake_on_change(changed_);
  thread_ = std::thread([this] { run(); });
}

PublishLoop::~PublishLoop() {
  stop_.set();
  thread_.join();
}

void PublishLoop::publish(Orderer::Publication publication) {
  // Full: dropped, see above. The head still rises, so the gap is seen.
  [[maybe_unused]] const bool put = publications_.put(std::move(publication));
}

void PublishLoop::run() {
  while (!stop_.is_set()) {
    const std::array<int, 3> fds{publications_.fd(), changed_.fd(), stop_.fd()};
    wire::wait_readable({&live_}, fds, wait_ms());
    changed_.clear();
    if (const std::uint64_t removals = shared_.removals("live"); removals != removals_) {
      removals_ = removals;
      const auto bound = live_.rebind();
      if (!bound.ok()) return on_failure_(bound.error().detail);
    }
    take_subscriptions();
    // The head first: every publication up to it is in the mailbox already.
    const protocol::Head head = shared_.head();
    for (const Orderer::Publication& publication : publications_.take_all()) send(publication);
    send_head_when_due(head);
  }
}

// Whoever subscribes to a prefix gets those of their topics that begin with it, and no others.
void PublishLoop::take_subscriptions() {
  wire::Message message;
  while (live_.receive(message)) {
    if (message.frames.size() != 1 || message.frames[0].empty()) continue;
    const auto identity = shared_.find(message.identity);
    if (!identity) continue;
    const std::string_view prefix = as_text(ByteView(message.frames[0]).subspan(1));
    const bool subscribes = message.frames[0][0] == kSubscribe;
    for (std::size_t i = 0; i < protocol::kTopicCount; ++i) {
      const std::string topic(to_string(static_cast<protocol::Topic>(i)));
      const bool granted = topic == kHeadTopic || may_follow(*identity, topic);
      if (!granted || !topic.starts_with(prefix)) continue;
      subscribes ? live_.grant(topic) : live_.withdraw(topic);
    }
    news_ = true;  // so that a newcomer's first head comes soon
  }
}

void PublishLoop::send(const Orderer::Publication& publication) {
  for (const TopicMessage& message : messages_of(publication.batch, publication.head.generation)) {
    live_.send(
        {as_bytes(to_string(message.topic)), protocol::encode(message.header), message.payload});
  }
  news_ = true;
}

void PublishLoop::send_head_when_due(const protocol::Head& head) {
  if (wait_ms() > 0) return;
  live_.send({as_bytes(to_string(protocol::Topic::kHead)), protocol::encode(head)});
  news_ = false;
  last_head_at_ = SteadyClock::now();
}

int PublishLoop::wait_ms() const {
  const auto since =
      std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - last_head_at_);
  const auto pause = news_ ? kHeadWhilePublishingMs : heartbeat_ms_;
  return static_cast<int>(std::clamp<std::int64_t>(pause - since.count(), 0, heartbeat_ms_));
}

}  // namespace keytrail::eventstore
