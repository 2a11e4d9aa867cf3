#include "eventstore/service/own_author.h"

#include "bus/events/codec.h"

namespace keytrail::eventstore {

OwnAuthor::OwnAuthor(std::string name, const Clock& clock, Random& random)
    : name_(std::move(name)),
      identity_("eventstore/" + name_),
      clock_(clock),
      random_(random),
      appender_({.epoch_stream = identity_ + "/epoch"}) {}

void OwnAuthor::begin(std::uint64_t last_epoch, const std::string& program_version) {
  epoch_ = last_epoch + 1;
  appender_.begin(epoch_);
  appender_.on_connected();  // The orderer is in the same process.
  record(keytrail::Event(part::PartStarted{.epoch = epoch_, .program_version = program_version}),
         "epoch");
}

void OwnAuthor::stop() { record(keytrail::Event(part::PartStopped{.epoch = epoch_}), "epoch"); }

void OwnAuthor::record(keytrail::Event event, const std::string& stream) {
  record(std::move(event), stream, {}, identity_, {}, {});
}

void OwnAuthor::record(keytrail::Event event, const std::string& stream,
                       std::vector<protocol::Guard> guards, const std::string& user,
                       const std::string& address, OnAnswer on_answer) {
  Body body;
  body.stream = identity_ + "/" + stream;
  body.user = user;
  body.origin.address = address;
  random_.fill(body.action.bytes);
  body.clock = clock_.now();
  body.event = std::move(event);
  auto encoded = encode_body(body);
  KEYTRAIL_CHECK(
      encoded.ok());  // Every text in it went through the caps of the command or of a socket.
  protocol::Unit unit;
  unit.guards = std::move(guards);
  unit.bodies.push_back(std::move(encoded).value());
  const protocol::TicketId ticket = next_ticket_++;
  if (appender_.submit(std::move(unit), ticket)) {
    waiting_.emplace(ticket, std::move(on_answer));
  } else if (on_answer) {
    on_answer(
        {.outcome = protocol::AppendOutcome::kInvalid, .hint = "the store is too busy; try again"});
  }
}

std::vector<protocol::AppendBatch> OwnAuthor::take_batches() {
  protocol::Appender::Outputs outputs = appender_.take_outputs();
  fenced_ = fenced_ || outputs.fenced;
  for (const protocol::Appender::Completed& completed : outputs.completed) {
    const auto waiting = waiting_.find(completed.ticket);
    if (waiting == waiting_.end()) continue;
    const OnAnswer on_answer = std::move(waiting->second);
    waiting_.erase(waiting);
    if (on_answer) on_answer(completed.ack);
  }
  return std::move(outputs.send);
}

void OwnAuthor::on_acks(const std::vector<protocol::Ack>& acks) { appender_.on_acks(acks); }

}  // namespace keytrail::eventstore
