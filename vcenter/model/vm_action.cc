#include "vcenter/model/vm_action.h"

#include <cstdlib>

#include "vcenter/model/add_provider.h"
#include "vcenter/model/create_vm.h"
#include "vcenter/model/decrypt_vm.h"
#include "vcenter/model/encrypt_vm.h"
#include "vcenter/model/host_facts.h"
#include "vcenter/model/host_mode.h"
#include "vcenter/model/power_vm.h"
#include "vcenter/model/privileges.h"
#include "vcenter/model/recrypt_vm.h"
#include "vcenter/model/rights.h"
#include "vcenter/model/unlock_vm.h"

namespace keytrail::vcenter {
namespace {

// What vCenter itself has to say next.
enum class Turn { kNone, kAskForHostKey, kOrderMode, kOrder, kComplete, kRefuse, kMissProvider };

const Words& words_of(ActionKind kind) {
  switch (kind) {
    case ActionKind::kCreateVm:
      return kCreateVmWords;
    case ActionKind::kEncryptVm:
      return kEncryptVmWords;
    case ActionKind::kDecryptVm:
      return kDecryptVmWords;
    case ActionKind::kRecryptVm:
      return kRecryptVmWords;
    case ActionKind::kPowerVm:
      return kPowerVmWords;
    case ActionKind::kUnlockVm:
      return kUnlockVmWords;
    case ActionKind::kHostMode:
      break;  // No VM, no words: the host's fact is the outcome.
  }
  std::abort();
}

const Host* host_of(const State& state, const std::string& name) {
  const auto found = state.hosts.find(name);
  return found == state.hosts.end() ? nullptr : &found->second;
}

bool makes_its_host_safe(ActionKind kind) {
  return kind == ActionKind::kCreateVm || kind == ActionKind::kEncryptVm;
}

bool holds(const Host& host, const KeyId& key) { return key.is_none() || host.held.contains(key); }

// The host becomes safe first, then it gets the VM's keys.
Turn turn_towards_safe_host(const Action& action, const Host& host) {
  if (!makes_its_host_safe(action.kind)) return Turn::kNone;
  if (host.ordered.has_value() && host.ordered->mode == HostMode::kSafe) return Turn::kNone;
  return action.host_need.key.is_none() ? Turn::kAskForHostKey : Turn::kOrderMode;
}

Turn turn_while_preparing(const State& state, const Action& action) {
  if (action.vm_need.is_open() || action.host_need.is_open()) return Turn::kNone;
  if (action.kind == ActionKind::kHostMode) {
    return action.host_need.key.is_none() ? Turn::kNone : Turn::kOrderMode;
  }
  if (!action.provider.empty() && !state.providers.contains(action.provider)) {
    return Turn::kMissProvider;
  }
  if (!action.key.is_none() || !action.old_key.is_none()) {
    const Host* const host = host_of(state, action.host);
    if (host == nullptr) return Turn::kNone;
    if (host->mode != HostMode::kSafe) return turn_towards_safe_host(action, *host);
    if (!holds(*host, action.key) || !holds(*host, action.old_key)) return Turn::kNone;
  }
  return action.kind == ActionKind::kUnlockVm ? Turn::kComplete : Turn::kOrder;
}

Turn turn_of(const State& state, const Action& action) {
  switch (action.phase) {
    case Phase::kPreparing:
      return turn_while_preparing(state, action);
    case Phase::kOrdered:
    case Phase::kClaimed:
      return Turn::kNone;
    case Phase::kDone:
      return Turn::kComplete;
    case Phase::kRefused:
      return Turn::kRefuse;
  }
  std::abort();
}

// Everything that an action's next step depends on.
void read_all(Draft& draft, const Action& action) {
  const State& state = draft.state();
  draft.read(action_stream(state, action.id));
  if (!action.vm.empty()) draft.read(vm_stream(state, action.vm));
  draft.read(host_stream(state, action.host))
      .read(host_mode_stream(action.host))
      .read(host_boot_stream(action.host));
  if (!action.provider.empty()) draft.read(provider_stream(state, action.provider));
  if (action.order != 0) draft.read(host_action_stream(action.host, action.id));
}

void refuse(Draft& draft, const Action& action, Refusal reason, std::string detail) {
  draft.say(vm_stream(draft.state(), action.vm),
            words_of(action.kind).refused(action, reason, std::move(detail)));
}

void complete(Draft& draft, const Action& action) {
  const State& state = draft.state();
  draft.say(vm_stream(state, action.vm), words_of(action.kind).completed(action));
  if (action.kind != ActionKind::kCreateVm) return;
  const auto vm = state.vms.find(action.vm);
  KEYTRAIL_CHECK(vm != state.vms.end());
  draft.read(inventory_stream(state))
      .say(inventory_stream(state), EntityAdded{EntityKind::kVm, action.vm, vm->second.folder});
}

KeyNeed* need_of(Action& action, KeyPurpose purpose) {
  switch (purpose) {
    case KeyPurpose::kVm:
      return &action.vm_need;
    case KeyPurpose::kHost:
      return &action.host_need;
    case KeyPurpose::kProbe:
      return nullptr;  // The probe's key has no life beyond it.
  }
  std::abort();
}

// The open action whose key of this purpose is still wanted, else null.
const Action* waiting_for_key(const State& state, const ActionId& id, KeyPurpose purpose) {
  const auto found = state.actions.find(id);
  if (found == state.actions.end()) return nullptr;
  const Action& action = found->second;
  const KeyNeed& need = purpose == KeyPurpose::kHost ? action.host_need : action.vm_need;
  return need.is_open() ? &action : nullptr;
}

}  // namespace

Caller caller_of(const Action& action) {
  return Caller{
      .action = action.id, .user = action.user, .origin = action.origin, .cause = action.last};
}

std::optional<ActionDuty> next(const State& state, const Action& action, TimeNs now) {
  if (action.vm_need.is_open()) {
    return MakeKey{action.id, KeyPurpose::kVm, action.provider, action.vm, action.vm_need.name};
  }
  if (action.host_need.is_open()) {
    return MakeKey{action.id, KeyPurpose::kHost, action.provider, action.host,
                   action.host_need.name};
  }
  if (turn_of(state, action) != Turn::kNone) return Advance{action.id};
  const bool waits_for_host = action.phase == Phase::kPreparing || action.phase == Phase::kOrdered;
  // An order to change a mode stands until the host states it: nothing else waits for it.
  if (!waits_for_host || action.kind == ActionKind::kHostMode) return std::nullopt;
  if (now > action.since + kPatience) return Expire{action.id};
  return std::nullopt;
}

Decision decide(const State& state, const Caller& caller, const Advance& command) {
  const auto found = state.actions.find(command.action);
  if (found == state.actions.end()) return {};
  const Action& action = found->second;
  Draft draft(state, caller);
  read_all(draft, action);
  switch (turn_of(state, action)) {
    case Turn::kNone:
      return {};
    case Turn::kAskForHostKey:
      draft.say(action_stream(state, action.id),
                KeyRequested{.provider = action.provider,
                             .purpose = KeyPurpose::kHost,
                             .subject = action.host,
                             .name = kmip_name(state, action.id, KeyPurpose::kHost)});
      break;
    case Turn::kOrderMode:
      draft.say(host_stream(state, action.host),
                HostModeOrdered{action.host, HostMode::kSafe, action.host_need.key});
      break;
    case Turn::kOrder:
      draft.say(vm_stream(state, action.vm), words_of(action.kind).ordered(action));
      break;
    case Turn::kComplete:
      complete(draft, action);
      break;
    case Turn::kRefuse:
      refuse(draft, action, action.refusal, action.host + ": " + quoted(action.detail));
      break;
    case Turn::kMissProvider:
      refuse(draft, action, Refusal::kNoKeyProvider,
             "the provider " + action.provider + " was removed meanwhile");
      break;
  }
  return draft.take();
}

Decision decide(const State& state, const Caller& caller, const Expire& command) {
  const auto found = state.actions.find(command.action);
  if (found == state.actions.end() || found->second.kind == ActionKind::kHostMode) return {};
  const Action& action = found->second;
  if (turn_of(state, action) != Turn::kNone) return {};
  Draft draft(state, caller);
  read_all(draft, action);
  if (action.phase == Phase::kOrdered) {
    // The host's stream of this action is at version 0: it has not claimed. One of the two wins.
    draft.say(vm_stream(state, action.vm), OrderExpired{action.vm, action.host, action.order});
    refuse(draft, action, Refusal::kExpired, action.host + " did not take the order in time");
    return draft.take();
  }
  if (action.phase != Phase::kPreparing || action.vm_need.is_open()) return {};
  const Host* const host = host_of(state, action.host);
  const bool is_safe = host != nullptr && host->mode == HostMode::kSafe;
  refuse(draft, action, Refusal::kExpired,
         action.host + (is_safe ? " did not receive the key in time: see whether the host runs and "
                                  "the key server has the key"
                                : " did not become safe in time: see whether the host runs"));
  return draft.take();
}

Decision decide(const State& state, const Caller& caller, const ConcludeKey& command) {
  const Action* const action = waiting_for_key(state, caller.action, command.purpose);
  if (action == nullptr) return {};
  const std::string stream = key_stream(state, command.key);
  if (state.keys.contains(command.key)) {
    Decision refusal =
        decide(state, caller,
               FailKey{command.purpose, "the key server gave a key that is in use already"});
    refusal.guards.emplace_back(stream, state.version_of(stream));
    return refusal;
  }
  if (command.key.id.empty() || stream.size() > kStreamBytesMax) {
    return decide(state, caller,
                  FailKey{command.purpose, "the key server gave an id of " +
                                               std::to_string(command.key.id.size()) +
                                               " bytes, which names no stream of the log"});
  }
  Draft draft(state, caller);
  read_all(draft, *action);
  return draft.read(stream)
      .say(stream,
           KeyObtained{.key = command.key,
                       .server = command.server,
                       .purpose = command.purpose,
                       .subject = command.purpose == KeyPurpose::kHost ? action->host : action->vm})
      .take();
}

Decision decide(const State& state, const Caller& caller, const FailKey& command) {
  const Action* const action = waiting_for_key(state, caller.action, command.purpose);
  if (action == nullptr) return {};
  Draft draft(state, caller);
  read_all(draft, *action);
  const std::string detail = quoted(command.detail);
  draft.say(action_stream(state, action->id), KeyRefused{action->provider, detail});
  if (action->kind == ActionKind::kHostMode) {
    draft.refuse("host.enable", action->host, Refusal::kKeyRefused, detail);
  } else {
    refuse(draft, *action, Refusal::kKeyRefused, detail);
  }
  return draft.take();
}

Taking take(Draft& draft, const std::string& vm) {
  const State& state = draft.state();
  Taking taking;
  draft.read(vm_stream(state, vm));
  const auto found = state.vms.find(vm);
  if (found != state.vms.end() && found->second.created) {
    taking.vm = &found->second;
    draft.read(guest_stream(found->second.host, vm));
  }
  taking.is_free = taking.vm != nullptr && !taking.vm->holder.has_value();
  taking.stream =
      taking.is_free ? vm_stream(state, vm) : action_stream(state, draft.caller().action);
  return taking;
}

std::optional<Obstacle> obstacle_of(const Taking& taking, const std::string& vm) {
  if (taking.vm == nullptr) return Obstacle{Refusal::kNotFound, "there is no VM " + vm};
  if (!taking.is_free) {
    return Obstacle{Refusal::kBusy,
                    "another action has " + vm + ": " + to_string(*taking.vm->holder)};
  }
  return std::nullopt;
}

std::optional<Obstacle> obstacle_of_power(const Taking& taking, const std::string& vm) {
  if (taking.vm->power == PowerState::kOff) return std::nullopt;
  return Obstacle{Refusal::kWrongState, vm + " is powered on: power it off first"};
}

std::string provider_for(Draft& draft, const std::string& asked) {
  const std::string provider = asked.empty() ? draft.state().default_provider : asked;
  if (asked.empty()) draft.read(inventory_stream(draft.state()));
  if (!provider.empty()) draft.read(provider_stream(draft.state(), provider));
  return provider;
}

std::optional<Obstacle> obstacle_of_provider(const Draft& draft, const std::string& provider) {
  if (provider.empty()) {
    return Obstacle{Refusal::kNoKeyProvider, "there is no key provider yet: add one first"};
  }
  const auto found = draft.state().providers.find(provider);
  if (found == draft.state().providers.end()) {
    return Obstacle{Refusal::kNoKeyProvider, "there is no key provider " + provider};
  }
  if (!found->second.ready) {
    return Obstacle{Refusal::kNoKeyProvider, "the key provider " + provider +
                                                 " is not ready: accept its certificates first"};
  }
  return std::nullopt;
}

std::optional<Obstacle> obstacle_of_host(Draft& draft, const std::string& host) {
  const State& state = draft.state();
  draft.read(host_stream(state, host)).read(host_mode_stream(host));
  const Host* const known = host_of(state, host);
  if (known == nullptr || known->cluster.empty()) {
    return Obstacle{Refusal::kNotFound, "there is no host " + host};
  }
  if (known->mode == HostMode::kSafe) return std::nullopt;
  if (require(draft, privilege::kRegisterHost, host)) return std::nullopt;
  return Obstacle{Refusal::kNoPrivilege, host + " is not safe, and " +
                                             lacks(draft.caller(), privilege::kRegisterHost, host)};
}

void ask_for_vm_key(Draft& draft, const std::string& provider, const std::string& vm) {
  const State& state = draft.state();
  const ActionId action = draft.caller().action;
  draft.read(action_stream(state, action))
      .say(action_stream(state, action),
           KeyRequested{.provider = provider,
                        .purpose = KeyPurpose::kVm,
                        .subject = vm,
                        .name = kmip_name(state, action, KeyPurpose::kVm)});
}

void begin(State& state, const About& about, Action action) {
  action.id = about.body.action;
  action.user = about.body.user;
  action.origin = about.body.origin;
  action.last = about.stamp.position;
  action.since = about.stamp.time;
  if (!action.vm.empty()) state.vms[action.vm].holder = action.id;
  state.actions.insert_or_assign(action.id, std::move(action));
}

void end(State& state, const About& about) { forget(state, about.body.action); }

void forget(State& state, const ActionId& id) {
  const auto found = state.actions.find(id);
  if (found == state.actions.end()) return;  // It never had the VM.
  const Action action = std::move(found->second);
  state.actions.erase(found);
  state.versions.erase(action_stream(state, action.id));
  if (!action.host.empty()) state.versions.erase(host_action_stream(action.host, action.id));
  const auto vm = state.vms.find(action.vm);
  if (vm != state.vms.end() && vm->second.holder == action.id) vm->second.holder.reset();
}

void ordered(State& state, const About& about, const std::string& host) {
  const auto found = state.actions.find(about.body.action);
  if (found == state.actions.end()) return;
  found->second.host = host;
  found->second.phase = Phase::kOrdered;
  found->second.order = about.stamp.position;
}

void evolve(State& state, const About& about, const KeyRequested& event) {
  if (event.purpose == KeyPurpose::kProbe) {
    const auto provider = state.providers.find(event.provider);
    if (provider == state.providers.end()) return;
    provider->second.probe_action = about.body.action;
    provider->second.probe_name = event.name;
    provider->second.probe_user = about.body.user;
    provider->second.probe_origin = about.body.origin;
    return;
  }
  if (!state.actions.contains(about.body.action)) {
    if (event.purpose != KeyPurpose::kHost) return;
    begin(state, about,
          Action{.kind = ActionKind::kHostMode,
                 .host = event.subject,
                 .provider = event.provider,
                 .mode = HostMode::kSafe});
  }
  Action& action = state.actions[about.body.action];
  action.provider = event.provider;
  need_of(action, event.purpose)->name = event.name;
}

void evolve(State& state, const About& about, const KeyObtained& event) {
  state.keys[event.key] = Key{event.purpose, event.subject, event.server};
  const auto found = state.actions.find(about.body.action);
  if (found == state.actions.end()) return;
  if (KeyNeed* const need = need_of(found->second, event.purpose)) need->key = event.key;
  if (event.purpose == KeyPurpose::kVm) found->second.key = event.key;
}

void evolve(State& state, const About& about, const KeyRefused&) {
  const auto found = state.actions.find(about.body.action);
  // An action on a VM ends with its own refusal, which follows in the same unit.
  if (found != state.actions.end() && found->second.kind == ActionKind::kHostMode) {
    end(state, about);
  }
}

}  // namespace keytrail::vcenter
