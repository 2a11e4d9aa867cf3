#include "esxi/model/host.h"

#include "bus/events/match.h"

namespace keytrail::esxi {
namespace {

constexpr std::string_view kHostAuthor = "esxi/";

// What the folds below need to know of the fact around their event.
struct About {
  const Identity& self;
  const Stamp& stamp;
  const Body& body;

  [[nodiscard]] bool by_self() const { return author_host() == self.host; }
  // REQUIRES: the fact is a host's.
  [[nodiscard]] std::string author_host() const { return stamp.author.substr(kHostAuthor.size()); }
};

void add_order(State& state, const About& about, const std::string& host, Order order) {
  if (host != about.self.host) return;
  order.action = about.body.action;
  order.user = about.body.user;
  order.position = about.stamp.position;
  order.vm_version = about.stamp.version;
  state.orders.insert_or_assign(order.action, std::move(order));
}

void claim(State& state, const About& about) {
  const auto order = state.orders.find(about.body.action);
  if (about.by_self() && order != state.orders.end()) order->second.phase = OrderPhase::kClaimed;
}

// Nobody decides about its stream any more.
void end_order(State& state, const About& about) {
  state.orders.erase(about.body.action);
  state.versions.erase(action_stream(about.self, about.body.action));
}

// An action that ended without its outcome leaves no key behind that a VM does not use.
void drop_keys_of_action(State& state, const ActionId& action) {
  std::erase_if(state.vm_keys, [&](const auto& entry) {
    const auto& [key, use] = entry;
    const auto vm = state.vms.find(use.vm);
    return use.action == action && (vm == state.vms.end() || vm->second.key != key);
  });
}

void end_refused(State& state, const About& about) {
  end_order(state, about);
  drop_keys_of_action(state, about.body.action);
  state.creations.erase(about.body.action);
}

void drop_keys_of_vm_but(State& state, const std::string& name, const KeyId& current) {
  std::erase_if(state.vm_keys, [&](const auto& entry) {
    return entry.second.vm == name && entry.first != current;
  });
}

std::string host_of_vm(const State& state, const std::string& vm, const ActionId& action) {
  if (const auto known = state.vms.find(vm); known != state.vms.end()) return known->second.host;
  const auto creation = state.creations.find(action);
  return creation == state.creations.end() ? "" : creation->second.host;
}

void on_host_registered(State& state, const About& about,
                        const vcenter::HostRegistered& registered) {
  state.clusters[registered.host] = registered.cluster;
  if (registered.host == about.self.host) state.cluster = registered.cluster;
}

void on_key_obtained(State& state, const About& about, const vcenter::KeyObtained& obtained) {
  if (obtained.purpose != vcenter::KeyPurpose::kVm) return;
  const auto cluster = state.clusters.find(host_of_vm(state, obtained.subject, about.body.action));
  if (cluster == state.clusters.end() || cluster->second != state.cluster) return;
  state.vm_keys.insert_or_assign(obtained.key, KeyUse{obtained.subject, about.body.action});
}

void on_mode_ordered(State& state, const About& about, const vcenter::HostModeOrdered& ordered) {
  if (ordered.host != about.self.host) return;
  state.ordered_mode = ordered;
  state.ordered_mode_action = about.body.action;
  state.ordered_mode_user = about.body.user;
  state.ordered_mode_position = about.stamp.position;
}

// The arms of vCenter's orders.
struct OnOrdered {
  State& state;
  const About& about;

  void operator()(const vcenter::VmCreationOrdered& e) const {
    add(e.host, {.kind = OrderKind::kCreate,
                 .vm = e.vm,
                 .key = e.key,
                 .creation = state.creations[about.body.action]});
  }
  void operator()(const vcenter::EncryptionOrdered& e) const {
    add(e.host, {.kind = OrderKind::kEncrypt, .vm = e.vm, .key = e.key});
  }
  void operator()(const vcenter::DecryptionOrdered& e) const {
    add(e.host, {.kind = OrderKind::kDecrypt, .vm = e.vm, .old_key = e.key});
  }
  void operator()(const vcenter::RecryptOrdered& e) const {
    add(e.host, {.kind = OrderKind::kRecrypt,
                 .vm = e.vm,
                 .key = e.new_key,
                 .old_key = e.old_key,
                 .depth = e.depth});
  }
  void operator()(const vcenter::PowerOrdered& e) const {
    const bool on = e.power == PowerState::kOn;
    add(e.host,
        {.kind = on ? OrderKind::kPowerOn : OrderKind::kPowerOff, .vm = e.vm, .key = e.key});
  }

 private:
  void add(const std::string& host, Order order) const {
    add_order(state, about, host, std::move(order));
  }
};

void evolve_vcenter(State& state, const About& about, const vcenter::Event& event) {
  using namespace vcenter;  // NOLINT: one arm per event of that part
  const auto ignore = [](const auto&) {};
  match(
      event, OnOrdered{state, about},
      [&](const HostRegistered& e) { on_host_registered(state, about, e); },
      [&](const HostModeOrdered& e) { on_mode_ordered(state, about, e); },
      [&](const KeyObtained& e) { on_key_obtained(state, about, e); },
      [&](const VmCreationRequested& e) { state.creations[about.body.action] = e; },
      [&](const VmCreationRefused&) { end_refused(state, about); },
      [&](const VmCreated&) { state.creations.erase(about.body.action); },
      [&](const EncryptionRefused&) { end_refused(state, about); },
      [&](const DecryptionRefused&) { end_order(state, about); },
      [&](const DecryptionCompleted& e) { drop_keys_of_vm_but(state, e.vm, KeyId{}); },
      [&](const RecryptRefused&) { end_refused(state, about); },
      [&](const RecryptCompleted& e) { drop_keys_of_vm_but(state, e.vm, e.new_key); },
      [&](const PowerRefused&) { end_order(state, about); },
      // The guest may have done by itself what was ordered.
      [&](const PowerCompleted&) { end_order(state, about); },
      [&](const OrderExpired&) { end_order(state, about); },
      // What follows is about rights, providers and vCenter's own bookkeeping.
      [&](const EntityAdded& e) { ignore(e); },
      [&](const EntityRemoved& e) { state.vms.erase(e.entity); },
      [&](const UserCreated& e) { ignore(e); }, [&](const GroupCreated& e) { ignore(e); },
      [&](const GroupJoined& e) { ignore(e); }, [&](const RoleCreated& e) { ignore(e); },
      [&](const PermissionSet& e) { ignore(e); }, [&](const PermissionRemoved& e) { ignore(e); },
      [&](const LoggedIn& e) { ignore(e); }, [&](const LoginRefused& e) { ignore(e); },
      [&](const PrivilegeChecked& e) { ignore(e); }, [&](const CommandRefused& e) { ignore(e); },
      [&](const ProviderAdded& e) { ignore(e); }, [&](const ServerTrusted& e) { ignore(e); },
      [&](const ProviderProbed& e) { ignore(e); }, [&](const ProviderProbeFailed& e) { ignore(e); },
      [&](const DefaultProviderSet& e) { ignore(e); }, [&](const ProviderRemoved& e) { ignore(e); },
      [&](const ServerUnreachable& e) { ignore(e); }, [&](const KeyRequested& e) { ignore(e); },
      [&](const KeyRefused& e) { ignore(e); }, [&](const KeyPushed& e) { ignore(e); },
      [&](const KeyUnavailable& e) { ignore(e); }, [&](const EncryptionRequested& e) { ignore(e); },
      [&](const EncryptionCompleted& e) { ignore(e); },
      [&](const DecryptionRequested& e) { ignore(e); },
      [&](const RecryptRequested& e) { ignore(e); }, [&](const PowerRequested& e) { ignore(e); },
      [&](const UnlockRequested& e) { ignore(e); }, [&](const UnlockRefused& e) { ignore(e); },
      [&](const UnlockCompleted& e) { ignore(e); });
}

// The VM of that name, if the fact's author is its host: no host speaks for another's VMs.
Vm* own_vm(State& state, const About& about, const std::string& name) {
  const auto found = state.vms.find(name);
  return found != state.vms.end() && found->second.host == about.author_host() ? &found->second
                                                                               : nullptr;
}

// A VM begins with the disk that its host was ordered to make.
void on_disk_created(State& state, const About& about, const DiskCreated& created) {
  const auto creation = state.creations.find(about.body.action);
  if (creation == state.creations.end() || creation->second.vm != created.vm ||
      creation->second.host != about.author_host()) {
    return;
  }
  state.vms[created.vm].host = creation->second.host;
}

void on_disk(State& state, const About& about, const std::string& name, const DiskState& disk,
             const KeyId& key, const Bytes& dek_fingerprint) {
  Vm* const vm = own_vm(state, about, name);
  if (vm == nullptr) return;
  vm->disk = disk;
  vm->key = key;
  vm->dek_fingerprint = dek_fingerprint;
  if (about.by_self()) end_order(state, about);
}

void on_guest_started(State& state, const About& about, const GuestStarted& started) {
  Vm* const vm = own_vm(state, about, started.vm);
  if (vm == nullptr) return;
  vm->power = PowerState::kOn;
  vm->powered_on_boot = started.boot;
  if (about.by_self()) end_order(state, about);
}

void on_guest_stopped(State& state, const About& about, const GuestStopped& stopped) {
  Vm* const vm = own_vm(state, about, stopped.vm);
  if (vm == nullptr) return;
  vm->power = PowerState::kOff;
  vm->powered_on_boot.clear();
  if (about.by_self()) end_order(state, about);
}

void on_lock(State& state, const About& about, const std::string& name, bool locked) {
  if (Vm* const vm = own_vm(state, about, name)) vm->locked = locked;
}

void on_mode_changed(State& state, const HostModeChanged& changed) {
  state.mode = changed.mode;
  state.host_key = changed.key;
  if (state.ordered_mode.has_value() && state.ordered_mode->mode == changed.mode &&
      state.ordered_mode->key == changed.key) {
    state.ordered_mode.reset();
  }
}

void evolve_esxi(State& state, const About& about, const esxi::Event& event) {
  const bool own = about.by_self();
  match(
      event,
      [&](const HostStarted& e) {
        if (!own) return;
        state.boot = e.boot;
        state.held.clear();
      },
      [&](const HostModeChanged& e) {
        if (own) on_mode_changed(state, e);
      },
      [&](const KeyReceived& e) {
        if (own && e.boot == state.boot) state.held.insert(e.key);
      },
      [&](const KeyErased& e) {
        if (own) state.held.erase(e.key);
      },
      [&](const VmCreationStarted&) { claim(state, about); },
      [&](const EncryptionStarted&) { claim(state, about); },
      [&](const DecryptionStarted&) { claim(state, about); },
      [&](const RecryptStarted&) { claim(state, about); },
      [&](const PowerChangeStarted&) { claim(state, about); },
      [&](const OrderRefused&) {
        if (own) end_order(state, about);
      },
      [&](const DiskCreated& e) {
        on_disk_created(state, about, e);
        on_disk(state, about, e.vm, e.disk, e.key, e.dek_fingerprint);
      },
      [&](const DiskEncrypted& e) {
        on_disk(state, about, e.vm, e.disk, e.key, e.dek_fingerprint);
      },
      [&](const DiskDecrypted& e) { on_disk(state, about, e.vm, e.disk, KeyId{}, Bytes{}); },
      [&](const DiskRecrypted& e) {
        on_disk(state, about, e.vm, e.disk, e.new_key, e.dek_fingerprint);
      },
      [](const DiskUsage&) {}, [&](const GuestStarted& e) { on_guest_started(state, about, e); },
      [&](const GuestStopped& e) { on_guest_stopped(state, about, e); },
      [&](const VmLocked& e) { on_lock(state, about, e.vm, true); },
      [&](const VmUnlocked& e) { on_lock(state, about, e.vm, false); });
}

bool is_followed(const Identity& self, const std::string& stream) {
  return stream.starts_with("esxi/" + self.host + "/") ||
         stream.starts_with("vcenter/" + self.vcenter + "/vm/") ||
         stream == vcenter_host_stream(self);
}

}  // namespace

std::uint64_t State::version_of(const std::string& stream) const {
  const auto found = versions.find(stream);
  return found == versions.end() ? 0 : found->second;
}

std::string boot_stream(const Identity& self) { return stream_name({"esxi", self.host, "boot"}); }
std::string mode_stream(const Identity& self) { return stream_name({"esxi", self.host, "mode"}); }
std::string epoch_stream(const Identity& self) { return stream_name({"esxi", self.host, "epoch"}); }
std::string vm_stream(const Identity& self, const std::string& vm) {
  return stream_name({"esxi", self.host, "vm", vm});
}
std::string disk_stream(const Identity& self, const std::string& disk) {
  return stream_name({"esxi", self.host, "disk", disk});
}
std::string action_stream(const Identity& self, const ActionId& action) {
  return stream_name({"esxi", self.host, "action", to_string(action)});
}
std::string vcenter_vm_stream(const Identity& self, const std::string& vm) {
  return stream_name({"vcenter", self.vcenter, "vm", vm});
}
std::string vcenter_host_stream(const Identity& self) {
  return stream_name({"vcenter", self.vcenter, "host", self.host});
}

void evolve(State& state, const Identity& self, const Fact& fact) {
  const About about{self, fact.stamp, fact.body};
  if (is_followed(self, fact.body.stream)) state.versions[fact.body.stream] = fact.stamp.version;
  if (const auto* event = std::get_if<vcenter::Event>(&fact.body.event)) {
    if (fact.stamp.author == "vcenter/" + self.vcenter) evolve_vcenter(state, about, *event);
  } else if (const auto* own = std::get_if<esxi::Event>(&fact.body.event)) {
    if (fact.stamp.author.starts_with(kHostAuthor)) evolve_esxi(state, about, *own);
  } else if (const auto* part = std::get_if<part::Event>(&fact.body.event)) {
    const auto* started = std::get_if<part::PartStarted>(part);
    if (started != nullptr && fact.body.stream == epoch_stream(self)) state.epoch = started->epoch;
  }
}

Body body_for(const Order& order, std::string stream, Event event) {
  Body body;
  body.stream = std::move(stream);
  body.user = order.user;
  body.action = order.action;
  body.cause = order.position;
  body.event = std::move(event);
  return body;
}

}  // namespace keytrail::esxi
