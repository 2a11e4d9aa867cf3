// StoreTwin: the event store in the simulation: the real orderer over a disk in memory, its sockets
// over the simulated wire. What eventstore/service does with threads, in one; the messages on the
// wire are the real bytes.
//
// The process crashes and starts again, at any moment; its disk loses what was not synced, or keeps
// it, or fails.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bus/protocol/follower.h"
#include "eventstore/order/orderer.h"
#include "tests/simulation/simulated_wire.h"
#include "tests/support/memory_log.h"

namespace keytrail::simulation {

struct DiskFaults {
  TimeNs sync_max = 3 * kMs;
  double failing = 0;  // chance that a sync fails, which stops the process
};

// Rules that the simulation can break in the store, to see whether it notices.
struct StoreBugs {
  bool publishes_before_sync = false;  // the disk says "synced" when it is not
  bool heartbeat_as_head = false;      // heads forget to say what the topics hold
};

class StoreTwin {
 public:
  StoreTwin(World& world, std::vector<eventstore::Identity> identities, const DiskFaults& faults,
            StoreBugs bugs);

  void start();
  void crash();
  [[nodiscard]] bool is_up() const { return orderer_ != nullptr; }
  [[nodiscard]] const test::MemoryLog& log() const { return log_; }
  // What authors were told is durable, repeats too.
  struct Acknowledged {
    std::string author;
    protocol::Ack ack;
  };
  [[nodiscard]] const std::vector<Acknowledged>& acknowledged() const { return acknowledged_; }

  // Sockets. `connection` is the node's, whose end the caller is at; answers arrive through it.
  void on_append(const std::string& identity, Connection& connection, const Bytes& message,
                 std::function<void(Bytes)> acks);
  struct Live {
    std::function<void(protocol::Topic, Bytes header, Bytes payload)> batch;
    std::function<void(Bytes)> head;
  };
  void on_subscribe(const std::string& identity, Connection& connection, protocol::TopicSet topics,
                    Live live);
  struct Welcome {
    bool went_back = false;
    std::uint64_t generation = 0;
    Position head = 0;
  };
  [[nodiscard]] Welcome on_hello(const protocol::Known& known) const;
  [[nodiscard]] protocol::Head on_head() const { return orderer_->head(); }
  [[nodiscard]] protocol::ReadAnswer on_read(const protocol::ReadRequest& request) const;
  // Nodes whose connections a crash of this process breaks.
  void attach(Connection& connection);
  void set_drop_chance(double chance) { dropped_ = chance; }

 private:
  struct AppendPeer {
    Connection* connection = nullptr;
    std::function<void(Bytes)> acks;
  };
  struct Subscriber {
    std::string identity;
    Connection* connection = nullptr;
    std::uint64_t number = 0;  // of the connection
    protocol::TopicSet topics = 0;
    Live live;
  };

  void carry_out();
  void write(eventstore::Batch batch);
  void publish(const eventstore::Orderer::Publication& publication);
  void publish_head();
  void tick();

  World& world_;
  const std::vector<eventstore::Identity> identities_;
  const DiskFaults& faults_;
  const StoreBugs bugs_;
  double dropped_ = 0;

  test::MemoryLog log_;
  std::unique_ptr<eventstore::Orderer> orderer_;
  std::vector<Acknowledged> acknowledged_;
  std::uint64_t life_ = 0;  // of the process: what was put off in an earlier one is void
  std::map<std::string, AppendPeer> authors_;
  std::vector<Subscriber> subscribers_;
  std::vector<Connection*> connections_;  // in the order of attaching: never that of addresses
  bool published_ = false;                // since the last head
  TimeNs head_at_ = 0;
};

}  // namespace keytrail::simulation
