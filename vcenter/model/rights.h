// Rights: who may do what on which entity, as vSphere decides it.
//
//   an entry (entity, user or group, role) holds on its entity, and below it if it propagates;
//   the entries of the nearest entity that has any for this user decide, those above are
//   overridden; there the user's own entry beats those of his groups, and the roles of several
//   groups add up.
// Every check is a fact that names the deciding entry. Nobody gives away more than he has.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vcenter/model/draft.h"

namespace keytrail::vcenter {

// Pure: what the rights say now.
[[nodiscard]] PrivilegeChecked check_privilege(const State& state, const std::string& user,
                                               std::string_view privilege,
                                               const std::string& entity);

// The same as a step of a decision: states the check on the action's stream, guards what was read.
[[nodiscard]] bool require(Draft& draft, std::string_view privilege, const std::string& entity);
// For the detail of a refusal: "bob lacks Cryptographer.Decrypt on vm-1".
[[nodiscard]] std::string lacks(const Caller& caller, std::string_view privilege,
                                const std::string& entity);

inline constexpr std::size_t kRolePrivilegesMax = 512;

struct CreateRole {
  std::string role;
  std::vector<std::string> privileges;
  std::string clone;  // a role whose privileges it gets beside its own; may be empty
  bool operator==(const CreateRole&) const = default;
};
struct SetPermission {
  std::string entity;
  Principal principal;
  std::string role;
  bool propagates = true;
  bool operator==(const SetPermission&) const = default;
};
struct RemovePermission {
  std::string entity;
  Principal principal;
  bool operator==(const RemovePermission&) const = default;
};
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const CreateRole& command);
[[nodiscard]] Decision decide(const State& state, const Caller& caller,
                              const SetPermission& command);
[[nodiscard]] Decision decide(const State& state, const Caller& caller,
                              const RemovePermission& command);

// What may not be asked: nothing is read, and that somebody tried is recorded. No facts: he may, by
// now.
struct RefuseQuestion {
  std::string command;  // "provider.list"
  std::string privilege;
  bool operator==(const RefuseQuestion&) const = default;
};
[[nodiscard]] Decision decide(const State& state, const Caller& caller,
                              const RefuseQuestion& command);

// Whether the caller has all that `role` would give on `entity`; states the first check that fails.
[[nodiscard]] bool may_give(Draft& draft, const std::string& role, const std::string& entity);
// Whether under the rights `after` a user of `principal` would have anything, anywhere, that he has
// not now and that the caller lacks there himself; states the check that fails. An entry that goes,
// or no longer propagates, uncovers those above it; one that propagates, or a group that is joined,
// gives on entities below, on which the caller's own may not hold.
[[nodiscard]] bool gives_more_than_own(Draft& draft, const Rights& after,
                                       const Principal& principal);

void evolve(State& state, const About& about, const RoleCreated& event);
void evolve(State& state, const About& about, const PermissionSet& event);
void evolve(State& state, const About& about, const PermissionRemoved& event);

}  // namespace keytrail::vcenter
