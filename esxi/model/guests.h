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
// `action`: the order that stopped it, if one did.
[[nodiscard]] Decision decide_guest_stopped(const State& state, const Identity& self,
                                            const std::string& vm, StopReason reason,
                                            std::string detail, std::optional<ActionId> action);

}  // namespace keytrail::esxi
