// Principals: users and groups of this vCenter, and how a user comes in.
//
//   UserCreated     its verifier is in the secret file before the fact names it
//   GroupCreated, GroupJoined (on the rights' stream: membership decides rights)
//   LoggedIn, LoginRefused
// Users and groups share one space of names.
#pragma once

#include <string>

#include "vcenter/model/draft.h"

namespace keytrail::vcenter {

// Decided twice: without a credential it says whether the user may be added at all (no facts: yes),
// so that nothing is written to the secret file for somebody who may not.
struct AddUser {
  std::string user;
  std::string credential;
  bool operator==(const AddUser&) const = default;
};
struct AddGroup {
  std::string group;
  bool operator==(const AddGroup&) const = default;
};
struct JoinGroup {
  std::string group;
  std::string user;
  bool operator==(const JoinGroup&) const = default;
};
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const AddUser& command);
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const AddGroup& command);
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const JoinGroup& command);

// The outcome of a login, to be recorded before it is told. The caller's user is the one who tried.
struct RecordLogin {
  std::string refused_because;  // empty: he is in
  bool operator==(const RecordLogin&) const = default;
};
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const RecordLogin& command);

void evolve(State& state, const About& about, const UserCreated& event);
void evolve(State& state, const About& about, const GroupCreated& event);
void evolve(State& state, const About& about, const GroupJoined& event);

}  // namespace keytrail::vcenter
