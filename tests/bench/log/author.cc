#include "tests/bench/log/author.h"

#include <optional>

#include "bus/events/codec.h"
#include "bus/protocol/message_codec.h"
#include "tests/bench/log/without_curve.h"

namespace keytrail::bench {

namespace {

constexpr int kPatienceMs = 1000;  // Whoever waits looks again: nothing here hangs for longer.

template <std::size_t... kIndex>
void wait_for_all(const Fleet<Author>& fleet, const std::vector<const wire::Socket*>& sockets,
                  std::index_sequence<kIndex...>) {
  KEYTRAIL_CHECK(fleet.size() == sizeof...(kIndex));
  wire::wait_readable({sockets[kIndex]...}, {}, kPatienceMs);
}

}  // namespace

Bytes body_of(const std::string& stream, const std::string& user, const Event& event) {
  Body body;
  body.stream = stream;
  body.user = user;
  body.origin = {.address = "127.0.0.1:41234", .certificate_fingerprint = {}, .session = {}};
  body.action.bytes[0] = 1;
  body.event = event;
  // Cap'n Proto counts in words, so this gets there within a few rounds.
  for (;;) {
    Bytes bytes = encode_body(body).value();
    if (bytes.size() == kBodyBytes) return bytes;
    KEYTRAIL_CHECK(bytes.size() < kBodyBytes);
    body.user.append(kBodyBytes - bytes.size(), '.');
  }
}

wire::Socket Author::connect(wire::Context& context, const BenchStore& store, std::size_t index) {
  std::optional<WithoutCurve> plain;
  if (store.transport() == Transport::kPlainIpc) plain.emplace();
  const wire::LogEndpoints at = store.log_endpoints();
  return wire::Socket::connect(context, wire::SocketKind::kDealer, at.append, at.server_key,
                               store.keys_of(index),
                               {.messages_max = protocol::kWindowMax, .immediate = true})
      .value();
}

Author::Author(wire::Context& context, const BenchStore& store, std::size_t index,
               std::size_t unit_facts)
    : socket_(connect(context, store, index)),
      appender_(
          {.epoch_stream = author_name(index) + "/epoch", .in_flight_max = protocol::kWindowMax}) {
  const std::string stream = author_name(index) + "/epoch";
  for (bool ready = false; !ready;) {
    wait_ms(kPatienceMs);
    for (const wire::ConnectionChange change : socket_.take_connection_changes())
      ready = ready || change == wire::ConnectionChange::kReady;
  }
  appender_.begin(1);
  appender_.on_connected();
  unit_.bodies.assign(1, body_of(stream, "claims", part::Event(part::PartStarted{.epoch = 1})));
  append();
  send();
  while (completed_ < 1) {
    wait_ms(kPatienceMs);
    step();
  }
  unit_.bodies.assign(unit_facts,
                      body_of(stream, "a user", part::Event(part::PartStopped{.epoch = 1})));
}

void Author::append() { KEYTRAIL_CHECK(appender_.submit(unit_, 0)); }

void Author::fill(std::size_t in_flight_wanted) {
  while (in_flight() < in_flight_wanted) append();
  send();
}

void Author::step() {
  wire::Message message;
  while (socket_.receive(message)) {
    KEYTRAIL_CHECK(message.frames.size() == 3 && as_text(message.frames[1]) == "ACKS");
    appender_.on_acks(protocol::decode_acks(message.frames[2]).value());
  }
  for (const wire::ConnectionChange change : socket_.take_connection_changes())
    KEYTRAIL_CHECK(change == wire::ConnectionChange::kReady);
  send();
}

void Author::send() {
  const protocol::Appender::Outputs outputs = appender_.take_outputs();
  for (const protocol::AppendBatch& batch : outputs.send) {
    KEYTRAIL_CHECK(
        socket_.send({as_bytes(wire::kProtocolName), as_bytes("APPEND"), protocol::encode(batch)}));
  }
  for (const protocol::Appender::Completed& done : outputs.completed) {
    KEYTRAIL_CHECK(done.ack.outcome == protocol::AppendOutcome::kAccepted);
    ++completed_;
    if (on_ack_) on_ack_(done.ack);
  }
}

void Author::wait(const Fleet<Author>& fleet) {
  if (fleet.size() == 1) return fleet.front()->wait_ms(kPatienceMs);
  std::vector<const wire::Socket*> sockets;
  for (const auto& author : fleet) sockets.push_back(&author->socket_);
  wait_for_all(fleet, sockets, std::make_index_sequence<kAuthors>());
}

Fleet<Author> authors(wire::Context& context, const BenchStore& store, std::size_t count) {
  Fleet<Author> fleet;
  for (std::size_t i = 0; i < count; ++i)
    fleet.push_back(std::make_unique<Author>(context, store, i));
  return fleet;
}

}  // namespace keytrail::bench
