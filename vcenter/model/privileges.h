// Privileges: what a vCenter distinguishes, under vSphere's ids, and the roles that every vCenter
// begins with.
//
// Constants; pure.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>

namespace keytrail::vcenter {

namespace privilege {
inline constexpr std::string_view kRead = "System.Read";
inline constexpr std::string_view kEncrypt = "Cryptographer.Encrypt";
inline constexpr std::string_view kEncryptNew = "Cryptographer.EncryptNew";
inline constexpr std::string_view kDecrypt = "Cryptographer.Decrypt";
inline constexpr std::string_view kRecrypt = "Cryptographer.Recrypt";
inline constexpr std::string_view kRegisterVm = "Cryptographer.RegisterVM";
inline constexpr std::string_view kRegisterHost = "Cryptographer.RegisterHost";
inline constexpr std::string_view kManageKeyServers = "Cryptographer.ManageKeyServers";
inline constexpr std::string_view kReadKeyServersInfo = "Cryptographer.ReadKeyServersInfo";
inline constexpr std::string_view kCreateVm = "VirtualMachine.Inventory.Create";
inline constexpr std::string_view kPowerOn = "VirtualMachine.Interact.PowerOn";
inline constexpr std::string_view kPowerOff = "VirtualMachine.Interact.PowerOff";
inline constexpr std::string_view kModifyRoles = "Authorization.ModifyRoles";
inline constexpr std::string_view kModifyPermissions = "Authorization.ModifyPermissions";
}  // namespace privilege

// All of them, sorted.
[[nodiscard]] std::span<const std::string_view> all_privileges();
[[nodiscard]] bool is_privilege(std::string_view id);

inline constexpr std::string_view kAdminRole = "Admin";
inline constexpr std::string_view kNoCryptoAdminRole =
    "NoCryptoAdmin";  // "No cryptography administrator"

// The roles of the first start.
struct BuiltInRole {
  std::string_view name;
  std::string_view label;  // as the vSphere client shows it
};
[[nodiscard]] std::span<const BuiltInRole> built_in_roles();
// REQUIRES: `role` is one of them.
[[nodiscard]] std::set<std::string> privileges_of_built_in(std::string_view role);
// The role's name for a name or a label; the text itself if it is neither.
[[nodiscard]] std::string role_from(std::string_view text);

}  // namespace keytrail::vcenter
