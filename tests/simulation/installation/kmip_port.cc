#include "tests/simulation/installation/kmip_port.h"

namespace keytrail::simulation {
namespace {

constexpr TimeNs kAnswerWithin = 5 * kSecond;

}  // namespace

KmipPorts::Session::Session(KmipPorts& ports, std::string server, const Hash& certificate)
    : ports_(ports),
      server_(std::move(server)),
      certificate_(certificate),
      connection_(ports.next_connection_++) {}

void KmipPorts::Session::call(kmip::RequestPayload payload, Then then) const {
  kmip::RequestMessage message;
  const kmip::Operation operation = kmip::operation_of(payload);
  message.items.push_back({.operation = operation, .content = std::move(payload)});
  const Bytes bytes = to_bytes(kmip::encode_request(message).read(SecretAccess()));

  World& world = ports_.world_;
  const WireFaults& faults = ports_.faults_;
  // Whichever comes first: the answer, or the end of patience.
  const auto open = std::make_shared<Then>(std::move(then));
  const auto finish = [open](Answer answer) {
    if (*open) std::exchange(*open, nullptr)(std::move(answer));
  };
  const bool request_lost = world.random().chance(faults.broken);
  const bool answer_lost = world.random().chance(faults.broken);
  const TimeNs there = world.random().below(faults.delay_max + 1);
  const TimeNs back = world.random().below(faults.delay_max + 1);
  world.after(kAnswerWithin, [finish] { finish(std::nullopt); });
  if (request_lost) return;
  ReplicaNode& replica = *ports_.replicas_.at(server_);
  world.after(there, [=, &world, &replica, connection = connection_, certificate = certificate_] {
    if (!replica.listens()) return finish(std::nullopt);  // Connection refused.
    replica.on_kmip(connection, certificate, bytes, [=, &world](const Bytes& answer) {
      if (answer_lost) return;
      world.after(back, [finish, answer] {
        auto response = kmip::decode_response(answer);
        KEYTRAIL_CHECK(response.ok() && response->items.size() == 1);
        finish(std::move(response->items[0]));
      });
    });
  });
}

void KmipPorts::Session::close() const { ports_.replicas_.at(server_)->on_closed(connection_); }

}  // namespace keytrail::simulation
