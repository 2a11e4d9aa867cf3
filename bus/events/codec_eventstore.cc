#include "bus/events/codec_fields.h"
#include "bus/events/event.capnp.h"
#include "bus/events/eventstore_events.h"
#include "bus/events/match.h"

namespace keytrail::eventstore {

FIELDS(IdentityGranted) {
  FIELD(name, Name);
  FIELD(curve_key, CurveKey);
  FIELD(prefixes, Prefixes);
  FIELD(topics, Topics);
  FIELD(sockets, Sockets);
}
FIELDS(IdentityRevoked) { FIELD(name, Name); }
FIELDS(ClockStepped) {
  FIELD(expected, Expected);
  FIELD(found, Found);
}
FIELDS(LogRepaired) {
  FIELD(generation, Generation);
  FIELD(accepted_head, AcceptedHead);
}

void write(const Event& event, encoded::Eventstore::Builder to) {
  match(
      event, [&](const IdentityGranted& x) { codec::write(x, to.initIdentityGranted()); },
      [&](const IdentityRevoked& x) { codec::write(x, to.initIdentityRevoked()); },
      [&](const ClockStepped& x) { codec::write(x, to.initClockStepped()); },
      [&](const LogRepaired& x) { codec::write(x, to.initLogRepaired()); });
}

std::optional<Event> read(encoded::Eventstore::Reader from, codec::Problem& problem) {
  using Arm = encoded::Eventstore::Which;
  switch (from.which()) {
    EVENT_ARM(IDENTITY_GRANTED, IdentityGranted);
    EVENT_ARM(IDENTITY_REVOKED, IdentityRevoked);
    EVENT_ARM(CLOCK_STEPPED, ClockStepped);
    EVENT_ARM(LOG_REPAIRED, LogRepaired);
  }
  problem.report(ErrorCode::kNotFound, "an event of eventstore that this program does not know");
  return std::nullopt;
}

}  // namespace keytrail::eventstore
