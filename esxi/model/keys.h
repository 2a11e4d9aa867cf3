// Keys of a host: pushed because it asked (push is pull).
//
//   vcenter  KeyObtained for a VM of the cluster, or HostModeOrdered{safe, key} for this host
//   esxi     WANT on the host channel (no fact)     -> vcenter KeyPushed, then the sealed key
//   esxi     KeyReceived                            from here on the host may use it
//   esxi     KeyErased                              no VM of the cluster needs it any more, or
//                                                   the mode was left, or the host ends
// A restart begins with an empty cache (HostStarted), so every key is owed again.
#pragma once

#include <set>
#include <vector>

#include "esxi/model/decision.h"
#include "esxi/model/host.h"

namespace keytrail::esxi {

// A unit of the log holds at most 64 guards and 256 facts; what is more follows in the next one.
inline constexpr std::size_t kVmsPerUnitMax = 32;
inline constexpr std::size_t kKeysPerUnitMax = 128;

// What this host may have and lacks. Without a safe mode only the host key that is on order.
[[nodiscard]] std::set<KeyId> keys_owed(const State& state);
// What it holds and has no use for.
[[nodiscard]] std::set<KeyId> keys_to_erase(const State& state);

// The first fact of a boot, and guests that ended with the last one, as many as fit.
[[nodiscard]] Decision decide_start(const State& state, const Identity& self,
                                    const std::string& boot, const Hash& boot_key);
// The rest of them.
[[nodiscard]] bool guests_are_lost(const State& state, const Identity& self);
[[nodiscard]] Decision decide_lost_guests(const State& state, const Identity& self);
// REQUIRES: the material of `keys` is in the shell's cache, not usable yet.
[[nodiscard]] Decision decide_received(const State& state, const Identity& self,
                                       const std::vector<KeyId>& keys);
// These three say at most so much as fits a unit: what is left is owed still.
[[nodiscard]] Decision decide_erased(const State& state, const Identity& self,
                                     const std::set<KeyId>& keys);
// vCenter could not get the key of these VMs, or has it again.
[[nodiscard]] Decision decide_locked(const State& state, const Identity& self, const KeyId& key);
[[nodiscard]] Decision decide_unlocked(const State& state, const Identity& self);

}  // namespace keytrail::esxi
