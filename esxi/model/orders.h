// Orders: from vCenter's word to the host's claim, or its refusal.
//
//   vcenter  EncryptionOrdered (DecryptionOrdered, RecryptOrdered, VmCreationOrdered, PowerOrdered)
//   esxi     EncryptionStarted …         the claim, guarded by the order: excludes OrderExpired
//   esxi     disks.h, guests.h           what was done
//   esxi     OrderRefused                what could not be done, and was undone
// A claim waits for the keys that the order needs: an order whose key never comes expires at
// vCenter.
#pragma once

#include <string>
#include <vector>

#include "esxi/model/decision.h"
#include "esxi/model/host.h"

namespace keytrail::esxi {

// Orders that can be claimed now: their keys are held, and no other order of the VM is under way.
[[nodiscard]] std::vector<ActionId> orders_to_claim(const State& state);
// Orders that were claimed: to be performed, again after a restart.
[[nodiscard]] std::vector<ActionId> orders_to_perform(const State& state);

[[nodiscard]] Decision decide_claim(const State& state, const Identity& self,
                                    const ActionId& action);
[[nodiscard]] Decision decide_refuse(const State& state, const Identity& self,
                                     const ActionId& action, Refusal reason, std::string detail);

}  // namespace keytrail::esxi
