#include "eventstore/service/order_loop.h"

#include <algorithm>
#include <map>
#include <set>

#include "bus/events/match.h"
#include "bus/protocol/message_codec.h"
#include "eventstore/service/commands.h"

namespace keytrail::eventstore {

namespace {

constexpr int kTickMs = 100;
constexpr int kMessagesPerTurnMax = 256;  // before written batches and commands get their turn
constexpr std::string_view kOperator = "operator/cli";

// The sockets of those in `before` whose name or key is not in `after`.
std::set<std::string> sockets_of_the_removed(const Identities& before, const Identities& after) {
  std::set<std::string> sockets;
  for (const auto& [name, entry] : before.entries) {
    const Identity* still = after.find(name);
    if (still != nullptr && *still == entry.identity) continue;
    sockets.insert(entry.identity.sockets.begin(), entry.identity.sockets.end());
  }
  return sockets;
}

const char* code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound:
      return "not-found";
    case ErrorCode::kInvalid:
      return "invalid";
    case ErrorCode::kRefused:
      return "refused";
    case ErrorCode::kConflict:
    case ErrorCode::kUnavailable:
    case ErrorCode::kCorrupt:
      return "unavailable";
  }
  return "unavailable";
}

}  // namespace

std::vector<wire::AllowedKey> allow_list(const Identities& identities) {
  std::vector<wire::AllowedKey> keys;
  for (const auto& [name, entry] : identities.entries) {
    keys.push_back(
        {.name = name, .public_key = entry.identity.curve_key, .sockets = entry.identity.sockets});
  }
  return keys;
}

OrderLoop::OrderLoop(OrderParts parts, wire::Socket append)
    : parts_(std::move(parts)), append_(std::move(append)) {}

Result<void> OrderLoop::run(int stop_fd) {
  for (;;) {
    append_own();
    carry_out(parts_.orderer.take_outputs());
    if (failure_) return *failure_;
    if (parts_.own.fenced()) {
      return Error{ErrorCode::kRefused, "another event store has the identity " +
                                            parts_.own.identity() + "; stop one of the two"};
    }
    if (stopping_ && !writing_ && parts_.own.idle()) return {};
    wait(stop_fd);
    take_written();
    if (failure_) return *failure_;  // Nothing more is stamped.
    take_appends();
    take_commands();
    if (!stopping_) take_refusals();
    parts_.orderer.tick(parts_.clock.now(), parts_.clock.monotonic());
    parts_.shared.set_log_time(parts_.orderer.head().log_time);
    if (wire::is_readable(stop_fd)) begin_stop();
  }
}

// PartStopped is the last fact of this epoch: what was noticed before and not told yet precedes it.
void OrderLoop::begin_stop() {
  if (stopping_) return;
  carry_out(parts_.orderer.take_outputs());
  take_refusals();
  record_refusals(refusals_.take_all());
  parts_.own.stop();
  stopping_ = true;
}

void OrderLoop::wait(int stop_fd) {
  std::vector<int> fds{parts_.writer.fd(), parts_.mail.commands.fd(), parts_.mail.failures.fd()};
  if (!stopping_) fds.insert(fds.end(), {stop_fd, parts_.mail.refused.fd()});
  // Full or stopping: what authors send waits in their sockets.
  if (parts_.orderer.full() || stopping_)
    wire::wait_readable({}, fds, kTickMs);
  else
    wire::wait_readable({&append_}, fds, kTickMs);
}

void OrderLoop::take_written() {
  for (Written& written : parts_.writer.take_written()) {
    writing_ = false;
    if (!written.failure) {
      parts_.orderer.on_written(std::move(written.batch));
    } else {
      parts_.orderer.on_write_failed(*written.failure);
    }
  }
  for (std::string& failure : parts_.mail.failures.take_all()) {
    failure_ = Error{ErrorCode::kUnavailable, std::move(failure)};
  }
  carry_out(parts_.orderer.take_outputs());
}

void OrderLoop::take_appends() {
  wire::Message message;
  for (int i = 0; i < kMessagesPerTurnMax && !stopping_ && !parts_.orderer.full(); ++i) {
    if (!append_.receive(message)) return;
    take_append(message);
  }
}

// route | KT1 | APPEND | AppendBatch
void OrderLoop::take_append(wire::Message& message) {
  std::vector<Bytes>& frames = message.frames;
  const bool formed = frames.size() == 4 && as_text(frames[1]) == wire::kProtocolName &&
                      as_text(frames[2]) == "APPEND";
  auto batch = formed ? protocol::decode_append_batch(frames[3])
                      : Result<protocol::AppendBatch>(
                            Error{ErrorCode::kInvalid, "expected KT1 | APPEND | AppendBatch"});
  if (!batch.ok()) {
    refusals_.add("append", "malformed message of " + message.identity, message.address);
    append_.send({frames[0], as_bytes(wire::kProtocolName), as_bytes("ERROR"),
                  as_bytes(batch.error().detail)});
    return;
  }
  routes_.learn(message.identity, batch->epoch, std::move(frames[0]));
  parts_.orderer.append(message.identity, std::move(batch).value(), parts_.clock.now());
}

void OrderLoop::append_own() {
  for (protocol::AppendBatch& batch : parts_.own.take_batches()) {
    parts_.orderer.append(parts_.own.identity(), std::move(batch), parts_.clock.now());
  }
}

// The next write first: the disk is what everybody waits for.
void OrderLoop::carry_out(Orderer::Outputs outputs) {
  if (outputs.write) {
    writing_ = true;
    parts_.writer.write(std::move(*outputs.write));
  }
  for (Orderer::Publication& publication : outputs.publish) {
    const protocol::Head head = publication.head;
    parts_.publisher.publish(std::move(publication));
    parts_.shared.set_head(head);
  }
  if (outputs.identities_changed) admit_anew();
  for (const Orderer::AcksFor& acks : outputs.acks) send_acks(acks);
  for (const Orderer::Refused& refused : outputs.refused) {
    refusals_.add("append", refused.identity + ": " + refused.reason, {});
  }
  if (outputs.clock_stepped && !stopping_)
    parts_.own.record(Event(*outputs.clock_stepped), "clock");
  if (outputs.stop) failure_ = Error{ErrorCode::kUnavailable, *outputs.stop};
}

void OrderLoop::send_acks(const Orderer::AcksFor& acks) {
  if (acks.identity == parts_.own.identity()) return parts_.own.on_acks(acks.acks);
  std::map<std::uint64_t, std::vector<protocol::Ack>> by_epoch;
  for (const protocol::Ack& ack : acks.acks) by_epoch[ack.epoch].push_back(ack);
  for (auto& [epoch, of_epoch] : by_epoch) {
    const Bytes* route = routes_.find(acks.identity, epoch);
    if (route == nullptr) continue;
    for (const auto& message : protocol::cut_into_messages(std::move(of_epoch))) {
      // Not there any more, or it does not take what it is sent: it asks again.
      append_.send(
          {*route, as_bytes(wire::kProtocolName), as_bytes("ACKS"), protocol::encode(message)});
    }
  }
}

void OrderLoop::admit_anew() {
  const Identities& now = parts_.orderer.durable_identities();
  routes_.keep(now);
  const std::set<std::string> sockets = sockets_of_the_removed(parts_.shared.admitted(), now);
  parts_.context.allow(allow_list(now));
  parts_.shared.admit(now, sockets);  // live and read see to themselves
  if (sockets.contains("command")) parts_.commands.rebind();
  if (!sockets.contains("append")) return;
  const auto rebound = append_.rebind();
  if (!rebound.ok()) failure_ = rebound.error();
}

void OrderLoop::take_refusals() {
  for (const RefusedKnock& knock : parts_.mail.refused.take_all()) {
    refusals_.add(knock.socket, knock.reason, knock.address);
  }
  record_refusals(refusals_.take_due(parts_.clock.monotonic()));
}

void OrderLoop::record_refusals(std::vector<part::RefusalsRepeated> refusals) {
  for (part::RefusalsRepeated& of_kind : refusals) {
    parts_.own.record(part::Event(std::move(of_kind)), "epoch");
  }
}

void OrderLoop::take_commands() {
  for (const wire::CommandMessage& message : parts_.mail.commands.take_all()) perform(message);
}

void OrderLoop::perform(const wire::CommandMessage& message) {
  if (message.identity != kOperator) {
    refusals_.add("command", message.identity + " may give no commands", message.address);
    return parts_.commands.error(message.token, "refused", "only operator/cli may give commands",
                                 "");
  }
  if (stopping_) {
    return parts_.commands.error(message.token, "unavailable", "the event store is stopping", "");
  }
  const auto command = parse_command(message.json);
  if (!command.ok())
    return parts_.commands.error(message.token, "invalid", command.error().detail,
                                 "see keytrail --help");
  const std::string store = parts_.own.identity().substr(std::string_view("eventstore/").size());
  match(
      *command,
      [&](const GrantIdentity& grant) {
        record(message, grant.identity.name, decide(parts_.orderer.identities(), store, grant));
      },
      [&](const RevokeIdentity& revoke) {
        record(message, revoke.name, decide(parts_.orderer.identities(), store, revoke));
      },
      [&](const ListIdentities&) {
        parts_.commands.result(message.token, to_json(parts_.orderer.durable_identities()));
      },
      [&](const ShowStatus&) {
        parts_.commands.result(
            message.token,
            to_json(Status{.log_id = parts_.log_id,
                           .head = parts_.orderer.head(),
                           .checkpoint_key = parts_.checkpoint_key,
                           .identity = parts_.own.identity(),
                           .epoch = parts_.own.epoch(),
                           .identities = parts_.orderer.durable_identities().entries.size()}));
      },
      [&](const StopStore&) {
        parts_.commands.result(message.token, "{}");
        begin_stop();
      });
}

// Record, then reveal: the operator hears of it once it is durable and in force.
void OrderLoop::record(const wire::CommandMessage& message, const std::string& name,
                       Result<IdentityDecision> decision) {
  wire::CommandServer& commands = parts_.commands;
  const wire::CommandToken token = message.token;
  if (!decision.ok()) {
    return commands.error(token, code_of(decision.error().code), decision.error().detail, "");
  }
  const std::string own_prefix = parts_.own.identity() + "/";
  KEYTRAIL_CHECK(decision->stream.starts_with(own_prefix));
  parts_.own.record(
      std::move(decision->event), decision->stream.substr(own_prefix.size()),
      {{.stream = decision->stream, .version = decision->version}}, message.identity,
      message.address, [&commands, token, name](const protocol::Ack& ack) {
        if (ack.outcome == protocol::AppendOutcome::kAccepted) {
          commands.result(token, recorded_json(name, ack.first));
        } else if (ack.outcome == protocol::AppendOutcome::kConflict) {
          commands.error(token, "busy", "somebody else changed " + name + " at the same time",
                         "try again");
        } else {
          commands.error(token, "unavailable", "the log did not take it: " + ack.hint, "");
        }
      });
}

}  // namespace keytrail::eventstore
