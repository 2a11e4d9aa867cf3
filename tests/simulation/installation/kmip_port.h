// KmipPorts: the network between a KMIP client and the replicas, simulated: a connection a call,
// messages that are late or lost, answers that never come. The bytes are the real ones.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kms/kmip/messages.h"
#include "tests/simulation/installation/replica_node.h"

namespace keytrail::simulation {

class KmipPorts {
 public:
  // The server's answer to one operation; nothing: the connection is gone, or nobody is there.
  using Answer = std::optional<kmip::ResponseItem>;
  using Then = std::function<void(Answer)>;

  KmipPorts(World& world, const WireFaults& faults) : world_(world), faults_(faults) {}

  void add(ReplicaNode& replica) { replicas_[replica.name()] = &replica; }

  // One connection to one server. Copies share it.
  class Session {
   public:
    Session(KmipPorts& ports, std::string server, const Hash& certificate);
    void call(kmip::RequestPayload payload, Then then) const;
    void close() const;

   private:
    KmipPorts& ports_;
    std::string server_;
    Hash certificate_;
    kms::ConnectionId connection_;
  };

 private:
  World& world_;
  const WireFaults& faults_;
  std::map<std::string, ReplicaNode*> replicas_;
  kms::ConnectionId next_connection_ = 1;
};

// The payload of an answer that is there and no failure.
template <class Response>
[[nodiscard]] Response* payload_of(KmipPorts::Answer& answer) {
  if (!answer) return nullptr;
  auto* payload = std::get_if<kmip::ResponsePayload>(&answer->outcome);
  return payload == nullptr ? nullptr : std::get_if<Response>(payload);
}

}  // namespace keytrail::simulation
