#include "esxi/model/keys.h"

#include <algorithm>

namespace keytrail::esxi {
namespace {

Body own_body(const Identity& self, std::string stream, esxi::Event event) {
  Body body;
  body.stream = std::move(stream);
  body.user = "esxi/" + self.host;
  body.event = std::move(event);
  return body;
}

bool may_hold_vm_keys(const State& state) { return state.mode == HostMode::kSafe; }

bool is_needed(const State& state, const KeyId& key) {
  if (key == state.host_key) return true;
  if (state.ordered_mode.has_value() && state.ordered_mode->key == key) return true;
  return may_hold_vm_keys(state) && state.vm_keys.contains(key);
}

void say_of_vm(Decision& decision, const State& state, const Identity& self,
               const std::string& name, esxi::Event event) {
  const std::string stream = vm_stream(self, name);
  decision.facts.push_back(own_body(self, stream, std::move(event)));
  decision.guards.emplace_back(stream, state.version_of(stream));
}

bool is_lost_guest(const Vm& vm, const Identity& self, const std::string& boot) {
  return vm.host == self.host && vm.power == PowerState::kOn && vm.powered_on_boot != boot;
}

void tell_lost_guests(Decision& decision, const State& state, const Identity& self,
                      const std::string& boot) {
  std::size_t told = 0;
  for (const auto& [name, vm] : state.vms) {
    if (!is_lost_guest(vm, self, boot)) continue;
    if (told++ == kVmsPerUnitMax) return;
    say_of_vm(decision, state, self, name,
              GuestStopped{name, StopReason::kHostRestarted,
                           "the host's process ended, and the guest with it"});
  }
}

}  // namespace

std::set<KeyId> keys_owed(const State& state) {
  std::set<KeyId> owed;
  const auto want = [&](const KeyId& key) {
    if (!key.is_none() && !state.held.contains(key)) owed.insert(key);
  };
  if (state.ordered_mode.has_value()) want(state.ordered_mode->key);
  want(state.host_key);
  if (may_hold_vm_keys(state)) {
    for (const auto& [key, use] : state.vm_keys) want(key);
  }
  return owed;
}

std::set<KeyId> keys_to_erase(const State& state) {
  std::set<KeyId> unneeded;
  for (const KeyId& key : state.held) {
    if (!is_needed(state, key)) unneeded.insert(key);
  }
  return unneeded;
}

Decision decide_start(const State& state, const Identity& self, const std::string& boot,
                      const Hash& boot_key) {
  Decision decision;
  decision.facts.push_back(own_body(self, boot_stream(self), HostStarted{boot, boot_key}));
  decision.guards.emplace_back(boot_stream(self), state.version_of(boot_stream(self)));
  tell_lost_guests(decision, state, self, boot);
  return decision;
}

bool guests_are_lost(const State& state, const Identity& self) {
  return std::ranges::any_of(
      state.vms, [&](const auto& entry) { return is_lost_guest(entry.second, self, state.boot); });
}

Decision decide_lost_guests(const State& state, const Identity& self) {
  Decision decision;
  tell_lost_guests(decision, state, self, state.boot);
  return decision;
}

Decision decide_received(const State& state, const Identity& self, const std::vector<KeyId>& keys) {
  Decision decision;
  for (const KeyId& key : keys) {
    if (state.held.contains(key) || !is_needed(state, key)) continue;
    decision.facts.push_back(own_body(self, boot_stream(self), KeyReceived{state.boot, key}));
  }
  decision.guards.emplace_back(boot_stream(self), state.version_of(boot_stream(self)));
  decision.guards.emplace_back(mode_stream(self), state.version_of(mode_stream(self)));
  return decision;
}

Decision decide_erased(const State& state, const Identity& self, const std::set<KeyId>& keys) {
  Decision decision;
  for (const KeyId& key : keys) {
    if (!state.held.contains(key)) continue;
    if (decision.facts.size() == kKeysPerUnitMax) break;
    const ErasureReason reason =
        state.mode == HostMode::kSafe ? ErasureReason::kNoLongerNeeded : ErasureReason::kModeLeft;
    decision.facts.push_back(own_body(self, boot_stream(self), KeyErased{state.boot, key, reason}));
  }
  decision.guards.emplace_back(boot_stream(self), state.version_of(boot_stream(self)));
  return decision;
}

Decision decide_locked(const State& state, const Identity& self, const KeyId& key) {
  Decision decision;
  for (const auto& [name, vm] : state.vms) {
    if (vm.host != self.host || vm.key != key || vm.locked || state.held.contains(key)) continue;
    if (decision.facts.size() == kVmsPerUnitMax) break;
    say_of_vm(decision, state, self, name, VmLocked{name, key});
  }
  return decision;
}

Decision decide_unlocked(const State& state, const Identity& self) {
  Decision decision;
  for (const auto& [name, vm] : state.vms) {
    if (vm.host != self.host || !vm.locked || !state.held.contains(vm.key)) continue;
    if (decision.facts.size() == kVmsPerUnitMax) break;
    say_of_vm(decision, state, self, name, VmUnlocked{name, vm.key});
  }
  return decision;
}

}  // namespace keytrail::esxi
