// State: what was so at a moment of the log. A pure fold of its facts, from the log alone.
//
//   State s;  for each fact: evolve(s, fact);  ──► items_of(s): what exists, in words
//                                             ──► diff(a, b): what differs between two moments
// It is the auditor's reading: it believes facts, in their order, whoever states them; a part's own
// model decides with its own fold. Default-constructed = before the first fact; comparable. Pure;
// any thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bus/events/fact.h"

namespace keytrail::replay {

// --- key servers ---------------------------------------------------------------------------------

struct KeyObject {
  kms::ObjectType type = kms::ObjectType::kSymmetricKey;
  kms::ObjectState state = kms::ObjectState::kPreActive;
  std::uint32_t length_bits = 0;
  std::string owner;
  std::set<std::string> names;
  TimeNs created = 0;
  TimeNs destroyed = 0;  // 0: it is not
  Position destroyed_at = 0;
  std::map<std::string, std::uint64_t> releases;  // client -> how often
  bool operator==(const KeyObject&) const = default;
};
struct Client {
  std::string group;
  std::set<std::string> certificates;  // fingerprints, hexadecimal
  bool operator==(const Client&) const = default;
};
struct Replica {
  bool retired = false;
  Position shredded_through = 0;
  bool operator==(const Replica&) const = default;
};
// A KMS cluster; its replicas share these.
struct Cluster {
  std::map<std::string, KeyObject> keys;
  std::map<std::string, Client> clients;
  std::map<std::string, Replica> replicas;
  bool operator==(const Cluster&) const = default;
};

// --- vCenter -------------------------------------------------------------------------------------

struct Provider {
  std::vector<vcenter::KmipServer> servers;
  std::set<std::string> trusted;  // servers whose certificate is pinned
  std::string vendor;             // empty: not probed
  bool operator==(const Provider&) const = default;
};
struct Role {
  std::set<std::string> privileges;
  bool operator==(const Role&) const = default;
};
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
struct Entity {
  vcenter::EntityKind kind = vcenter::EntityKind::kFolder;
  std::string parent;
  bool operator==(const Entity&) const = default;
};
struct Vm {
  std::string host;
  std::optional<KeyId> key;  // none: it is plain
  vcenter::PowerState power = vcenter::PowerState::kOff;
  bool locked = false;  // its host lacks the key
  std::string running;  // the operation that holds it; empty: none
  ActionId holder;      // and its action
  bool operator==(const Vm&) const = default;
};
struct VCenter {
  std::map<std::string, Entity> inventory;
  std::map<std::string, Provider> providers;
  std::string default_provider;
  std::map<KeyId, std::string> keys;  // known to vCenter, and the VM or host that each was made for
  std::set<std::string> users;
  std::map<std::string, std::set<std::string>> groups;  // and their members
  std::map<std::string, Role> roles;
  std::map<std::pair<std::string, Principal>, Permission> permissions;  // by entity and principal
  std::map<std::string, std::string> hosts;                             // and their cluster
  std::map<std::string, Vm> vms;
  bool operator==(const VCenter&) const = default;
};

// --- hosts ---------------------------------------------------------------------------------------

struct Host {
  vcenter::HostMode mode = vcenter::HostMode::kIncapable;
  KeyId host_key;
  std::string boot;
  std::map<KeyId, TimeNs> held;  // keys in its memory, and since when
  bool operator==(const Host&) const = default;
};
struct Disk {
  std::string vm;
  std::string host;
  std::string cipher;  // empty: plain
  KeyId key;           // that wraps its DEK
  std::string dek_fingerprint;
  std::uint64_t bytes = 0;
  bool operator==(const Disk&) const = default;
};

struct State {
  Position position = 0;  // of the last fact folded
  TimeNs time = 0;
  std::map<std::string, std::uint64_t> parts;  // "kms/kms-1" -> epoch; 0: it was stopped in order
  std::map<std::string, std::set<std::string>> identities;  // of the event store -> topics
  std::map<std::string, Cluster> clusters;
  std::map<std::string, VCenter> vcenters;
  std::map<std::string, Host> hosts;
  std::map<std::string, Disk> disks;

  bool operator==(const State&) const = default;
};

// Total. A part, cluster, vCenter or host is known from its first fact on; of a key, VM, disk or
// provider that was never made, a fact changes nothing but position and time.
void evolve(State& state, const Fact& fact);

}  // namespace keytrail::replay
