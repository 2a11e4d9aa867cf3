// VM action: the life that all actions on a VM share. Each one's own words stand in its own file
// pair.
//
//   …Requested               takes the VM; PrivilegeChecked --denied--> …Refused, the end
//   kPreparing  KeyRequested ─ MakeKey is owed over KMIP ─ KeyObtained | KeyRefused, …Refused
//               the host becomes safe (host_mode.h) and receives the key, for which it asks
//   kOrdered    …Ordered     the host's turn: it claims, or OrderExpired, …Refused
//   kClaimed    esxi …Started
//   kDone       esxi told the outcome ─ …Completed gives the VM back
//   kRefused    esxi OrderRefused ─ …Refused gives the VM back
// Only the action that holds the VM writes on its stream; one that never got it is refused on its
// own.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "vcenter/model/draft.h"

namespace keytrail::vcenter {

inline constexpr TimeNs kPatience = TimeNs{30} * 1'000'000'000;  // with a host, in log time

// --- duties --------------------------------------------------------------------------------------

// Make a key at a key server, or find it again under its name. Safe to perform twice.
struct MakeKey {
  ActionId action;
  KeyPurpose purpose = KeyPurpose::kVm;
  std::string provider;
  std::string subject;
  std::string name;
  auto operator<=>(const MakeKey&) const = default;
};
// The next fact of the action is vCenter's own, and can be stated now.
struct Advance {
  ActionId action;
  auto operator<=>(const Advance&) const = default;
};
// The host had its time.
struct Expire {
  ActionId action;
  auto operator<=>(const Expire&) const = default;
};

// --- what becomes of them ------------------------------------------------------------------------

struct ConcludeKey {
  KeyPurpose purpose = KeyPurpose::kVm;
  KeyId key;
  std::string server;
  bool operator==(const ConcludeKey&) const = default;
};
struct FailKey {
  KeyPurpose purpose = KeyPurpose::kVm;
  std::string detail;
  bool operator==(const FailKey&) const = default;
};
// All four decide for `caller.action`; no facts if it has ended or moved on meanwhile.
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const Advance& command);
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const Expire& command);
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const ConcludeKey& command);
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const FailKey& command);

using ActionDuty = std::variant<MakeKey, Advance, Expire>;
[[nodiscard]] std::optional<ActionDuty> next(const State& state, const Action& action, TimeNs now);

// The caller that carries an action on: its user and origin, caused by its last fact.
[[nodiscard]] Caller caller_of(const Action& action);

// --- for the files of the single actions ---------------------------------------------------------

// What an action says at its turns.
struct Words {
  vcenter::Event (*ordered)(const Action&);
  vcenter::Event (*completed)(const Action&);
  vcenter::Event (*refused)(const Action&, Refusal, std::string);
};

// An attempt to take a VM: where to speak, and why not, if not.
struct Taking {
  const Vm* vm = nullptr;  // null: there is no such VM
  bool is_free = false;
  std::string stream;  // the VM's if it is free, else the action's
};
[[nodiscard]] Taking take(Draft& draft, const std::string& vm);

// Why an action may not be: what every decide says in the end.
struct Obstacle {
  Refusal reason = Refusal::kInvalid;
  std::string detail;
};
// There is no such VM, or another action has it.
[[nodiscard]] std::optional<Obstacle> obstacle_of(const Taking& taking, const std::string& vm);
[[nodiscard]] std::optional<Obstacle> obstacle_of_power(const Taking& taking,
                                                        const std::string& vm);
// The provider asked for, or the default. Reads what it looks at.
[[nodiscard]] std::string provider_for(Draft& draft, const std::string& asked);
[[nodiscard]] std::optional<Obstacle> obstacle_of_provider(const Draft& draft,
                                                           const std::string& provider);
// The host is not safe and the caller may not make it so.
[[nodiscard]] std::optional<Obstacle> obstacle_of_host(Draft& draft, const std::string& host);
void ask_for_vm_key(Draft& draft, const std::string& provider, const std::string& vm);

// Folds: an action begins, ends.
void begin(State& state, const About& about, Action action);
void end(State& state, const About& about);
// What `end` does, for an action that another one's fact ends. Nothing if there is none.
void forget(State& state, const ActionId& id);
// The order was given: the host's turn.
void ordered(State& state, const About& about, const std::string& host);

void evolve(State& state, const About& about, const KeyRequested& event);
void evolve(State& state, const About& about, const KeyObtained& event);
void evolve(State& state, const About& about, const KeyRefused& event);

}  // namespace keytrail::vcenter
