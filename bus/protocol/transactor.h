// Transactor: from a decision to its place in the log, without I/O. The loop of every part, once.
//
//   decide ─► submit ─► accepted ───────────────────────► done
//                └────► conflict ─► follow to there ─► decide again: the part's core does, at most
//                                                      8 times in which nothing newer was followed
// A transaction is one thing that a part wants to have decided and recorded: a KMIP request, a
// command, the outcome of a duty. The core keeps what it is about under the transaction's id and
// answers `decide_again`.
// Thread safety: one thread, the core's.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "bus/protocol/appender.h"
#include "bus/protocol/messages.h"

namespace keytrail::protocol {

using TransactionId = std::uint64_t;

inline constexpr int kConflictRetriesMax = 8;

// The pure outcome of a part's decide: what to append, and everything it read.
struct Decision {
  std::vector<Body> facts;    // empty: it already stands in the log, or there is nothing to say
  std::vector<Guard> guards;  // every stream that the decision read
  std::vector<Attachment> attachments;
  bool operator==(const Decision&) const = default;
};

class Transactor {
 public:
  struct Accepted {
    TransactionId id = 0;
    Position first = 0;
    std::uint32_t count = 0;
  };
  struct Failed {
    TransactionId id = 0;
    // kInvalid: the store will never take it; kConflict: too many retries; kUnavailable: too much
    // is waiting, the same may be taken later; kRefused: a newer process has this identity.
    Error error;
  };
  struct Outputs {
    std::vector<std::pair<TicketId, Unit>> submit;  // hand to the Appender
    std::vector<Accepted> accepted;                 // durable: now reveal
    std::vector<TransactionId> decide_again;        // followed far enough: call submit again
    std::vector<Failed> failed;
  };

  // Encodes and queues a decision. Called again for the same id after decide_again. A decision
  // without facts ends the transaction: accepted, with count 0.
  void submit(TransactionId id, const Decision& decision);
  void on_completed(const Appender::Completed& completed);
  // The Appender had no room for it: nothing was sent.
  void on_not_taken(TransactionId id);
  // The part's state is evolved up to here.
  void on_followed(Position position);

  [[nodiscard]] Outputs take_outputs();
  [[nodiscard]] std::size_t open() const { return open_.size(); }

 private:
  struct Open {
    Position decided_at = 0;  // followed to here when it was submitted
    int retries = 0;          // in which nothing newer was followed
  };
  void on_conflict(TransactionId id, Open& open, const Ack& ack);
  void fail(TransactionId id, ErrorCode code, std::string detail);

  std::map<TransactionId, Open> open_;
  std::set<std::pair<Position, TransactionId>> waiting_;  // to be decided again, once followed to
  Position followed_ = 0;
  Outputs outputs_;
};

}  // namespace keytrail::protocol
