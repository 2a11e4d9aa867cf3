// Host mode: vCenter orders, the host states. Only the host's fact is the mode.
//
//   prepare  PrivilegeChecked, HostModeOrdered{prepared}                    -> esxi HostModeChanged
//   enable   PrivilegeChecked, KeyRequested, KeyObtained, HostModeOrdered{safe, key}
//                                                    -> esxi KeyReceived, HostModeChanged
//   rekey    the same with a host that is safe: it gets a new host key
// A refusal is CommandRefused. An order stands until the host states it; a newer one replaces it.
#pragma once

#include <string>
#include <vector>

#include "vcenter/model/vm_action.h"

namespace keytrail::vcenter {

struct PrepareHost {
  std::string host;
  bool operator==(const PrepareHost&) const = default;
};
struct EnableHost {
  std::string host;
  std::string provider;  // empty: the default
  bool operator==(const EnableHost&) const = default;
};
struct RekeyHost {
  std::string host;
  std::string provider;
  bool operator==(const RekeyHost&) const = default;
};
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const PrepareHost& command);
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const EnableHost& command);
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const RekeyHost& command);

// The actions that this order ends: older ones on the same host's mode, which it has not carried
// out.
[[nodiscard]] std::vector<ActionId> replaced_by(const State& state, const ActionId& action,
                                                const HostModeOrdered& order);

void evolve(State& state, const About& about, const HostModeOrdered& event);

}  // namespace keytrail::vcenter
