#include "tests/simulation/store_twin.h"

#include <algorithm>

#include "bus/protocol/message_codec.h"

namespace keytrail::simulation {

using protocol::Topic;

namespace {

constexpr TimeNs kHeadEvery = 20 * kMs;
constexpr TimeNs kHeartbeatEvery = 500 * kMs;
constexpr std::uint64_t kGeneration = 1;

}  // namespace

StoreTwin::StoreTwin(World& world, std::vector<eventstore::Identity> identities,
                     const DiskFaults& faults, StoreBugs bugs)
    : world_(world), identities_(std::move(identities)), faults_(faults), bugs_(bugs) {}

void StoreTwin::start() {
  KEYTRAIL_CHECK(!is_up());
  ++life_;
  eventstore::Orderer::Options options;
  options.generation = kGeneration;
  world_.random().fill(options.table_key);
  options.identities = eventstore::bootstrap(identities_).value();
  orderer_ = std::make_unique<eventstore::Orderer>(std::move(options));
  for (const auto& row : log_.rows()) {
    const Result<void> restored = orderer_->restore(row.fact.stamp, row.fact.body, row.leaf);
    if (!restored.ok()) world_.fail("the log does not restore: " + restored.error().detail);
  }
  world_.note("store: started at head " + std::to_string(log_.head()));
  tick();
}

void StoreTwin::crash() {
  if (!is_up()) return;
  world_.note("store: crashed");
  ++life_;
  orderer_.reset();
  log_.crash(world_.random().chance(0.5) ? test::MemoryLog::Fate::kKept
                                         : test::MemoryLog::Fate::kLost);
  authors_.clear();
  subscribers_.clear();
  for (Connection* connection : connections_) connection->lose_all();
}

void StoreTwin::attach(Connection& connection) {
  if (std::find(connections_.begin(), connections_.end(), &connection) == connections_.end()) {
    connections_.push_back(&connection);
  }
}

void StoreTwin::on_append(const std::string& identity, Connection& connection, const Bytes& message,
                          std::function<void(Bytes)> acks) {
  if (!is_up()) return;
  authors_[identity] = {&connection, std::move(acks)};
  Result<protocol::AppendBatch> batch = protocol::decode_append_batch(message);
  if (!batch.ok()) return world_.fail("an author sent " + batch.error().detail);
  orderer_->append(identity, std::move(*batch), world_.now());
  carry_out();
}

void StoreTwin::on_subscribe(const std::string& identity, Connection& connection,
                             protocol::TopicSet topics, Live live) {
  if (!is_up()) return;
  std::erase_if(subscribers_, [&](const Subscriber& s) { return s.connection == &connection; });
  subscribers_.push_back({identity, &connection, connection.number(), topics, std::move(live)});
}

StoreTwin::Welcome StoreTwin::on_hello(const protocol::Known& known) const {
  Welcome welcome;
  welcome.generation = kGeneration;
  welcome.head = orderer_->head().durable_head;
  if (known.position == 0) return welcome;
  welcome.went_back = known.position > welcome.head || known.position > log_.head() ||
                      log_.at(known.position).leaf != known.leaf;
  return welcome;
}

protocol::ReadAnswer StoreTwin::on_read(const protocol::ReadRequest& request) const {
  protocol::ReadAnswer answer;
  answer.head = orderer_->head().durable_head;
  const Position end = std::min({request.until, answer.head, log_.head()});
  answer.position = request.after;
  while (answer.position < end && answer.facts.size() < request.limit) {
    const auto& row = log_.at(++answer.position);
    if ((request.topics & protocol::topic_bit(row.topic)) == 0) continue;
    answer.facts.push_back(row.fact);
    std::uint32_t index = 0;
    for (const Attachment& attachment : row.attachments) {
      answer.attachments.push_back({answer.position, index++, attachment});
    }
  }
  return answer;
}

void StoreTwin::carry_out() {
  eventstore::Orderer::Outputs outputs = orderer_->take_outputs();
  if (outputs.write) write(std::move(*outputs.write));
  for (const auto& publication : outputs.publish) publish(publication);
  for (const auto& [identity, acks] : outputs.acks) {
    for (const protocol::Ack& ack : acks) {
      if (ack.outcome != protocol::AppendOutcome::kAccepted) continue;
      acknowledged_.push_back({identity, ack});
    }
    const auto peer = authors_.find(identity);
    if (peer == authors_.end()) continue;
    for (const auto& message : protocol::cut_into_messages(acks)) {
      peer->second.connection->to_node(
          [arrival = peer->second.acks, bytes = protocol::encode(message)] { arrival(bytes); });
    }
  }
  for (const auto& refused : outputs.refused) {
    world_.note("store: refused " + refused.identity + ": " + refused.reason);
  }
  if (outputs.stop) {
    world_.note("store: stopped: " + *outputs.stop);
    crash();
    world_.after(world_.random().below(200 * kMs), [this] {  // As its supervisor does.
      if (!is_up()) start();
    });
  }
}

void StoreTwin::write(eventstore::Batch batch) {
  log_.write(batch);
  const TimeNs takes = world_.random().below(faults_.sync_max + 1);
  const bool fails = world_.random().chance(faults_.failing);
  if (bugs_.publishes_before_sync) {
    world_.after(takes, [this, life = life_] {
      if (life == life_) log_.sync();
    });
    world_.after(0, [this, life = life_, batch = std::move(batch)]() mutable {
      if (life != life_) return;
      orderer_->on_written(std::move(batch));
      carry_out();
    });
    return;
  }
  world_.after(takes, [this, life = life_, fails, batch = std::move(batch)]() mutable {
    if (life != life_) return;
    if (fails) {
      orderer_->on_write_failed("the simulated disk says no");
    } else {
      log_.sync();
      orderer_->on_written(std::move(batch));
    }
    carry_out();
  });
}

void StoreTwin::publish(const eventstore::Orderer::Publication& publication) {
  published_ = true;
  for (const eventstore::TopicMessage& message :
       eventstore::messages_of(publication.batch, kGeneration)) {
    for (const Subscriber& subscriber : subscribers_) {
      if (subscriber.number != subscriber.connection->number()) continue;
      if ((subscriber.topics & protocol::topic_bit(message.topic)) == 0) continue;
      if (world_.random().chance(dropped_)) continue;
      subscriber.connection->to_node(
          [arrival = subscriber.live.batch, topic = message.topic,
           header = protocol::encode(message.header),
           payload = message.payload] { arrival(topic, header, payload); });
    }
  }
}

void StoreTwin::publish_head() {
  published_ = false;
  head_at_ = world_.monotonic();
  protocol::Head head = orderer_->head();
  if (bugs_.heartbeat_as_head) head.last = {};
  for (const Subscriber& subscriber : subscribers_) {
    if (subscriber.number != subscriber.connection->number()) continue;
    if (world_.random().chance(dropped_)) continue;
    subscriber.connection->to_node(
        [arrival = subscriber.live.head, bytes = protocol::encode(head)] { arrival(bytes); });
  }
}

void StoreTwin::tick() {
  orderer_->tick(world_.now(), world_.monotonic());
  carry_out();
  if (!is_up()) return;
  const TimeNs silence = world_.monotonic() - head_at_;
  if (silence >= (published_ ? kHeadEvery : kHeartbeatEvery)) publish_head();
  world_.after(10 * kMs, [this, life = life_] {
    if (life == life_) tick();
  });
}

}  // namespace keytrail::simulation
