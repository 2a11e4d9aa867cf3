#include "vcenter/model/host_facts.h"

#include <utility>

#include "bus/events/match.h"
#include "vcenter/model/vm_action.h"

namespace keytrail::vcenter {
namespace {

// The action that this fact belongs to, if it is one that this host was ordered.
Action* ordered_action(State& state, const About& about, const std::string& host, ActionKind kind) {
  const auto found = state.actions.find(about.body.action);
  if (found == state.actions.end()) return nullptr;
  Action& action = found->second;
  const bool is_ordered = action.phase == Phase::kOrdered || action.phase == Phase::kClaimed;
  return action.kind == kind && action.host == host && is_ordered ? &action : nullptr;
}

void claim(State& state, const About& about, const std::string& host, ActionKind kind) {
  if (Action* const action = ordered_action(state, about, host, kind)) {
    action->phase = Phase::kClaimed;
  }
}

void done(State& state, const About& about, const std::string& host, ActionKind kind,
          const esxi::DiskState& disk) {
  Action* const action = ordered_action(state, about, host, kind);
  if (action == nullptr) return;
  action->phase = Phase::kDone;
  Vm& vm = state.vms[action->vm];
  vm.disk_bytes = disk.bytes;
  vm.sector_bytes = disk.sector_bytes;
}

void refused(State& state, const About& about, const std::string& host,
             const esxi::OrderRefused& event) {
  const auto found = state.actions.find(about.body.action);
  if (found == state.actions.end()) return;
  Action& action = found->second;
  const bool is_ordered = action.phase == Phase::kOrdered || action.phase == Phase::kClaimed;
  if (action.host != host || !is_ordered || action.kind == ActionKind::kHostMode) return;
  action.phase = Phase::kRefused;
  // Why the host refused is in the detail; that it was the host is the reason.
  action.refusal = Refusal::kHostRefused;
  action.detail = event.detail;
}

void mode_changed(State& state, const About& about, const std::string& name,
                  const esxi::HostModeChanged& event) {
  Host& host = state.hosts[name];
  host.mode = event.mode;
  host.key = event.key;
  if (host.ordered.has_value() && host.ordered->mode == event.mode &&
      host.ordered->key == event.key) {
    host.ordered.reset();
  }
  const auto found = state.actions.find(about.body.action);
  if (found == state.actions.end()) return;
  if (found->second.kind == ActionKind::kHostMode && found->second.host == name) end(state, about);
}

// The VM of that name, if it is on this host.
Vm* own_vm(State& state, const std::string& host, const std::string& name) {
  const auto found = state.vms.find(name);
  return found != state.vms.end() && found->second.host == host ? &found->second : nullptr;
}

// The host's fact is the power state, whoever made it so; an order for that state is then
// fulfilled.
void power(State& state, const std::string& host, const std::string& name, PowerState power) {
  Vm* const vm = own_vm(state, host, name);
  if (vm == nullptr) return;
  vm->power = power;
  if (!vm->holder.has_value()) return;
  const auto found = state.actions.find(*vm->holder);
  if (found == state.actions.end()) return;
  Action& action = found->second;
  const bool is_ordered = action.phase == Phase::kOrdered || action.phase == Phase::kClaimed;
  if (action.kind == ActionKind::kPowerVm && action.power == power && is_ordered) {
    action.phase = Phase::kDone;
  }
}

}  // namespace

void evolve(State& state, const About& about, const std::string& host, const esxi::Event& event) {
  using namespace esxi;  // NOLINT: one arm per event of that part
  match(
      event,
      [&](const HostStarted& e) {
        Host& started = state.hosts[host];
        started.boot = e.boot;
        started.boot_key = e.boot_key;
        started.held.clear();
      },
      [&](const HostModeChanged& e) { mode_changed(state, about, host, e); },
      [&](const KeyReceived& e) {
        Host& holder = state.hosts[host];
        if (e.boot == holder.boot) holder.held.insert(e.key);
      },
      [&](const KeyErased& e) { state.hosts[host].held.erase(e.key); },
      [&](const VmCreationStarted&) { claim(state, about, host, ActionKind::kCreateVm); },
      [&](const EncryptionStarted&) { claim(state, about, host, ActionKind::kEncryptVm); },
      [&](const DecryptionStarted&) { claim(state, about, host, ActionKind::kDecryptVm); },
      [&](const RecryptStarted&) { claim(state, about, host, ActionKind::kRecryptVm); },
      [&](const PowerChangeStarted&) { claim(state, about, host, ActionKind::kPowerVm); },
      [&](const OrderRefused& e) { refused(state, about, host, e); },
      [&](const DiskCreated& e) { done(state, about, host, ActionKind::kCreateVm, e.disk); },
      [&](const DiskEncrypted& e) { done(state, about, host, ActionKind::kEncryptVm, e.disk); },
      [&](const DiskDecrypted& e) { done(state, about, host, ActionKind::kDecryptVm, e.disk); },
      [&](const DiskRecrypted& e) { done(state, about, host, ActionKind::kRecryptVm, e.disk); },
      [](const DiskUsage&) {},
      [&](const GuestStarted& e) { power(state, host, e.vm, PowerState::kOn); },
      [&](const GuestStopped& e) { power(state, host, e.vm, PowerState::kOff); },
      [&](const VmLocked& e) {
        if (Vm* const vm = own_vm(state, host, e.vm)) vm->locked = true;
      },
      [&](const VmUnlocked& e) {
        if (Vm* const vm = own_vm(state, host, e.vm)) vm->locked = false;
      });
}

std::string guest_stream(const std::string& host, const std::string& vm) {
  return stream_name({"esxi", host, "vm", vm});
}

}  // namespace keytrail::vcenter
