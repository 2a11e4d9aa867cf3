#include "bus/events/codec_fields.h"
#include "bus/events/event.capnp.h"
#include "bus/events/match.h"
#include "bus/events/part_events.h"

namespace keytrail::part {

FIELDS(PartStarted) {
  FIELD(epoch, Epoch);
  FIELD(program_version, ProgramVersion);
}
FIELDS(PartStopped) { FIELD(epoch, Epoch); }
FIELDS(RefusalsRepeated) {
  FIELD(socket, Socket);
  FIELD(reason, Reason);
  FIELD(address, Address);
  FIELD(count, Count);
}

void write(const Event& event, encoded::Part::Builder to) {
  match(
      event, [&](const PartStarted& x) { codec::write(x, to.initPartStarted()); },
      [&](const PartStopped& x) { codec::write(x, to.initPartStopped()); },
      [&](const RefusalsRepeated& x) { codec::write(x, to.initRefusalsRepeated()); });
}

std::optional<Event> read(encoded::Part::Reader from, codec::Problem& problem) {
  using Arm = encoded::Part::Which;
  switch (from.which()) {
    EVENT_ARM(PART_STARTED, PartStarted);
    EVENT_ARM(PART_STOPPED, PartStopped);
    EVENT_ARM(REFUSALS_REPEATED, RefusalsRepeated);
  }
  problem.report(ErrorCode::kNotFound, "an event of part that this program does not know");
  return std::nullopt;
}

}  // namespace keytrail::part
