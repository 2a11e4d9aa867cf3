// vCenter: the whole model. Commands in, facts out; facts in, state; state in, duties.
//
//   decide(state, caller, command) -> facts and guards      every refusal is a fact
//   evolve(state, fact)            -> state                 own facts, and those of hosts
//   next(state, now)               -> duties                so a restart resumes by itself
// One file pair per action; this one only brings them together. Pure; any thread over its own
// state.
#pragma once

#include <variant>
#include <vector>

#include "vcenter/model/add_provider.h"
#include "vcenter/model/create_vm.h"
#include "vcenter/model/decrypt_vm.h"
#include "vcenter/model/encrypt_vm.h"
#include "vcenter/model/host_mode.h"
#include "vcenter/model/inventory.h"
#include "vcenter/model/power_vm.h"
#include "vcenter/model/principals.h"
#include "vcenter/model/push_keys.h"
#include "vcenter/model/recrypt_vm.h"
#include "vcenter/model/rights.h"
#include "vcenter/model/unlock_vm.h"

namespace keytrail::vcenter {

// What users ask for, and what became of duties.
using Command =
    std::variant<Found, RegisterHost, AddUser, AddGroup, JoinGroup, RecordLogin, CreateRole,
                 SetPermission, RemovePermission, RefuseQuestion, AddProvider, TrustServers,
                 ConcludeProbe, FailProbe, SetDefaultProvider, RemoveProvider, NoteUnreachable,
                 CreateVm, EncryptVm, DecryptVm, RecryptVm, PowerVm, UnlockVm, PrepareHost,
                 EnableHost, RekeyHost, Advance, Expire, ConcludeKey, FailKey, RecordPush,
                 RecordUnavailable>;

[[nodiscard]] Decision decide(const State& state, const Caller& caller, const Command& command);

void evolve(State& state, const Fact& fact);

// A key is made on one server of the provider, read on all, destroyed.
struct ProbeProvider {
  std::string provider;
  ActionId action;
  std::string name;
  auto operator<=>(const ProbeProvider&) const = default;
};
// The administrator's verifier, and his password in a file: the first start needs them.
struct MakeAdministrator {
  auto operator<=>(const MakeAdministrator&) const = default;
};
using Duty = std::variant<MakeAdministrator, ProbeProvider, MakeKey, Advance, Expire>;

// What vCenter owes at log time `now`. Each may be performed twice without harm.
[[nodiscard]] std::vector<Duty> next(const State& state, TimeNs now);

// How an action ends, read off a fact: nothing if it goes on after it.
struct Ending {
  bool succeeded = false;
  Refusal reason = Refusal::kInvalid;
  std::string detail;
  bool operator==(const Ending&) const = default;
};
[[nodiscard]] std::optional<Ending> ending_of(const vcenter::Event& event);

}  // namespace keytrail::vcenter
