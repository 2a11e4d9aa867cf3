// Inventory: the tree of entities, and how a vCenter begins.
//
//   first start   EntityAdded dc-1, its folder vm, cluster-1, ds-1; RoleCreated …; UserCreated;
//                 PermissionSet
//   each host     HostRegistered, EntityAdded                 (from vCenter's configuration)
// An entity's id is its name, unique in the vCenter; the root's is empty.
#pragma once

#include <string>
#include <vector>

#include "vcenter/model/draft.h"

namespace keytrail::vcenter {

inline constexpr const char* kDatacenter = "dc-1";
inline constexpr const char* kVmFolder = "vm";
inline constexpr const char* kCluster = "cluster-1";
inline constexpr const char* kDatastore = "ds-1";
inline constexpr const char* kAdministrator = "administrator@vsphere.local";
inline constexpr std::size_t kNameBytesMax = 80;
// Of a name as a piece of a stream's: a key's stream has the provider's name and the key's id.
inline constexpr std::size_t kNamePieceBytesMax = 120;

// Makes the datacenter, the built-in roles and the administrator, whose verifier is in the secret
// file.
struct Found {
  std::string credential;
  bool operator==(const Found&) const = default;
};
// The vCenter has no datacenter yet.
[[nodiscard]] bool is_unfounded(const State& state);
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const Found& command);

struct RegisterHost {
  std::string host;
  std::string cluster;
  std::string channel_key;  // z85
  bool operator==(const RegisterHost&) const = default;
};
[[nodiscard]] Decision decide(const State& state, const Caller& caller,
                              const RegisterHost& command);

[[nodiscard]] bool exists(const State& state, const std::string& entity);  // true for the root
[[nodiscard]] bool is_of_kind(const State& state, const std::string& entity, EntityKind kind);
// The entity, its parent, …, the root.
[[nodiscard]] std::vector<std::string> path_to_root(const State& state, const std::string& entity);
// What a name from outside must be; a sentence if it is not.
[[nodiscard]] std::string name_fault(const std::string& name);

void evolve(State& state, const About& about, const EntityAdded& event);
void evolve(State& state, const About& about, const EntityRemoved& event);
void evolve(State& state, const About& about, const HostRegistered& event);

}  // namespace keytrail::vcenter
