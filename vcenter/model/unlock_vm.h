// Unlock VM: its host lacks the key (VmLocked) and asks for it again.
//
//   vcenter  UnlockRequested{key}, PrivilegeChecked --denied--> UnlockRefused
//   esxi     asks; KeyReceived                                 (or never: UnlockRefused)
//   vcenter  UnlockCompleted
// There is no order: a host that has the key states VmUnlocked by itself.
#pragma once

#include <string>

#include "vcenter/model/vm_action.h"

namespace keytrail::vcenter {

struct UnlockVm {
  std::string vm;
  bool operator==(const UnlockVm&) const = default;
};
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const UnlockVm& command);

extern const Words kUnlockVmWords;

void evolve(State& state, const About& about, const UnlockRequested& event);
void evolve(State& state, const About& about, const UnlockRefused& event);
void evolve(State& state, const About& about, const UnlockCompleted& event);

}  // namespace keytrail::vcenter
