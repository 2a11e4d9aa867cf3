// Decrypt VM: the disk becomes plain; its key stays at the key server.
//
//   vcenter  DecryptionRequested, PrivilegeChecked --denied--> DecryptionRefused
//   esxi     KeyReceived, if the host does not hold the key
//   vcenter  DecryptionOrdered
//   esxi     DecryptionStarted, DiskDecrypted         (or OrderRefused; or OrderExpired)
//   vcenter  DecryptionCompleted
#pragma once

#include <string>

#include "vcenter/model/vm_action.h"

namespace keytrail::vcenter {

struct DecryptVm {
  std::string vm;
  bool operator==(const DecryptVm&) const = default;
};
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const DecryptVm& command);

extern const Words kDecryptVmWords;

void evolve(State& state, const About& about, const DecryptionRequested& event);
void evolve(State& state, const About& about, const DecryptionRefused& event);
void evolve(State& state, const About& about, const DecryptionOrdered& event);
void evolve(State& state, const About& about, const DecryptionCompleted& event);

}  // namespace keytrail::vcenter
