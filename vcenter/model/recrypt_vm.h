// Recrypt VM: a new KEK (shallow: the same DEK wrapped anew), or a new KEK and a new DEK (deep: all
// data).
//
//   vcenter  RecryptRequested, PrivilegeChecked --denied--> RecryptRefused
//   vcenter  KeyRequested, KeyObtained                      (KeyRefused, RecryptRefused)
//   esxi     KeyReceived; vcenter RecryptOrdered{old key, new key}
//   esxi     RecryptStarted, DiskRecrypted                  (or OrderRefused; or OrderExpired)
//   vcenter  RecryptCompleted
// The VM is powered off for both depths, for now.
#pragma once

#include <string>

#include "vcenter/model/vm_action.h"

namespace keytrail::vcenter {

struct RecryptVm {
  std::string vm;
  RecryptDepth depth = RecryptDepth::kShallow;
  std::string provider;  // empty: that of the present key
  bool operator==(const RecryptVm&) const = default;
};
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const RecryptVm& command);

extern const Words kRecryptVmWords;

void evolve(State& state, const About& about, const RecryptRequested& event);
void evolve(State& state, const About& about, const RecryptRefused& event);
void evolve(State& state, const About& about, const RecryptOrdered& event);
void evolve(State& state, const About& about, const RecryptCompleted& event);

}  // namespace keytrail::vcenter
