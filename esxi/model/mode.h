// Host mode: vCenter orders, the host states.
//
//   vcenter  HostModeOrdered{safe, host key}
//   esxi     asks for the host key (keys.h), KeyReceived
//   esxi     HostModeChanged{safe, host key}         only this fact is the mode
// Prepared and incapable need no key and are stated at once.
#pragma once

#include <optional>

#include "esxi/model/decision.h"
#include "esxi/model/host.h"

namespace keytrail::esxi {

// The mode is owed and can be stated now.
[[nodiscard]] bool mode_is_due(const State& state);
[[nodiscard]] Decision decide_mode(const State& state, const Identity& self);

}  // namespace keytrail::esxi
