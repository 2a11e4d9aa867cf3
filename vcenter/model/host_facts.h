// Host facts: what vCenter takes from the facts that hosts state.
//
//   esxi/HOST/boot     HostStarted empties the cache, KeyReceived and KeyErased change it
//   esxi/HOST/mode     HostModeChanged is the mode, and ends the action that ordered it
//   esxi/HOST/action   Started is the claim, OrderRefused the refusal
//   esxi/HOST/disk     DiskCreated … is the outcome of an order
//   esxi/HOST/vm       the guest, and the lock
// The author is the host: nothing that a host says counts for another, or for an action that is not
// its own.
#pragma once

#include "vcenter/model/state.h"

namespace keytrail::vcenter {

// REQUIRES: the fact's author is esxi/`host`.
void evolve(State& state, const About& about, const std::string& host, const esxi::Event& event);

// Where a host states whether a VM's guest runs and whether the VM is locked.
[[nodiscard]] std::string guest_stream(const std::string& host, const std::string& vm);

}  // namespace keytrail::vcenter
