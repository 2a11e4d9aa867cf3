// What a vCenter states: who may do what, which key providers it trusts, and each action on a VM or
// a host.
//
// Streams are vcenter/VC/{vm,host,key,provider,principal,action}/ID and
// vcenter/VC/{rights,inventory}. An entity's id is its name, unique in the inventory of its
// vCenter.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "bus/events/ids.h"

namespace keytrail::vcenter {

enum class EntityKind : std::uint8_t { kFolder, kDatacenter, kCluster, kHost, kDatastore, kVm };
enum class HostMode : std::uint8_t { kIncapable, kPrepared, kSafe, kPendingIncapable };
enum class RecryptDepth : std::uint8_t { kShallow, kDeep };
enum class PowerState : std::uint8_t { kOff, kOn };
enum class KeyPurpose : std::uint8_t { kVm, kHost, kProbe };

// Why an action ended without doing what was asked. The sentence stands in `detail` beside it.
enum class Refusal : std::uint8_t {
  kNoPrivilege,
  kNotFound,
  kAlreadyExists,
  kBusy,            // another action holds the VM
  kWrongState,      // powered on, already encrypted, not encrypted, host not safe, …
  kNoKeyProvider,
  kKeyRefused,      // the key server said no, or none could be reached
  kHostRefused,     // the host said no
  kExpired,         // the host did not take the order in time
  kInvalid,
};

// --- inventory: stream vcenter/VC/inventory ------------------------------------------------------

struct EntityAdded {
  static constexpr Effect kEffect = Effect::kChange;
  EntityKind kind = EntityKind::kFolder;
  std::string entity;
  std::string parent;  // empty: the root
  bool operator==(const EntityAdded&) const = default;
};
struct EntityRemoved {
  static constexpr Effect kEffect = Effect::kChange;
  std::string entity;
  bool operator==(const EntityRemoved&) const = default;
};
// Stream vcenter/VC/host/HOST. The host is an entity of `cluster` too.
struct HostRegistered {
  static constexpr Effect kEffect = Effect::kChange;
  std::string host;
  std::string cluster;
  std::string channel_key;  // CURVE public key of the host, z85
  bool operator==(const HostRegistered&) const = default;
};

// --- principals and rights: streams vcenter/VC/principal/NAME and vcenter/VC/rights --------------

// The password's verifier is in the secret file, under `credential`.
struct UserCreated {
  static constexpr Effect kEffect = Effect::kChange;
  std::string user;
  std::string credential;
  bool operator==(const UserCreated&) const = default;
};
struct GroupCreated {
  static constexpr Effect kEffect = Effect::kChange;
  std::string group;
  bool operator==(const GroupCreated&) const = default;
};
// On the rights stream: membership decides rights.
struct GroupJoined {
  static constexpr Effect kEffect = Effect::kChange;
  std::string group;
  std::string user;
  bool operator==(const GroupJoined&) const = default;
};
struct RoleCreated {
  static constexpr Effect kEffect = Effect::kChange;
  std::string role;
  std::vector<std::string> privileges;
  bool operator==(const RoleCreated&) const = default;
};
// Replaces the principal's permission on that entity, if there is one.
struct PermissionSet {
  static constexpr Effect kEffect = Effect::kChange;
  std::string entity;  // empty: the root
  std::string principal;
  bool is_group = false;
  std::string role;
  bool propagates = true;
  bool operator==(const PermissionSet&) const = default;
};
struct PermissionRemoved {
  static constexpr Effect kEffect = Effect::kChange;
  std::string entity;
  std::string principal;
  bool is_group = false;
  bool operator==(const PermissionRemoved&) const = default;
};
struct LoggedIn {
  static constexpr Effect kEffect = Effect::kNote;
  std::string user;
  bool operator==(const LoggedIn&) const = default;
};
struct LoginRefused {
  static constexpr Effect kEffect = Effect::kNote;
  std::string user;
  std::string reason;
  bool operator==(const LoginRefused&) const = default;
};

// One check of one privilege, and what decided it: the role that the principal's entry gives.
struct PrivilegeChecked {
  static constexpr Effect kEffect = Effect::kNote;
  std::string privilege;  // "Cryptographer.Encrypt"
  std::string entity;     // on which it was needed; empty: the root
  bool granted = false;
  std::string role;            // of the deciding entry; empty: no entry applies
  std::string principal;       // of the deciding entry: the user or one of the user's groups
  bool is_group = false;
  std::string inherited_from;  // the entity that holds the entry; `entity` itself if it is its own
  Position rights_position = 0;  // of the last fact of the rights that were used
  bool operator==(const PrivilegeChecked&) const = default;
};

// A command that has no refusal of its own was turned down.
struct CommandRefused {
  static constexpr Effect kEffect = Effect::kNote;
  std::string command;
  std::string object;
  Refusal reason = Refusal::kInvalid;
  std::string detail;
  bool operator==(const CommandRefused&) const = default;
};

// --- key providers: stream vcenter/VC/provider/NAME ----------------------------------------------

struct KmipServer {
  std::string name;
  std::string address;
  std::uint16_t port = 0;
  bool operator==(const KmipServer&) const = default;
};

// Attachment: vCenter's client certificate for this provider, clear. Its key is in the secret file.
struct ProviderAdded {
  static constexpr Effect kEffect = Effect::kChange;
  std::string provider;
  std::vector<KmipServer> servers;  // in the order of failover
  std::string credential;
  Hash client_certificate{};
  bool operator==(const ProviderAdded&) const = default;
};
struct ServerTrusted {
  static constexpr Effect kEffect = Effect::kChange;
  std::string provider;
  std::string server;
  Hash certificate{};  // pinned
  bool operator==(const ServerTrusted&) const = default;
};
// It answers, has the vendor of the others, and a key made on one server was read on all, then
// destroyed.
struct ProviderProbed {
  static constexpr Effect kEffect = Effect::kChange;
  std::string provider;
  std::string vendor;
  std::string probe_key;
  std::vector<std::string> servers;
  bool operator==(const ProviderProbed&) const = default;
};
struct ProviderProbeFailed {
  static constexpr Effect kEffect = Effect::kNote;
  std::string provider;
  std::string server;
  std::string detail;
  bool operator==(const ProviderProbeFailed&) const = default;
};
struct DefaultProviderSet {
  static constexpr Effect kEffect = Effect::kChange;
  std::string provider;
  bool automatic = false;  // it was the first
  bool operator==(const DefaultProviderSet&) const = default;
};
struct ProviderRemoved {
  static constexpr Effect kEffect = Effect::kChange;
  std::string provider;
  bool operator==(const ProviderRemoved&) const = default;
};
// A server stopped or began to answer; the next one in order serves meanwhile.
struct ServerUnreachable {
  static constexpr Effect kEffect = Effect::kNote;
  std::string provider;
  std::string server;
  std::string detail;
  bool operator==(const ServerUnreachable&) const = default;
};

// --- keys: stream vcenter/VC/action/ACTION, the key itself vcenter/VC/key/PROVIDER.ID ------------

struct KeyRequested {
  static constexpr Effect kEffect = Effect::kChange;
  std::string provider;
  KeyPurpose purpose = KeyPurpose::kVm;
  std::string subject;  // the VM or host it is for
  std::string name;     // KMIP Name, by which it is found again after a crash
  bool operator==(const KeyRequested&) const = default;
};
// The id is all that vCenter keeps.
struct KeyObtained {
  static constexpr Effect kEffect = Effect::kChange;
  KeyId key;
  std::string server;
  KeyPurpose purpose = KeyPurpose::kVm;
  std::string subject;
  bool operator==(const KeyObtained&) const = default;
};
struct KeyRefused {
  static constexpr Effect kEffect = Effect::kChange;
  std::string provider;
  std::string detail;
  bool operator==(const KeyRefused&) const = default;
};
// Recorded, then sealed to the host's boot key and sent.
struct KeyPushed {
  static constexpr Effect kEffect = Effect::kNote;
  std::string host;
  std::string boot;
  KeyId key;
  std::string server;  // of the provider, that released it
  bool operator==(const KeyPushed&) const = default;
};
struct KeyUnavailable {
  static constexpr Effect kEffect = Effect::kNote;
  std::string host;
  KeyId key;
  std::string detail;
  bool operator==(const KeyUnavailable&) const = default;
};

// --- host modes: stream vcenter/VC/host/HOST -----------------------------------------------------

// vCenter orders, the host states (esxi HostModeChanged).
struct HostModeOrdered {
  static constexpr Effect kEffect = Effect::kChange;
  std::string host;
  HostMode mode = HostMode::kIncapable;
  KeyId key;  // the host key, for kSafe
  bool operator==(const HostModeOrdered&) const = default;
};

// --- actions on a VM: stream vcenter/VC/vm/VM ----------------------------------------------------
// Requested takes the VM for one action; Completed, Refused or Expired gives it back.

struct GuestBoot {
  std::string kernel;  // files of the VM's folder; empty: no guest of its own
  std::string initrd;
  std::string command_line;
  bool operator==(const GuestBoot&) const = default;
};

struct VmCreationRequested {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  std::string host;
  std::string folder;
  std::string datastore;
  std::uint64_t disk_bytes = 0;
  std::uint32_t sector_bytes = 4096;
  std::string import;  // a file of the VM's folder that becomes the disk; empty: zeros
  bool encrypted = false;
  std::string provider;  // for an encrypted one
  GuestBoot guest;
  bool operator==(const VmCreationRequested&) const = default;
};
struct VmCreationRefused {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  Refusal reason = Refusal::kInvalid;
  std::string detail;
  bool operator==(const VmCreationRefused&) const = default;
};
struct VmCreationOrdered {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  std::string host;
  KeyId key;  // none: a plain VM
  bool operator==(const VmCreationOrdered&) const = default;
};
struct VmCreated {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  std::string host;
  KeyId key;
  bool operator==(const VmCreated&) const = default;
};

struct EncryptionRequested {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  std::string provider;  // asked for, or the default at that moment
  bool operator==(const EncryptionRequested&) const = default;
};
struct EncryptionRefused {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  Refusal reason = Refusal::kInvalid;
  std::string detail;
  bool operator==(const EncryptionRefused&) const = default;
};
struct EncryptionOrdered {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  std::string host;
  KeyId key;
  bool operator==(const EncryptionOrdered&) const = default;
};
struct EncryptionCompleted {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  KeyId key;
  bool operator==(const EncryptionCompleted&) const = default;
};

struct DecryptionRequested {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  bool operator==(const DecryptionRequested&) const = default;
};
struct DecryptionRefused {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  Refusal reason = Refusal::kInvalid;
  std::string detail;
  bool operator==(const DecryptionRefused&) const = default;
};
struct DecryptionOrdered {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  std::string host;
  KeyId key;  // under which it is encrypted now
  bool operator==(const DecryptionOrdered&) const = default;
};
struct DecryptionCompleted {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  bool operator==(const DecryptionCompleted&) const = default;
};

struct RecryptRequested {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  RecryptDepth depth = RecryptDepth::kShallow;
  std::string provider;
  bool operator==(const RecryptRequested&) const = default;
};
struct RecryptRefused {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  RecryptDepth depth = RecryptDepth::kShallow;
  Refusal reason = Refusal::kInvalid;
  std::string detail;
  bool operator==(const RecryptRefused&) const = default;
};
struct RecryptOrdered {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  std::string host;
  RecryptDepth depth = RecryptDepth::kShallow;
  KeyId old_key;
  KeyId new_key;
  bool operator==(const RecryptOrdered&) const = default;
};
struct RecryptCompleted {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  RecryptDepth depth = RecryptDepth::kShallow;
  KeyId old_key;
  KeyId new_key;
  bool operator==(const RecryptCompleted&) const = default;
};

struct PowerRequested {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  PowerState power = PowerState::kOff;
  bool operator==(const PowerRequested&) const = default;
};
struct PowerRefused {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  PowerState power = PowerState::kOff;
  Refusal reason = Refusal::kInvalid;
  std::string detail;
  bool operator==(const PowerRefused&) const = default;
};
struct PowerOrdered {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  std::string host;
  PowerState power = PowerState::kOff;
  KeyId key;  // that the host needs; none: a plain VM
  bool operator==(const PowerOrdered&) const = default;
};
struct PowerCompleted {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  PowerState power = PowerState::kOff;
  bool operator==(const PowerCompleted&) const = default;
};

// Asks again for the key of a locked VM (its host's cache lacks it). Done when the host has it.
struct UnlockRequested {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  KeyId key;
  bool operator==(const UnlockRequested&) const = default;
};
struct UnlockRefused {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  Refusal reason = Refusal::kInvalid;
  std::string detail;
  bool operator==(const UnlockRefused&) const = default;
};
struct UnlockCompleted {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  bool operator==(const UnlockCompleted&) const = default;
};

// The host did not take the order in time; guarded by (esxi/HOST/action/ACTION, 0), so never after
// a claim.
struct OrderExpired {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  std::string host;
  Position order = 0;
  bool operator==(const OrderExpired&) const = default;
};

using Event = std::variant<
    EntityAdded, EntityRemoved, HostRegistered, UserCreated, GroupCreated, GroupJoined, RoleCreated,
    PermissionSet, PermissionRemoved, LoggedIn, LoginRefused, PrivilegeChecked, CommandRefused,
    ProviderAdded, ServerTrusted, ProviderProbed, ProviderProbeFailed, DefaultProviderSet,
    ProviderRemoved, ServerUnreachable, KeyRequested, KeyObtained, KeyRefused, KeyPushed,
    KeyUnavailable, HostModeOrdered, VmCreationRequested, VmCreationRefused, VmCreationOrdered,
    VmCreated, EncryptionRequested, EncryptionRefused, EncryptionOrdered, EncryptionCompleted,
    DecryptionRequested, DecryptionRefused, DecryptionOrdered, DecryptionCompleted,
    RecryptRequested,
    RecryptRefused, RecryptOrdered, RecryptCompleted, PowerRequested, PowerRefused, PowerOrdered,
    PowerCompleted, UnlockRequested, UnlockRefused, UnlockCompleted, OrderExpired>;

}  // namespace keytrail::vcenter
