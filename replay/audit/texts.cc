#include "replay/audit/texts.h"

#include "bus/events/match.h"
#include "bus/events/words.h"

namespace keytrail::replay {

EventText text_of(const Event& event) {
  return std::visit([](const auto& of_part) { return text_of(of_part); }, event);
}

EventText text_of(const part::Event& event) {
  using namespace part;
  return match(
      event,
      [](const PartStarted& e) {
        return EventText{"Part started",
                         say({"epoch ", std::to_string(e.epoch), ", version ", e.program_version})};
      },
      [](const PartStopped& e) {
        return EventText{"Part stopped", say({"epoch ", std::to_string(e.epoch)})};
      },
      [](const RefusalsRepeated& e) {
        return EventText{"Connection refused",
                         say({std::to_string(e.count), " on socket ", e.socket, ": ", e.reason})};
      });
}

EventText text_of(const eventstore::Event& event) {
  using namespace eventstore;
  return match(
      event,
      [](const IdentityGranted& e) {
        return EventText{"Bus identity granted",
                         say({"topics ", list_of(e.topics), "; sockets ", list_of(e.sockets),
                              "; may append ", list_of(e.prefixes, "nothing")})};
      },
      [](const IdentityRevoked&) {
        return EventText{"Bus identity revoked", ""};
      },
      [](const ClockStepped& e) {
        return EventText{"Clock stepped", say({"expected ", to_rfc3339(e.expected), ", found ",
                                               to_rfc3339(e.found)})};
      },
      [](const LogRepaired& e) {
        return EventText{"Log repaired",
                         say({"accepted with its head at ", std::to_string(e.accepted_head),
                              ", generation ", std::to_string(e.generation)})};
      });
}

}  // namespace keytrail::replay
