// Guests: power on and off.
//
//   vcenter  PowerOrdered ── esxi PowerChangeStarted ── the guest's process ── esxi GuestStarted
//   the guest powers off, fails, or is ordered off ── esxi GuestStopped
#pragma once

#include <optional>
#include <string>

#include "esxi/model/decision.h"
#include "esxi/model/host.h"

namespace keytrail::esxi {

[[nodiscard]] Decision decide_guest_started(const State& state, const Identity& self,
                                            const ActionId& action);
// How a guest ended, and what its disk did since the last summary (if it had been opened).
struct GuestEnd {
  std::string vm;
  StopReason reason = StopReason::kGuestPoweredOff;
  std::string detail;
  std::optional<DiskUsage> usage;
  bool operator==(const GuestEnd&) const = default;
};
// A periodic summary of what a guest does to its disk: a note.
[[nodiscard]] Decision decide_usage(const State& state, const Identity& self,
                                    const DiskUsage& usage);
// `action`: the order that stopped it, if one did.
[[nodiscard]] Decision decide_guest_stopped(const State& state, const Identity& self,
                                            const GuestEnd& end,
                                            const std::optional<ActionId>& action);

}  // namespace keytrail::esxi
