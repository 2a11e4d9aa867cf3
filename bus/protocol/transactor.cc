#include "bus/protocol/transactor.h"

#include <algorithm>

#include "bus/events/codec.h"

namespace keytrail::protocol {
namespace {

std::string what_failed(const Ack& ack) {
  std::string text;
  for (const FailedGuard& guard : ack.failed) {
    text += (text.empty() ? ": " : ", ") + guard.stream + " is at version " +
            std::to_string(guard.version);
  }
  return text;
}

}  // namespace

void Transactor::submit(TransactionId id, const Decision& decision) {
  Open& open = open_[id];
  open.decided_at = followed_;
  if (decision.facts.empty()) {
    open_.erase(id);
    outputs_.accepted.push_back({id, 0, 0});
    return;
  }
  Unit unit;
  unit.guards = decision.guards;
  unit.attachments = decision.attachments;
  for (const Body& fact : decision.facts) {
    Result<Bytes> body = encode_body(fact);
    if (!body.ok()) return fail(id, body.error().code, body.error().detail);
    unit.bodies.push_back(std::move(*body));
  }
  outputs_.submit.emplace_back(id, std::move(unit));
}

void Transactor::on_completed(const Appender::Completed& completed) {
  const TransactionId id = completed.ticket;
  const auto open = open_.find(id);
  if (open == open_.end()) return;  // A unit of somebody else's: the epoch's claim.
  const Ack& ack = completed.ack;
  switch (ack.outcome) {
    case AppendOutcome::kAccepted:
      open_.erase(open);
      outputs_.accepted.push_back({id, ack.first, ack.count});
      return;
    case AppendOutcome::kConflict:
      return on_conflict(id, open->second, ack);
    case AppendOutcome::kFenced:
      return fail(id, ErrorCode::kRefused, "a newer process has this identity: " + ack.hint);
    case AppendOutcome::kInvalid:
      return fail(id, ErrorCode::kInvalid, "the event store refused the facts: " + ack.hint);
  }
}

void Transactor::on_not_taken(TransactionId id) {
  fail(id, ErrorCode::kUnavailable, "too much is waiting to be recorded; try again in a moment");
}

void Transactor::on_followed(Position position) {
  followed_ = std::max(followed_, position);
  while (!waiting_.empty() && waiting_.begin()->first <= followed_) {
    outputs_.decide_again.push_back(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
  }
}

Transactor::Outputs Transactor::take_outputs() { return std::exchange(outputs_, {}); }

void Transactor::on_conflict(TransactionId id, Open& open, const Ack& ack) {
  Position changed = 0;
  for (const FailedGuard& guard : ack.failed) changed = std::max(changed, guard.last_change);
  const bool nothing_newer = followed_ == open.decided_at && changed <= followed_;
  open.retries = nothing_newer ? open.retries + 1 : 0;
  if (open.retries > kConflictRetriesMax) {
    return fail(id, ErrorCode::kConflict,
                "decided " + std::to_string(open.retries) + " times on the same facts, in vain" +
                    what_failed(ack));
  }
  if (changed <= followed_) {
    outputs_.decide_again.push_back(id);
  } else {
    waiting_.emplace(changed, id);
  }
}

void Transactor::fail(TransactionId id, ErrorCode code, std::string detail) {
  open_.erase(id);
  outputs_.failed.push_back({id, {code, std::move(detail)}});
}

}  // namespace keytrail::protocol
