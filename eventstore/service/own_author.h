// OwnAuthor: the event store as an author of its own log: PartStarted, grants, clock steps,
// refusals.
//
// Its facts go through the orderer like anyone's, from an Appender in the same process, so that
// they are guarded, stamped and fenced by the same code. One thread, the ordering one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bus/events/clock.h"
#include "bus/protocol/appender.h"
#include "bus/secret/random.h"

namespace keytrail::eventstore {

class OwnAuthor {
 public:
  // Called with the answer to a recorded event, once.
  using OnAnswer = std::function<void(const protocol::Ack&)>;

  // `name`: "store-1", the identity then is "eventstore/store-1".
  OwnAuthor(std::string name, const Clock& clock, Random& random);

  [[nodiscard]] const std::string& identity() const { return identity_; }
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }

  // States PartStarted of epoch `last_epoch` + 1.
  void begin(std::uint64_t last_epoch, const std::string& program_version);
  // Records `event` on stream eventstore/NAME/`stream`, for `user` at `address`.
  void record(keytrail::Event event, const std::string& stream, std::vector<protocol::Guard> guards,
              const std::string& user, const std::string& address, OnAnswer on_answer);
  // For what the store notices itself, and nobody waits for.
  void record(keytrail::Event event, const std::string& stream);
  void stop();  // PartStopped

  // Units for the orderer. Empty: nothing to append.
  [[nodiscard]] std::vector<protocol::AppendBatch> take_batches();
  void on_acks(const std::vector<protocol::Ack>& acks);
  [[nodiscard]] bool idle() const { return waiting_.empty(); }
  // A second store has this identity.
  [[nodiscard]] bool fenced() const { return fenced_; }

 private:
  const std::string name_;
  const std::string identity_;
  const Clock& clock_;
  Random& random_;
  protocol::Appender appender_;
  std::uint64_t epoch_ = 0;
  protocol::TicketId next_ticket_ = 1;
  std::map<protocol::TicketId, OnAnswer> waiting_;
  bool fenced_ = false;
};

}  // namespace keytrail::eventstore
