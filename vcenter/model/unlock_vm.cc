#include "vcenter/model/unlock_vm.h"

#include <cstdlib>

#include "vcenter/model/privileges.h"
#include "vcenter/model/rights.h"

namespace keytrail::vcenter {
namespace {

std::optional<Obstacle> obstacle(Draft& draft, const UnlockVm& command, const Taking& taking) {
  if (!require(draft, privilege::kRegisterVm, command.vm)) {
    return Obstacle{Refusal::kNoPrivilege,
                    lacks(draft.caller(), privilege::kRegisterVm, command.vm)};
  }
  if (auto found = obstacle_of(taking, command.vm)) return found;
  if (taking.vm->key.is_none()) {
    return Obstacle{Refusal::kWrongState, command.vm + " is not encrypted"};
  }
  return std::nullopt;
}

}  // namespace

Decision decide(const State& state, const Caller& caller, const UnlockVm& command) {
  Draft draft(state, caller);
  const Taking taking = take(draft, command.vm);
  if (taking.is_free) draft.say(taking.stream, UnlockRequested{command.vm, taking.vm->key});
  if (auto found = obstacle(draft, command, taking)) {
    draft.say(taking.stream, UnlockRefused{command.vm, found->reason, found->detail});
  }
  return draft.take();
}

const Words kUnlockVmWords = {
    .ordered = [](const Action&) -> vcenter::Event { std::abort(); },  // Never: no order.
    .completed = [](const Action& action) -> vcenter::Event { return UnlockCompleted{action.vm}; },
    .refused = [](const Action& action, Refusal reason, std::string detail) -> vcenter::Event {
      return UnlockRefused{action.vm, reason, std::move(detail)};
    },
};

void evolve(State& state, const About& about, const UnlockRequested& event) {
  begin(state, about,
        Action{.kind = ActionKind::kUnlockVm,
               .vm = event.vm,
               .host = state.vms[event.vm].host,
               .key = event.key});
}

void evolve(State& state, const About& about, const UnlockRefused&) { end(state, about); }

void evolve(State& state, const About& about, const UnlockCompleted&) { end(state, about); }

}  // namespace keytrail::vcenter
