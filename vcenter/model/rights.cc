#include "vcenter/model/rights.h"

#include <optional>

#include "vcenter/model/inventory.h"
#include "vcenter/model/privileges.h"

namespace keytrail::vcenter {
namespace {

struct Entry {
  Principal principal;
  std::string role;
};

bool has(const Rights& rights, const std::string& role, std::string_view privilege) {
  const auto found = rights.roles.find(role);
  return found != rights.roles.end() && found->second.contains(std::string(privilege));
}

bool is_member(const Rights& rights, const std::string& group, const std::string& user) {
  const auto found = rights.members.find(group);
  return found != rights.members.end() && found->second.contains(user);
}

// The entry at this one entity that decides for `user`: nothing if none there is about him.
std::optional<Entry> deciding_entry(const Rights& rights, const std::string& at, bool inherited,
                                    const std::string& user, std::string_view privilege) {
  const auto entries = rights.permissions.find(at);
  if (entries == rights.permissions.end()) return std::nullopt;
  const auto counts = [&](const Permission& permission) {
    return !inherited || permission.propagates;
  };
  const auto own = entries->second.find(Principal{user, false});
  if (own != entries->second.end() && counts(own->second)) {
    return Entry{own->first, own->second.role};
  }
  std::optional<Entry> denying;
  for (const auto& [principal, permission] : entries->second) {
    if (!principal.is_group || !counts(permission)) continue;
    if (!is_member(rights, principal.name, user)) continue;
    if (has(rights, permission.role, privilege)) return Entry{principal, permission.role};
    if (!denying.has_value()) denying = Entry{principal, permission.role};
  }
  return denying;
}

using Privileges = std::set<std::string>;

const Privileges& privileges_of_role(const Rights& rights, const std::string& role) {
  static const Privileges kNone;
  const auto found = rights.roles.find(role);
  return found == rights.roles.end() ? kNone : found->second;
}

// All that `user` may on the first entity of `path`, which leads to the root.
Privileges privileges_of(const Rights& rights, const std::vector<std::string>& path,
                         const std::string& user) {
  for (const std::string& at : path) {
    const auto entries = rights.permissions.find(at);
    if (entries == rights.permissions.end()) continue;
    Privileges all;
    bool decides = false;
    for (const auto& [principal, permission] : entries->second) {
      if (at != path.front() && !permission.propagates) continue;
      const bool is_own = !principal.is_group && principal.name == user;
      if (is_own) return privileges_of_role(rights, permission.role);
      if (!principal.is_group || !is_member(rights, principal.name, user)) continue;
      decides = true;
      all.merge(Privileges(privileges_of_role(rights, permission.role)));
    }
    if (decides) return all;
  }
  return {};
}

std::set<std::string> users_of(const Rights& rights, const Principal& principal) {
  if (!principal.is_group) return {principal.name};
  const auto members = rights.members.find(principal.name);
  return members == rights.members.end() ? std::set<std::string>{} : members->second;
}

void apply(Rights& rights, const PermissionSet& event) {
  rights.permissions[event.entity][Principal{event.principal, event.is_group}] =
      Permission{event.role, event.propagates};
}

void apply(Rights& rights, const PermissionRemoved& event) {
  const auto entries = rights.permissions.find(event.entity);
  if (entries == rights.permissions.end()) return;
  entries->second.erase(Principal{event.principal, event.is_group});
  if (entries->second.empty()) rights.permissions.erase(entries);
}

template <class Event>
Rights rights_after(const State& state, const Event& event) {
  Rights after = state.rights;
  apply(after, event);
  return after;
}

std::string entity_text(const std::string& entity) { return entity.empty() ? "the root" : entity; }

std::string more_than_own(const Caller& caller, const Principal& principal) {
  return "after that " + principal.name + " would have more somewhere than " + caller.user +
         " may there himself";
}

// The administrator's one entry is Admin at the root, for everything below it: whatever else could
// be set about him, here or on an entity below, would lock out the only one who can undo it.
bool would_lock_out(const SetPermission& command) {
  if (command.principal != Principal{kAdministrator, false}) return false;
  return !command.entity.empty() || command.role != kAdminRole || !command.propagates;
}

}  // namespace

PrivilegeChecked check_privilege(const State& state, const std::string& user,
                                 std::string_view privilege, const std::string& entity) {
  PrivilegeChecked checked{.privilege = std::string(privilege),
                           .entity = entity,
                           .rights_position = state.rights.position};
  for (const std::string& at : path_to_root(state, entity)) {
    const auto entry = deciding_entry(state.rights, at, at != entity, user, privilege);
    if (!entry.has_value()) continue;
    checked.granted = has(state.rights, entry->role, privilege);
    checked.role = entry->role;
    checked.principal = entry->principal.name;
    checked.is_group = entry->principal.is_group;
    checked.inherited_from = at;
    break;
  }
  return checked;
}

bool require(Draft& draft, std::string_view privilege, const std::string& entity) {
  PrivilegeChecked checked = check_privilege(draft.state(), draft.caller().user, privilege, entity);
  const bool granted = checked.granted;
  draft.read(rights_stream(draft.state())).read(inventory_stream(draft.state()));
  draft.say(action_stream(draft.state(), draft.caller().action), std::move(checked));
  return granted;
}

std::string lacks(const Caller& caller, std::string_view privilege, const std::string& entity) {
  return caller.user + " lacks " + std::string(privilege) + " on " + entity_text(entity);
}

bool may_give(Draft& draft, const std::string& role, const std::string& entity) {
  const auto found = draft.state().rights.roles.find(role);
  if (found == draft.state().rights.roles.end()) return true;
  for (const std::string& privilege : found->second) {
    if (!check_privilege(draft.state(), draft.caller().user, privilege, entity).granted) {
      return require(draft, privilege, entity);
    }
  }
  return true;
}

bool gives_more_than_own(Draft& draft, const Rights& after, const Principal& principal) {
  const State& state = draft.state();
  std::vector<std::string> entities{""};
  for (const auto& [entity, known] : state.entities) entities.push_back(entity);
  for (const std::string& user : users_of(after, principal)) {
    for (const std::string& entity : entities) {
      const std::vector<std::string> path = path_to_root(state, entity);
      const Privileges had = privileges_of(state.rights, path, user);
      for (const std::string& privilege : privileges_of(after, path, user)) {
        if (had.contains(privilege)) continue;
        if (check_privilege(state, draft.caller().user, privilege, entity).granted) continue;
        return !require(draft, privilege, entity);
      }
    }
  }
  return false;
}

Decision decide(const State& state, const Caller& caller, const CreateRole& command) {
  constexpr const char* kName = "role.create";
  const std::string rights = rights_stream(state);
  Draft draft(state, caller);
  draft.read(rights);
  const auto refuse = [&](Refusal reason, std::string detail) {
    return draft.refuse(kName, command.role, reason, std::move(detail)).take();
  };
  if (!require(draft, privilege::kModifyRoles, "")) {
    return refuse(Refusal::kNoPrivilege, lacks(caller, privilege::kModifyRoles, ""));
  }
  if (const std::string fault = name_fault(command.role); !fault.empty()) {
    return refuse(Refusal::kInvalid, fault);
  }
  if (state.rights.roles.contains(command.role)) {
    return refuse(Refusal::kAlreadyExists, "there is a role named " + command.role);
  }
  std::set<std::string> privileges(command.privileges.begin(), command.privileges.end());
  if (!command.clone.empty()) {
    const auto source = state.rights.roles.find(command.clone);
    if (source == state.rights.roles.end()) {
      return refuse(Refusal::kNotFound, "there is no role " + command.clone);
    }
    privileges.insert(source->second.begin(), source->second.end());
  }
  for (const std::string& id : privileges) {
    if (!is_privilege(id)) return refuse(Refusal::kInvalid, "there is no privilege " + id);
  }
  return draft
      .say(rights,
           RoleCreated{.role = command.role, .privileges = {privileges.begin(), privileges.end()}})
      .take();
}

Decision decide(const State& state, const Caller& caller, const SetPermission& command) {
  constexpr const char* kName = "permission.set";
  const std::string rights = rights_stream(state);
  Draft draft(state, caller);
  draft.read(rights).read(principal_stream(state, command.principal.name));
  const auto refuse = [&](Refusal reason, std::string detail) {
    return draft.refuse(kName, command.principal.name, reason, std::move(detail)).take();
  };
  if (!require(draft, privilege::kModifyPermissions, command.entity)) {
    return refuse(Refusal::kNoPrivilege,
                  lacks(caller, privilege::kModifyPermissions, command.entity));
  }
  if (!exists(state, command.entity)) {
    return refuse(Refusal::kNotFound, "there is no " + command.entity + " in the inventory");
  }
  const bool known = command.principal.is_group ? state.groups.contains(command.principal.name)
                                                : state.users.contains(command.principal.name);
  if (!known) {
    return refuse(Refusal::kNotFound, std::string("there is no ") +
                                          (command.principal.is_group ? "group " : "user ") +
                                          command.principal.name);
  }
  if (!state.rights.roles.contains(command.role)) {
    return refuse(Refusal::kNotFound, "there is no role " + command.role);
  }
  if (would_lock_out(command)) {
    return refuse(Refusal::kWrongState,
                  "the administrator keeps the role Admin at the root, and has no other entry");
  }
  if (!may_give(draft, command.role, command.entity)) {
    return refuse(Refusal::kNoPrivilege, caller.user + " cannot give the role " + command.role +
                                             ": it allows more than he may himself");
  }
  const PermissionSet set{.entity = command.entity,
                          .principal = command.principal.name,
                          .is_group = command.principal.is_group,
                          .role = command.role,
                          .propagates = command.propagates};
  if (gives_more_than_own(draft, rights_after(state, set), command.principal)) {
    return refuse(Refusal::kNoPrivilege, more_than_own(caller, command.principal));
  }
  return draft.say(rights, set).take();
}

Decision decide(const State& state, const Caller& caller, const RemovePermission& command) {
  constexpr const char* kName = "permission.remove";
  const std::string rights = rights_stream(state);
  Draft draft(state, caller);
  draft.read(rights);
  const auto refuse = [&](Refusal reason, std::string detail) {
    return draft.refuse(kName, command.principal.name, reason, std::move(detail)).take();
  };
  if (!require(draft, privilege::kModifyPermissions, command.entity)) {
    return refuse(Refusal::kNoPrivilege,
                  lacks(caller, privilege::kModifyPermissions, command.entity));
  }
  const auto entries = state.rights.permissions.find(command.entity);
  if (entries == state.rights.permissions.end() || !entries->second.contains(command.principal)) {
    return refuse(Refusal::kNotFound, command.principal.name + " has no permission there");
  }
  if (command.entity.empty() && command.principal == Principal{kAdministrator, false}) {
    return refuse(Refusal::kWrongState, "the administrator keeps his permission at the root");
  }
  const PermissionRemoved removed{.entity = command.entity,
                                  .principal = command.principal.name,
                                  .is_group = command.principal.is_group};
  if (gives_more_than_own(draft, rights_after(state, removed), command.principal)) {
    return refuse(Refusal::kNoPrivilege, more_than_own(caller, command.principal));
  }
  return draft.say(rights, removed).take();
}

Decision decide(const State& state, const Caller& caller, const RefuseQuestion& command) {
  Draft draft(state, caller);
  if (require(draft, command.privilege, "")) return {};
  return draft
      .refuse(command.command, "", Refusal::kNoPrivilege, lacks(caller, command.privilege, ""))
      .take();
}

void evolve(State& state, const About&, const RoleCreated& event) {
  state.rights.roles[event.role] = {event.privileges.begin(), event.privileges.end()};
}

void evolve(State& state, const About&, const PermissionSet& event) { apply(state.rights, event); }

void evolve(State& state, const About&, const PermissionRemoved& event) {
  apply(state.rights, event);
}

}  // namespace keytrail::vcenter
