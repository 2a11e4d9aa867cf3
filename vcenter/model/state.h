// State: what a vCenter knows, as the fold of its own facts and of its hosts'.
//
// Each part of it belongs to one file pair of this folder, which says how its facts change it;
// vcenter.h has the fold over all of them. Keys are ids here, never material. Values; comparable;
// no threads.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bus/events/fact.h"

namespace keytrail::vcenter {

// --- inventory.h: a tree of entities by name; the root's name is empty ---------------------------

struct Entity {
  EntityKind kind = EntityKind::kFolder;
  std::string parent;
  bool operator==(const Entity&) const = default;
};

// --- rights.h, principals.h ----------------------------------------------------------------------

struct Principal {
  std::string name;
  bool is_group = false;
  auto operator<=>(const Principal&) const = default;
};
struct Permission {
  std::string role;
  bool propagates = true;
  bool operator==(const Permission&) const = default;
};
struct Rights {
  std::map<std::string, std::set<std::string>> roles;                  // role -> privileges
  std::map<std::string, std::set<std::string>> members;                // group -> users
  std::map<std::string, std::map<Principal, Permission>> permissions;  // entity -> entries
  Position position = 0;  // of the last fact of the rights
  bool operator==(const Rights&) const = default;
};
struct User {
  std::string credential;  // of the verifier in the secret file
  bool operator==(const User&) const = default;
};

// --- add_provider.h ------------------------------------------------------------------------------

struct Provider {
  std::vector<KmipServer> servers;  // in the order of failover
  std::string credential;           // of the client key in the secret file
  Hash client_certificate{};
  std::map<std::string, Hash> trusted;  // server -> pinned certificate
  bool ready = false;                   // probed
  std::string vendor;
  // The probe that is owed: asked for by this action, under this KMIP name.
  ActionId probe_action;
  std::string probe_name;
  std::string probe_user;
  Origin probe_origin;
  bool operator==(const Provider&) const = default;
};

// --- push_keys.h ---------------------------------------------------------------------------------

struct Key {
  KeyPurpose purpose = KeyPurpose::kVm;
  std::string subject;  // the VM or host it was obtained for
  std::string server;
  bool operator==(const Key&) const = default;
};

// --- host_mode.h ---------------------------------------------------------------------------------

struct Host {
  std::string cluster;  // empty: it speaks, but is not registered here
  std::string channel_key;
  HostMode mode = HostMode::kIncapable;  // as the host itself stated it
  KeyId key;
  std::string boot;  // of the last HostStarted
  Hash boot_key{};
  std::set<KeyId> held;                    // keys received in this boot
  std::optional<HostModeOrdered> ordered;  // not stated by the host yet
  bool operator==(const Host&) const = default;
};

// --- vm_action.h ---------------------------------------------------------------------------------

struct Vm {
  bool created = false;  // false: its name is taken by the action that makes it
  std::string host;
  std::string folder;
  std::string datastore;
  std::uint64_t disk_bytes = 0;
  std::uint32_t sector_bytes = 0;
  KeyId key;  // none: plain
  PowerState power = PowerState::kOff;
  bool locked = false;
  std::optional<ActionId> holder;  // the action that has the VM
  bool operator==(const Vm&) const = default;
};

enum class ActionKind : std::uint8_t {
  kCreateVm,
  kEncryptVm,
  kDecryptVm,
  kRecryptVm,
  kPowerVm,
  kUnlockVm,
  kHostMode,
};

enum class Phase : std::uint8_t {
  kPreparing,  // keys are made, the host becomes safe and gets them
  kOrdered,    // the host's turn
  kClaimed,    // the host works; nobody else ends it now
  kDone,       // the host told the outcome; Completed is owed
  kRefused,    // the host will not; Refused is owed
};

// A key that an action asked a key server for.
struct KeyNeed {
  std::string name;  // KMIP Name, by which it is found again; empty: not asked for
  KeyId key;         // none: not obtained yet
  [[nodiscard]] bool is_open() const { return !name.empty() && key.is_none(); }
  bool operator==(const KeyNeed&) const = default;
};

// An action that has begun and not ended.
struct Action {
  ActionId id;
  ActionKind kind = ActionKind::kEncryptVm;
  std::string user;
  Origin origin;
  std::string vm;  // empty: an action on a host
  std::string host;
  std::string provider;
  RecryptDepth depth = RecryptDepth::kShallow;
  PowerState power = PowerState::kOff;
  HostMode mode = HostMode::kIncapable;  // wanted, of an action on a host
  KeyId key;                             // that the host will need: the VM's, or the new one
  KeyId old_key;                         // recrypt
  KeyNeed vm_need;
  KeyNeed host_need;
  Phase phase = Phase::kPreparing;
  Position order = 0;
  Position last = 0;  // its last fact: the cause of the next
  TimeNs since = 0;   // log time of its last fact
  Refusal refusal = Refusal::kInvalid;
  std::string detail;
  bool operator==(const Action&) const = default;
};

struct State {
  std::string vcenter;  // whose state this is: "vc-1"; the one thing that no fact says

  std::map<std::string, Entity> entities;
  Rights rights;
  std::map<std::string, User> users;
  std::set<std::string> groups;
  std::map<std::string, Provider> providers;
  std::string default_provider;
  std::map<KeyId, Key> keys;
  std::map<std::string, Host> hosts;
  std::map<std::string, Vm> vms;
  std::map<ActionId, Action> actions;

  std::uint64_t epoch = 0;  // of vCenter's own epoch stream
  // Of each stream that decisions read; of an action's streams only while it is open.
  std::map<std::string, std::uint64_t> versions;

  [[nodiscard]] std::uint64_t version_of(const std::string& stream) const;
  bool operator==(const State&) const = default;
};

// What a fold needs to know of the fact around its event.
struct About {
  const Stamp& stamp;
  const Body& body;
};

// Streams. `state.vcenter` is their scope; a host's own are under its name.
[[nodiscard]] std::string vm_stream(const State& state, const std::string& vm);
[[nodiscard]] std::string host_stream(const State& state, const std::string& host);
[[nodiscard]] std::string key_stream(const State& state, const KeyId& key);
[[nodiscard]] std::string provider_stream(const State& state, const std::string& provider);
[[nodiscard]] std::string principal_stream(const State& state, const std::string& name);
[[nodiscard]] std::string action_stream(const State& state, const ActionId& action);
[[nodiscard]] std::string rights_stream(const State& state);
[[nodiscard]] std::string inventory_stream(const State& state);
[[nodiscard]] std::string epoch_stream(const State& state);
[[nodiscard]] std::string host_mode_stream(const std::string& host);
[[nodiscard]] std::string host_boot_stream(const std::string& host);
[[nodiscard]] std::string host_action_stream(const std::string& host, const ActionId& action);

}  // namespace keytrail::vcenter
