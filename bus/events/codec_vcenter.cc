#include "bus/events/codec_fields.h"
#include "bus/events/event.capnp.h"
#include "bus/events/match.h"
#include "bus/events/vcenter_events.h"

namespace keytrail::vcenter {

FIELDS(EntityAdded) {
  FIELD(kind, Kind);
  FIELD(entity, Entity);
  FIELD(parent, Parent);
}
FIELDS(EntityRemoved) { FIELD(entity, Entity); }
FIELDS(HostRegistered) {
  FIELD(host, Host);
  FIELD(cluster, Cluster);
  FIELD(channel_key, ChannelKey);
}
FIELDS(UserCreated) {
  FIELD(user, User);
  FIELD(credential, Credential);
}
FIELDS(GroupCreated) { FIELD(group, Group); }
FIELDS(GroupJoined) {
  FIELD(group, Group);
  FIELD(user, User);
}
FIELDS(RoleCreated) {
  FIELD(role, Role);
  FIELD(privileges, Privileges);
}
FIELDS(PermissionSet) {
  FIELD(entity, Entity);
  FIELD(principal, Principal);
  FIELD(is_group, IsGroup);
  FIELD(role, Role);
  FIELD(propagates, Propagates);
}
FIELDS(PermissionRemoved) {
  FIELD(entity, Entity);
  FIELD(principal, Principal);
  FIELD(is_group, IsGroup);
}
FIELDS(LoggedIn) { FIELD(user, User); }
FIELDS(LoginRefused) {
  FIELD(user, User);
  FIELD(reason, Reason);
}
FIELDS(PrivilegeChecked) {
  FIELD(privilege, Privilege);
  FIELD(entity, Entity);
  FIELD(granted, Granted);
  FIELD(role, Role);
  FIELD(principal, Principal);
  FIELD(is_group, IsGroup);
  FIELD(inherited_from, InheritedFrom);
  FIELD(rights_position, RightsPosition);
}
FIELDS(CommandRefused) {
  FIELD(command, Command);
  FIELD(object, Object);
  FIELD(reason, Reason);
  FIELD(detail, Detail);
}
FIELDS(KmipServer) {
  FIELD(name, Name);
  FIELD(address, Address);
  FIELD(port, Port);
}
FIELDS(ProviderAdded) {
  FIELD(provider, Provider);
  FIELD(servers, Servers);
  FIELD(credential, Credential);
  FIELD(client_certificate, ClientCertificate);
}
FIELDS(ServerTrusted) {
  FIELD(provider, Provider);
  FIELD(server, Server);
  FIELD(certificate, Certificate);
}
FIELDS(ProviderProbed) {
  FIELD(provider, Provider);
  FIELD(vendor, Vendor);
  FIELD(probe_key, ProbeKey);
  FIELD(servers, Servers);
}
FIELDS(ProviderProbeFailed) {
  FIELD(provider, Provider);
  FIELD(server, Server);
  FIELD(detail, Detail);
}
FIELDS(DefaultProviderSet) {
  FIELD(provider, Provider);
  FIELD(automatic, Automatic);
}
FIELDS(ProviderRemoved) { FIELD(provider, Provider); }
FIELDS(ServerUnreachable) {
  FIELD(provider, Provider);
  FIELD(server, Server);
  FIELD(detail, Detail);
}
FIELDS(KeyRequested) {
  FIELD(provider, Provider);
  FIELD(purpose, Purpose);
  FIELD(subject, Subject);
  FIELD(name, Name);
}
FIELDS(KeyObtained) {
  FIELD(key, Key);
  FIELD(server, Server);
  FIELD(purpose, Purpose);
  FIELD(subject, Subject);
}
FIELDS(KeyRefused) {
  FIELD(provider, Provider);
  FIELD(detail, Detail);
}
FIELDS(KeyPushed) {
  FIELD(host, Host);
  FIELD(boot, Boot);
  FIELD(key, Key);
  FIELD(server, Server);
}
FIELDS(KeyUnavailable) {
  FIELD(host, Host);
  FIELD(key, Key);
  FIELD(detail, Detail);
}
FIELDS(HostModeOrdered) {
  FIELD(host, Host);
  FIELD(mode, Mode);
  FIELD(key, Key);
}
FIELDS(GuestBoot) {
  FIELD(kernel, Kernel);
  FIELD(initrd, Initrd);
  FIELD(command_line, CommandLine);
}
FIELDS(VmCreationRequested) {
  FIELD(vm, Vm);
  FIELD(host, Host);
  FIELD(folder, Folder);
  FIELD(datastore, Datastore);
  FIELD(disk_bytes, DiskBytes);
  FIELD(sector_bytes, SectorBytes);
  FIELD(import, Import);
  FIELD(encrypted, Encrypted);
  FIELD(provider, Provider);
  FIELD(guest, Guest);
}
FIELDS(VmCreationRefused) {
  FIELD(vm, Vm);
  FIELD(reason, Reason);
  FIELD(detail, Detail);
}
FIELDS(VmCreationOrdered) {
  FIELD(vm, Vm);
  FIELD(host, Host);
  FIELD(key, Key);
}
FIELDS(VmCreated) {
  FIELD(vm, Vm);
  FIELD(host, Host);
  FIELD(key, Key);
}
FIELDS(EncryptionRequested) {
  FIELD(vm, Vm);
  FIELD(provider, Provider);
}
FIELDS(EncryptionRefused) {
  FIELD(vm, Vm);
  FIELD(reason, Reason);
  FIELD(detail, Detail);
}
FIELDS(EncryptionOrdered) {
  FIELD(vm, Vm);
  FIELD(host, Host);
  FIELD(key, Key);
}
FIELDS(EncryptionCompleted) {
  FIELD(vm, Vm);
  FIELD(key, Key);
}
FIELDS(DecryptionRequested) { FIELD(vm, Vm); }
FIELDS(DecryptionRefused) {
  FIELD(vm, Vm);
  FIELD(reason, Reason);
  FIELD(detail, Detail);
}
FIELDS(DecryptionOrdered) {
  FIELD(vm, Vm);
  FIELD(host, Host);
  FIELD(key, Key);
}
FIELDS(DecryptionCompleted) { FIELD(vm, Vm); }
FIELDS(RecryptRequested) {
  FIELD(vm, Vm);
  FIELD(depth, Depth);
  FIELD(provider, Provider);
}
FIELDS(RecryptRefused) {
  FIELD(vm, Vm);
  FIELD(depth, Depth);
  FIELD(reason, Reason);
  FIELD(detail, Detail);
}
FIELDS(RecryptOrdered) {
  FIELD(vm, Vm);
  FIELD(host, Host);
  FIELD(depth, Depth);
  FIELD(old_key, OldKey);
  FIELD(new_key, NewKey);
}
FIELDS(RecryptCompleted) {
  FIELD(vm, Vm);
  FIELD(depth, Depth);
  FIELD(old_key, OldKey);
  FIELD(new_key, NewKey);
}
FIELDS(PowerRequested) {
  FIELD(vm, Vm);
  FIELD(power, Power);
}
FIELDS(PowerRefused) {
  FIELD(vm, Vm);
  FIELD(power, Power);
  FIELD(reason, Reason);
  FIELD(detail, Detail);
}
FIELDS(PowerOrdered) {
  FIELD(vm, Vm);
  FIELD(host, Host);
  FIELD(power, Power);
  FIELD(key, Key);
}
FIELDS(PowerCompleted) {
  FIELD(vm, Vm);
  FIELD(power, Power);
}
FIELDS(UnlockRequested) {
  FIELD(vm, Vm);
  FIELD(key, Key);
}
FIELDS(UnlockRefused) {
  FIELD(vm, Vm);
  FIELD(reason, Reason);
  FIELD(detail, Detail);
}
FIELDS(UnlockCompleted) { FIELD(vm, Vm); }
FIELDS(OrderExpired) {
  FIELD(vm, Vm);
  FIELD(host, Host);
  FIELD(order, Order);
}

void write(const Event& event, encoded::Vcenter::Builder to) {
  match(
      event, [&](const EntityAdded& x) { codec::write(x, to.initEntityAdded()); },
      [&](const EntityRemoved& x) { codec::write(x, to.initEntityRemoved()); },
      [&](const HostRegistered& x) { codec::write(x, to.initHostRegistered()); },
      [&](const UserCreated& x) { codec::write(x, to.initUserCreated()); },
      [&](const GroupCreated& x) { codec::write(x, to.initGroupCreated()); },
      [&](const GroupJoined& x) { codec::write(x, to.initGroupJoined()); },
      [&](const RoleCreated& x) { codec::write(x, to.initRoleCreated()); },
      [&](const PermissionSet& x) { codec::write(x, to.initPermissionSet()); },
      [&](const PermissionRemoved& x) { codec::write(x, to.initPermissionRemoved()); },
      [&](const LoggedIn& x) { codec::write(x, to.initLoggedIn()); },
      [&](const LoginRefused& x) { codec::write(x, to.initLoginRefused()); },
      [&](const PrivilegeChecked& x) { codec::write(x, to.initPrivilegeChecked()); },
      [&](const CommandRefused& x) { codec::write(x, to.initCommandRefused()); },
      [&](const ProviderAdded& x) { codec::write(x, to.initProviderAdded()); },
      [&](const ServerTrusted& x) { codec::write(x, to.initServerTrusted()); },
      [&](const ProviderProbed& x) { codec::write(x, to.initProviderProbed()); },
      [&](const ProviderProbeFailed& x) { codec::write(x, to.initProviderProbeFailed()); },
      [&](const DefaultProviderSet& x) { codec::write(x, to.initDefaultProviderSet()); },
      [&](const ProviderRemoved& x) { codec::write(x, to.initProviderRemoved()); },
      [&](const ServerUnreachable& x) { codec::write(x, to.initServerUnreachable()); },
      [&](const KeyRequested& x) { codec::write(x, to.initKeyRequested()); },
      [&](const KeyObtained& x) { codec::write(x, to.initKeyObtained()); },
      [&](const KeyRefused& x) { codec::write(x, to.initKeyRefused()); },
      [&](const KeyPushed& x) { codec::write(x, to.initKeyPushed()); },
      [&](const KeyUnavailable& x) { codec::write(x, to.initKeyUnavailable()); },
      [&](const HostModeOrdered& x) { codec::write(x, to.initHostModeOrdered()); },
      [&](const VmCreationRequested& x) { codec::write(x, to.initVmCreationRequested()); },
      [&](const VmCreationRefused& x) { codec::write(x, to.initVmCreationRefused()); },
      [&](const VmCreationOrdered& x) { codec::write(x, to.initVmCreationOrdered()); },
      [&](const VmCreated& x) { codec::write(x, to.initVmCreated()); },
      [&](const EncryptionRequested& x) { codec::write(x, to.initEncryptionRequested()); },
      [&](const EncryptionRefused& x) { codec::write(x, to.initEncryptionRefused()); },
      [&](const EncryptionOrdered& x) { codec::write(x, to.initEncryptionOrdered()); },
      [&](const EncryptionCompleted& x) { codec::write(x, to.initEncryptionCompleted()); },
      [&](const DecryptionRequested& x) { codec::write(x, to.initDecryptionRequested()); },
      [&](const DecryptionRefused& x) { codec::write(x, to.initDecryptionRefused()); },
      [&](const DecryptionOrdered& x) { codec::write(x, to.initDecryptionOrdered()); },
      [&](const DecryptionCompleted& x) { codec::write(x, to.initDecryptionCompleted()); },
      [&](const RecryptRequested& x) { codec::write(x, to.initRecryptRequested()); },
      [&](const RecryptRefused& x) { codec::write(x, to.initRecryptRefused()); },
      [&](const RecryptOrdered& x) { codec::write(x, to.initRecryptOrdered()); },
      [&](const RecryptCompleted& x) { codec::write(x, to.initRecryptCompleted()); },
      [&](const PowerRequested& x) { codec::write(x, to.initPowerRequested()); },
      [&](const PowerRefused& x) { codec::write(x, to.initPowerRefused()); },
      [&](const PowerOrdered& x) { codec::write(x, to.initPowerOrdered()); },
      [&](const PowerCompleted& x) { codec::write(x, to.initPowerCompleted()); },
      [&](const UnlockRequested& x) { codec::write(x, to.initUnlockRequested()); },
      [&](const UnlockRefused& x) { codec::write(x, to.initUnlockRefused()); },
      [&](const UnlockCompleted& x) { codec::write(x, to.initUnlockCompleted()); },
      [&](const OrderExpired& x) { codec::write(x, to.initOrderExpired()); });
}

std::optional<Event> read(encoded::Vcenter::Reader from, codec::Problem& problem) {
  using Arm = encoded::Vcenter::Which;
  switch (from.which()) {
    EVENT_ARM(ENTITY_ADDED, EntityAdded);
    EVENT_ARM(ENTITY_REMOVED, EntityRemoved);
    EVENT_ARM(HOST_REGISTERED, HostRegistered);
    EVENT_ARM(USER_CREATED, UserCreated);
    EVENT_ARM(GROUP_CREATED, GroupCreated);
    EVENT_ARM(GROUP_JOINED, GroupJoined);
    EVENT_ARM(ROLE_CREATED, RoleCreated);
    EVENT_ARM(PERMISSION_SET, PermissionSet);
    EVENT_ARM(PERMISSION_REMOVED, PermissionRemoved);
    EVENT_ARM(LOGGED_IN, LoggedIn);
    EVENT_ARM(LOGIN_REFUSED, LoginRefused);
    EVENT_ARM(PRIVILEGE_CHECKED, PrivilegeChecked);
    EVENT_ARM(COMMAND_REFUSED, CommandRefused);
    EVENT_ARM(PROVIDER_ADDED, ProviderAdded);
    EVENT_ARM(SERVER_TRUSTED, ServerTrusted);
    EVENT_ARM(PROVIDER_PROBED, ProviderProbed);
    EVENT_ARM(PROVIDER_PROBE_FAILED, ProviderProbeFailed);
    EVENT_ARM(DEFAULT_PROVIDER_SET, DefaultProviderSet);
    EVENT_ARM(PROVIDER_REMOVED, ProviderRemoved);
    EVENT_ARM(SERVER_UNREACHABLE, ServerUnreachable);
    EVENT_ARM(KEY_REQUESTED, KeyRequested);
    EVENT_ARM(KEY_OBTAINED, KeyObtained);
    EVENT_ARM(KEY_REFUSED, KeyRefused);
    EVENT_ARM(KEY_PUSHED, KeyPushed);
    EVENT_ARM(KEY_UNAVAILABLE, KeyUnavailable);
    EVENT_ARM(HOST_MODE_ORDERED, HostModeOrdered);
    EVENT_ARM(VM_CREATION_REQUESTED, VmCreationRequested);
    EVENT_ARM(VM_CREATION_REFUSED, VmCreationRefused);
    EVENT_ARM(VM_CREATION_ORDERED, VmCreationOrdered);
    EVENT_ARM(VM_CREATED, VmCreated);
    EVENT_ARM(ENCRYPTION_REQUESTED, EncryptionRequested);
    EVENT_ARM(ENCRYPTION_REFUSED, EncryptionRefused);
    EVENT_ARM(ENCRYPTION_ORDERED, EncryptionOrdered);
    EVENT_ARM(ENCRYPTION_COMPLETED, EncryptionCompleted);
    EVENT_ARM(DECRYPTION_REQUESTED, DecryptionRequested);
    EVENT_ARM(DECRYPTION_REFUSED, DecryptionRefused);
    EVENT_ARM(DECRYPTION_ORDERED, DecryptionOrdered);
    EVENT_ARM(DECRYPTION_COMPLETED, DecryptionCompleted);
    EVENT_ARM(RECRYPT_REQUESTED, RecryptRequested);
    EVENT_ARM(RECRYPT_REFUSED, RecryptRefused);
    EVENT_ARM(RECRYPT_ORDERED, RecryptOrdered);
    EVENT_ARM(RECRYPT_COMPLETED, RecryptCompleted);
    EVENT_ARM(POWER_REQUESTED, PowerRequested);
    EVENT_ARM(POWER_REFUSED, PowerRefused);
    EVENT_ARM(POWER_ORDERED, PowerOrdered);
    EVENT_ARM(POWER_COMPLETED, PowerCompleted);
    EVENT_ARM(UNLOCK_REQUESTED, UnlockRequested);
    EVENT_ARM(UNLOCK_REFUSED, UnlockRefused);
    EVENT_ARM(UNLOCK_COMPLETED, UnlockCompleted);
    EVENT_ARM(ORDER_EXPIRED, OrderExpired);
  }
  problem.report(ErrorCode::kNotFound, "an event of vcenter that this program does not know");
  return std::nullopt;
}

}  // namespace keytrail::vcenter
