#include "replay/state/vcenter_fold.h"

namespace keytrail::replay {
namespace {

using namespace vcenter;

struct Fold {
  VCenter& vcenter;
  const ActionId& action;  // of the fact
};

void add_entity(Fold fold, const EntityAdded& e) {
  fold.vcenter.inventory[e.entity] = {.kind = e.kind, .parent = e.parent};
}

void remove_entity(Fold fold, const EntityRemoved& e) {
  fold.vcenter.inventory.erase(e.entity);
  fold.vcenter.vms.erase(e.entity);
  fold.vcenter.hosts.erase(e.entity);
  std::erase_if(fold.vcenter.permissions,
                [&](const auto& entry) { return entry.first.first == e.entity; });
}

void add_provider(Fold fold, const ProviderAdded& e) {
  fold.vcenter.providers[e.provider] = {.servers = e.servers, .trusted = {}, .vendor = {}};
}

void remove_provider(Fold fold, const ProviderRemoved& e) {
  fold.vcenter.providers.erase(e.provider);
  if (fold.vcenter.default_provider == e.provider) fold.vcenter.default_provider.clear();
}

// The provider, if it is known.
template <class Change>
void with_provider(Fold fold, const std::string& name, Change change) {
  if (const auto it = fold.vcenter.providers.find(name); it != fold.vcenter.providers.end())
    change(it->second);
}

// --- a VM is held by one action, from its request to its end -------------------------------------
// A second request is refused while it is held, and its refusal gives nothing back.

Vm* held_by(Fold fold, const std::string& vm) {
  const auto it = fold.vcenter.vms.find(vm);
  const bool is_its_own = it != fold.vcenter.vms.end() && it->second.holder == fold.action;
  return is_its_own ? &it->second : nullptr;
}

void hold(Fold fold, const std::string& vm, std::string operation) {
  const auto it = fold.vcenter.vms.find(vm);
  if (it == fold.vcenter.vms.end()) return;  // There is no such VM: the refusal follows.
  it->second.running = std::move(operation);
  it->second.holder = fold.action;
}

void give_back(Fold fold, const std::string& vm) {
  if (Vm* known = held_by(fold, vm)) {
    known->running.clear();
    known->holder = {};
  }
}

// The action did what it was asked for.
template <class Outcome>
void complete(Fold fold, const std::string& vm, Outcome outcome) {
  const auto it = fold.vcenter.vms.find(vm);
  if (it != fold.vcenter.vms.end()) outcome(it->second);
  give_back(fold, vm);
}

void begin_creation(Fold fold, const VmCreationRequested& e) {
  Vm& vm = fold.vcenter.vms[e.vm];
  vm.host = e.host;
  vm.running = "create";
  vm.holder = fold.action;
}

void created(Fold fold, const VmCreated& e) {
  complete(fold, e.vm, [&](Vm& vm) {
    vm.host = e.host;
    if (!e.key.is_none()) vm.key = e.key;
  });
}

void set_permission(Fold fold, const PermissionSet& e) {
  fold.vcenter.permissions[{e.entity, {e.principal, e.is_group}}] = {.role = e.role,
                                                                     .propagates = e.propagates};
}

// One overload an event: what it changes. Those that change nothing say so.
void change(Fold f, const EntityAdded& e) { add_entity(f, e); }
void change(Fold f, const EntityRemoved& e) { remove_entity(f, e); }
void change(Fold f, const HostRegistered& e) { f.vcenter.hosts[e.host] = e.cluster; }
void change(Fold f, const UserCreated& e) { f.vcenter.users.insert(e.user); }
void change(Fold f, const GroupCreated& e) { f.vcenter.groups[e.group]; }
void change(Fold f, const GroupJoined& e) { f.vcenter.groups[e.group].insert(e.user); }
void change(Fold f, const RoleCreated& e) {
  f.vcenter.roles[e.role].privileges = {e.privileges.begin(), e.privileges.end()};
}
void change(Fold f, const PermissionSet& e) { set_permission(f, e); }
void change(Fold f, const PermissionRemoved& e) {
  f.vcenter.permissions.erase({e.entity, {e.principal, e.is_group}});
}
void change(Fold, const LoggedIn&) {}
void change(Fold, const LoginRefused&) {}
void change(Fold, const PrivilegeChecked&) {}
void change(Fold, const CommandRefused&) {}

void change(Fold f, const ProviderAdded& e) { add_provider(f, e); }
void change(Fold f, const ServerTrusted& e) {
  with_provider(f, e.provider, [&](Provider& p) { p.trusted.insert(e.server); });
}
void change(Fold f, const ProviderProbed& e) {
  with_provider(f, e.provider, [&](Provider& p) { p.vendor = e.vendor; });
}
void change(Fold, const ProviderProbeFailed&) {}
void change(Fold f, const DefaultProviderSet& e) { f.vcenter.default_provider = e.provider; }
void change(Fold f, const ProviderRemoved& e) { remove_provider(f, e); }
void change(Fold, const ServerUnreachable&) {}

void change(Fold, const KeyRequested&) {}
void change(Fold f, const KeyObtained& e) { f.vcenter.keys[e.key] = e.subject; }
void change(Fold, const KeyRefused&) {}
void change(Fold, const KeyPushed&) {}
void change(Fold, const KeyUnavailable&) {}
void change(Fold, const HostModeOrdered&) {}  // Only the host's own fact is its mode.

void change(Fold f, const VmCreationRequested& e) { begin_creation(f, e); }
void change(Fold f, const VmCreationRefused& e) {
  if (held_by(f, e.vm) != nullptr) f.vcenter.vms.erase(e.vm);
}
void change(Fold, const VmCreationOrdered&) {}
void change(Fold f, const VmCreated& e) { created(f, e); }
void change(Fold f, const EncryptionRequested& e) { hold(f, e.vm, "encrypt"); }
void change(Fold f, const EncryptionRefused& e) { give_back(f, e.vm); }
void change(Fold, const EncryptionOrdered&) {}
void change(Fold f, const EncryptionCompleted& e) {
  complete(f, e.vm, [&](Vm& vm) { vm.key = e.key; });
}
void change(Fold f, const DecryptionRequested& e) { hold(f, e.vm, "decrypt"); }
void change(Fold f, const DecryptionRefused& e) { give_back(f, e.vm); }
void change(Fold, const DecryptionOrdered&) {}
void change(Fold f, const DecryptionCompleted& e) {
  complete(f, e.vm, [](Vm& vm) { vm.key.reset(); });
}
void change(Fold f, const RecryptRequested& e) { hold(f, e.vm, "recrypt"); }
void change(Fold f, const RecryptRefused& e) { give_back(f, e.vm); }
void change(Fold, const RecryptOrdered&) {}
void change(Fold f, const RecryptCompleted& e) {
  complete(f, e.vm, [&](Vm& vm) { vm.key = e.new_key; });
}
void change(Fold f, const PowerRequested& e) { hold(f, e.vm, "power"); }
void change(Fold f, const PowerRefused& e) { give_back(f, e.vm); }
void change(Fold, const PowerOrdered&) {}
void change(Fold f, const PowerCompleted& e) {
  complete(f, e.vm, [&](Vm& vm) { vm.power = e.power; });
}
void change(Fold f, const UnlockRequested& e) { hold(f, e.vm, "unlock"); }
void change(Fold f, const UnlockRefused& e) { give_back(f, e.vm); }
void change(Fold f, const UnlockCompleted& e) {
  complete(f, e.vm, [](Vm& vm) { vm.locked = false; });
}
void change(Fold, const OrderExpired&) {}  // The refusal that follows ends the action.

}  // namespace

void evolve_vcenter(VCenter& vcenter, const ActionId& action, const vcenter::Event& event) {
  std::visit([&](const auto& e) { change(Fold{vcenter, action}, e); }, event);
}

}  // namespace keytrail::replay
