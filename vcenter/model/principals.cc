#include "vcenter/model/principals.h"

#include "vcenter/model/inventory.h"
#include "vcenter/model/privileges.h"
#include "vcenter/model/rights.h"

namespace keytrail::vcenter {
namespace {

bool is_taken(const State& state, const std::string& name) {
  return state.users.contains(name) || state.groups.contains(name);
}

// Whether the caller has, everywhere, all that the group's entries give.
bool may_give_all_of_group(Draft& draft, const std::string& group) {
  for (const auto& [entity, entries] : draft.state().rights.permissions) {
    const auto entry = entries.find(Principal{group, true});
    if (entry != entries.end() && !may_give(draft, entry->second.role, entity)) return false;
  }
  return true;
}

}  // namespace

Decision decide(const State& state, const Caller& caller, const AddUser& command) {
  constexpr const char* kName = "user.add";
  const std::string stream = principal_stream(state, command.user);
  Draft draft(state, caller);
  draft.read(stream);
  const auto refuse = [&](Refusal reason, std::string detail) {
    return draft.refuse(kName, command.user, reason, std::move(detail)).take();
  };
  if (!require(draft, privilege::kModifyPermissions, "")) {
    return refuse(Refusal::kNoPrivilege, lacks(caller, privilege::kModifyPermissions, ""));
  }
  if (const std::string fault = name_fault(command.user); !fault.empty()) {
    return refuse(Refusal::kInvalid, fault);
  }
  if (is_taken(state, command.user)) {
    return refuse(Refusal::kAlreadyExists, "there is a user or group " + command.user);
  }
  if (command.credential.empty()) return {};
  return draft.say(stream, UserCreated{command.user, command.credential}).take();
}

Decision decide(const State& state, const Caller& caller, const AddGroup& command) {
  constexpr const char* kName = "group.add";
  const std::string stream = principal_stream(state, command.group);
  Draft draft(state, caller);
  draft.read(stream);
  const auto refuse = [&](Refusal reason, std::string detail) {
    return draft.refuse(kName, command.group, reason, std::move(detail)).take();
  };
  if (!require(draft, privilege::kModifyPermissions, "")) {
    return refuse(Refusal::kNoPrivilege, lacks(caller, privilege::kModifyPermissions, ""));
  }
  if (const std::string fault = name_fault(command.group); !fault.empty()) {
    return refuse(Refusal::kInvalid, fault);
  }
  if (is_taken(state, command.group)) {
    return refuse(Refusal::kAlreadyExists, "there is a user or group " + command.group);
  }
  return draft.say(stream, GroupCreated{command.group}).take();
}

Decision decide(const State& state, const Caller& caller, const JoinGroup& command) {
  constexpr const char* kName = "group.join";
  Draft draft(state, caller);
  draft.read(principal_stream(state, command.group))
      .read(principal_stream(state, command.user))
      .read(rights_stream(state));
  const auto refuse = [&](Refusal reason, std::string detail) {
    return draft.refuse(kName, command.group, reason, std::move(detail)).take();
  };
  if (!require(draft, privilege::kModifyPermissions, "")) {
    return refuse(Refusal::kNoPrivilege, lacks(caller, privilege::kModifyPermissions, ""));
  }
  if (!state.groups.contains(command.group)) {
    return refuse(Refusal::kNotFound, "there is no group " + command.group);
  }
  if (!state.users.contains(command.user)) {
    return refuse(Refusal::kNotFound, "there is no user " + command.user);
  }
  if (command.user == kAdministrator) {
    // A group's entry on an entity overrides his own at the root.
    return refuse(Refusal::kWrongState,
                  "the administrator joins no group: what he may stands at "
                  "the root");
  }
  const auto members = state.rights.members.find(command.group);
  if (members != state.rights.members.end() && members->second.contains(command.user)) {
    return refuse(Refusal::kAlreadyExists, command.user + " is in " + command.group + " already");
  }
  Rights after = state.rights;
  after.members[command.group].insert(command.user);
  if (!may_give_all_of_group(draft, command.group) ||
      gives_more_than_own(draft, after, Principal{command.user, false})) {
    return refuse(Refusal::kNoPrivilege, "the group " + command.group + " may do more than " +
                                             caller.user + " may himself");
  }
  return draft.say(rights_stream(state), GroupJoined{command.group, command.user}).take();
}

Decision decide(const State& state, const Caller& caller, const RecordLogin& command) {
  const std::string principal = principal_stream(state, caller.user);
  Draft draft(state, caller);
  // What is no name, a stranger's for instance, has no stream that could be read.
  if (name_fault(caller.user).empty()) draft.read(principal);
  if (command.refused_because.empty()) {
    return draft.say(principal, LoggedIn{caller.user}).take();
  }
  // A name that nobody has gets no stream of its own: strangers choose it.
  const std::string stream = state.users.contains(caller.user) ? principal : rights_stream(state);
  return draft.say(stream, LoginRefused{caller.user, command.refused_because}).take();
}

void evolve(State& state, const About&, const UserCreated& event) {
  state.users[event.user] = User{event.credential};
}

void evolve(State& state, const About&, const GroupCreated& event) {
  state.groups.insert(event.group);
}

void evolve(State& state, const About&, const GroupJoined& event) {
  state.rights.members[event.group].insert(event.user);
}

}  // namespace keytrail::vcenter
