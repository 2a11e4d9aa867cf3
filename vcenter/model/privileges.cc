#include "vcenter/model/privileges.h"

#include <algorithm>
#include <array>

namespace keytrail::vcenter {
namespace {

constexpr auto kPrivileges = std::to_array<std::string_view>({
    "Authorization.ModifyPermissions",
    "Authorization.ModifyRoles",
    "Authorization.ReassignRolePermissions",
    "Cryptographer.Access",
    "Cryptographer.AddDisk",
    "Cryptographer.Clone",
    "Cryptographer.Decrypt",
    "Cryptographer.Encrypt",
    "Cryptographer.EncryptNew",
    "Cryptographer.ManageEncryptionPolicy",
    "Cryptographer.ManageKeyServers",
    "Cryptographer.ManageKeys",
    "Cryptographer.Migrate",
    "Cryptographer.ReadKeyServersInfo",
    "Cryptographer.Recrypt",
    "Cryptographer.RegisterHost",
    "Cryptographer.RegisterVM",
    "Datastore.AllocateSpace",
    "Datastore.Browse",
    "Datastore.FileManagement",
    "Folder.Create",
    "Folder.Delete",
    "Global.Diagnostics",
    "Global.LogEvent",
    "Host.Config.Storage",
    "Host.Inventory.AddHostToCluster",
    "Host.Inventory.AddStandaloneHost",
    "Host.Inventory.RemoveHostFromCluster",
    "Host.Local.ManageUserGroups",
    "Resource.AssignVMToPool",
    "Resource.ColdMigrate",
    "Resource.HotMigrate",
    "Sessions.TerminateSession",
    "System.Anonymous",
    "System.Read",
    "System.View",
    "VirtualMachine.Config.AddExistingDisk",
    "VirtualMachine.Config.AddNewDisk",
    "VirtualMachine.Config.AddRemoveDevice",
    "VirtualMachine.Config.Settings",
    "VirtualMachine.Interact.ConsoleInteract",
    "VirtualMachine.Interact.PowerOff",
    "VirtualMachine.Interact.PowerOn",
    "VirtualMachine.Interact.Reset",
    "VirtualMachine.Inventory.Create",
    "VirtualMachine.Inventory.CreateFromExisting",
    "VirtualMachine.Inventory.Delete",
    "VirtualMachine.Inventory.Register",
    "VirtualMachine.Inventory.Unregister",
    "VirtualMachine.Provisioning.Clone",
    "VirtualMachine.State.CreateSnapshot",
    "VirtualMachine.State.RemoveSnapshot",
    "VirtualMachine.State.RevertToSnapshot",
});
static_assert(std::is_sorted(kPrivileges.begin(), kPrivileges.end()));

constexpr auto kRoles = std::to_array<BuiltInRole>({
    {"Admin", "Administrator"},
    {"NoAccess", "No access"},
    {"NoCryptoAdmin", "No cryptography administrator"},
    {"ReadOnly", "Read-only"},
    {"View", "View"},
});

// What an administrator without cryptography lacks beside the group Cryptographer: with these he
// could reach keys or core dumps by a detour.
constexpr auto kCryptoDetours = std::to_array<std::string_view>({
    "Global.Diagnostics",
    "Host.Inventory.AddHostToCluster",
    "Host.Inventory.AddStandaloneHost",
    "Host.Local.ManageUserGroups",
});

}  // namespace

std::span<const std::string_view> all_privileges() { return kPrivileges; }

bool is_privilege(std::string_view id) {
  return std::binary_search(kPrivileges.begin(), kPrivileges.end(), id);
}

std::span<const BuiltInRole> built_in_roles() { return kRoles; }

std::set<std::string> privileges_of_built_in(std::string_view role) {
  if (role == "NoAccess") return {};
  if (role == "View") return {"System.Anonymous", "System.View"};
  if (role == "ReadOnly") return {"System.Anonymous", "System.Read", "System.View"};
  std::set<std::string> all(kPrivileges.begin(), kPrivileges.end());
  if (role == kNoCryptoAdminRole) {
    std::erase_if(all, [](const std::string& id) { return id.starts_with("Cryptographer."); });
    for (const std::string_view id : kCryptoDetours) all.erase(std::string(id));
  }
  return all;
}

std::string role_from(std::string_view text) {
  const auto found = std::find_if(kRoles.begin(), kRoles.end(),
                                  [&](const BuiltInRole& role) { return role.label == text; });
  return std::string(found == kRoles.end() ? text : found->name);
}

}  // namespace keytrail::vcenter
