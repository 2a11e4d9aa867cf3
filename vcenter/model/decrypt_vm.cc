#include "vcenter/model/decrypt_vm.h"

#include "vcenter/model/privileges.h"
#include "vcenter/model/rights.h"

namespace keytrail::vcenter {
namespace {

std::optional<Obstacle> obstacle(Draft& draft, const DecryptVm& command, const Taking& taking) {
  if (!require(draft, privilege::kDecrypt, command.vm)) {
    return Obstacle{Refusal::kNoPrivilege, lacks(draft.caller(), privilege::kDecrypt, command.vm)};
  }
  if (auto found = obstacle_of(taking, command.vm)) return found;
  if (taking.vm->key.is_none()) {
    return Obstacle{Refusal::kWrongState, command.vm + " is not encrypted"};
  }
  return obstacle_of_power(taking, command.vm);
}

}  // namespace

Decision decide(const State& state, const Caller& caller, const DecryptVm& command) {
  Draft draft(state, caller);
  const Taking taking = take(draft, command.vm);
  if (taking.is_free) draft.say(taking.stream, DecryptionRequested{command.vm});
  if (auto found = obstacle(draft, command, taking)) {
    draft.say(taking.stream, DecryptionRefused{command.vm, found->reason, found->detail});
  }
  return draft.take();
}

const Words kDecryptVmWords = {
    .ordered = [](const Action& action) -> vcenter::Event {
      return DecryptionOrdered{action.vm, action.host, action.key};
    },
    .completed = [](const Action& action) -> vcenter::Event {
      return DecryptionCompleted{action.vm};
    },
    .refused = [](const Action& action, Refusal reason, std::string detail) -> vcenter::Event {
      return DecryptionRefused{action.vm, reason, std::move(detail)};
    },
};

void evolve(State& state, const About& about, const DecryptionRequested& event) {
  const Vm& vm = state.vms[event.vm];
  begin(state, about,
        Action{.kind = ActionKind::kDecryptVm, .vm = event.vm, .host = vm.host, .key = vm.key});
}

void evolve(State& state, const About& about, const DecryptionRefused&) { end(state, about); }

void evolve(State& state, const About& about, const DecryptionOrdered& event) {
  ordered(state, about, event.host);
}

void evolve(State& state, const About& about, const DecryptionCompleted& event) {
  Vm& vm = state.vms[event.vm];
  vm.key = KeyId{};
  vm.locked = false;
  end(state, about);
}

}  // namespace keytrail::vcenter
