#include "vcenter/model/recrypt_vm.h"

#include "vcenter/model/privileges.h"
#include "vcenter/model/rights.h"

namespace keytrail::vcenter {
namespace {

std::optional<Obstacle> obstacle(Draft& draft, const RecryptVm& command, const Taking& taking,
                                 const std::string& provider) {
  if (!require(draft, privilege::kRecrypt, command.vm)) {
    return Obstacle{Refusal::kNoPrivilege, lacks(draft.caller(), privilege::kRecrypt, command.vm)};
  }
  if (auto found = obstacle_of(taking, command.vm)) return found;
  if (taking.vm->key.is_none()) {
    return Obstacle{Refusal::kWrongState, command.vm + " is not encrypted"};
  }
  if (auto found = obstacle_of_power(taking, command.vm)) return found;
  return obstacle_of_provider(draft, provider);
}

}  // namespace

Decision decide(const State& state, const Caller& caller, const RecryptVm& command) {
  Draft draft(state, caller);
  const Taking taking = take(draft, command.vm);
  const std::string present = taking.vm == nullptr ? "" : taking.vm->key.provider;
  const std::string provider =
      provider_for(draft, command.provider.empty() ? present : command.provider);
  if (taking.is_free) {
    draft.say(taking.stream, RecryptRequested{command.vm, command.depth, provider});
  }
  if (auto found = obstacle(draft, command, taking, provider)) {
    draft.say(taking.stream,
              RecryptRefused{command.vm, command.depth, found->reason, found->detail});
  } else {
    ask_for_vm_key(draft, provider, command.vm);
  }
  return draft.take();
}

const Words kRecryptVmWords = {
    .ordered = [](const Action& action) -> vcenter::Event {
      return RecryptOrdered{action.vm, action.host, action.depth, action.old_key, action.key};
    },
    .completed = [](const Action& action) -> vcenter::Event {
      return RecryptCompleted{action.vm, action.depth, action.old_key, action.key};
    },
    .refused = [](const Action& action, Refusal reason, std::string detail) -> vcenter::Event {
      return RecryptRefused{action.vm, action.depth, reason, std::move(detail)};
    },
};

void evolve(State& state, const About& about, const RecryptRequested& event) {
  const Vm& vm = state.vms[event.vm];
  begin(state, about,
        Action{.kind = ActionKind::kRecryptVm,
               .vm = event.vm,
               .host = vm.host,
               .provider = event.provider,
               .depth = event.depth,
               .old_key = vm.key});
}

void evolve(State& state, const About& about, const RecryptRefused&) { end(state, about); }

void evolve(State& state, const About& about, const RecryptOrdered& event) {
  ordered(state, about, event.host);
}

void evolve(State& state, const About& about, const RecryptCompleted& event) {
  state.vms[event.vm].key = event.new_key;
  end(state, about);
}

}  // namespace keytrail::vcenter
