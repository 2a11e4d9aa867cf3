// Encrypt VM: the whole action, from order to outcome.
//
//   vcenter  EncryptionRequested, PrivilegeChecked --denied--> EncryptionRefused
//   vcenter  KeyRequested, then over KMIP                            ^
//   vcenter  KeyObtained -------------------- KeyRefused ------------'
//   vcenter  HostModeOrdered, if the host is not safe and the user may RegisterHost
//   esxi     HostModeChanged
//   vcenter  KeyPushed
//   esxi     KeyReceived
//   vcenter  EncryptionOrdered                    (or OrderExpired, if the host never claims it)
//   esxi     EncryptionStarted, DiskEncrypted     (or OrderRefused)
//   vcenter  EncryptionCompleted
// What lies between request and end is the same for all actions on a VM: vm_action.h.
#pragma once

#include <string>

#include "vcenter/model/vm_action.h"

namespace keytrail::vcenter {

struct EncryptVm {
  std::string vm;
  std::string provider;  // empty: the default
  bool operator==(const EncryptVm&) const = default;
};
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const EncryptVm& command);

extern const Words kEncryptVmWords;

void evolve(State& state, const About& about, const EncryptionRequested& event);
void evolve(State& state, const About& about, const EncryptionRefused& event);
void evolve(State& state, const About& about, const EncryptionOrdered& event);
void evolve(State& state, const About& about, const EncryptionCompleted& event);

}  // namespace keytrail::vcenter
