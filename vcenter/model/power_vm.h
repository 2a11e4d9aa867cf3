// Power VM: on or off.
//
//   vcenter  PowerRequested, PrivilegeChecked --denied--> PowerRefused
//   esxi     KeyReceived, if the VM is encrypted and its host does not hold the key (it restarted)
//   vcenter  PowerOrdered                                          (or OrderExpired)
//   esxi     PowerChangeStarted, GuestStarted or GuestStopped      (or OrderRefused)
//   vcenter  PowerCompleted
// A guest that stops by itself ends no action; the host's fact is the power state.
#pragma once

#include <string>

#include "vcenter/model/vm_action.h"

namespace keytrail::vcenter {

struct PowerVm {
  std::string vm;
  PowerState power = PowerState::kOff;
  bool operator==(const PowerVm&) const = default;
};
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const PowerVm& command);

extern const Words kPowerVmWords;

void evolve(State& state, const About& about, const PowerRequested& event);
void evolve(State& state, const About& about, const PowerRefused& event);
void evolve(State& state, const About& about, const PowerOrdered& event);
void evolve(State& state, const About& about, const PowerCompleted& event);

}  // namespace keytrail::vcenter
