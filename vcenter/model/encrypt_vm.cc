#include "vcenter/model/encrypt_vm.h"

#include "vcenter/model/privileges.h"
#include "vcenter/model/rights.h"

namespace keytrail::vcenter {
namespace {

std::optional<Obstacle> obstacle(Draft& draft, const EncryptVm& command, const Taking& taking,
                                 const std::string& provider) {
  if (!require(draft, privilege::kEncrypt, command.vm)) {
    return Obstacle{Refusal::kNoPrivilege, lacks(draft.caller(), privilege::kEncrypt, command.vm)};
  }
  if (auto found = obstacle_of(taking, command.vm)) return found;
  if (!taking.vm->key.is_none()) {
    return Obstacle{Refusal::kWrongState, command.vm + " is encrypted already"};
  }
  if (auto found = obstacle_of_power(taking, command.vm)) return found;
  if (auto found = obstacle_of_provider(draft, provider)) return found;
  return obstacle_of_host(draft, taking.vm->host);
}

}  // namespace

Decision decide(const State& state, const Caller& caller, const EncryptVm& command) {
  Draft draft(state, caller);
  const Taking taking = take(draft, command.vm);
  const std::string provider = provider_for(draft, command.provider);
  if (taking.is_free) draft.say(taking.stream, EncryptionRequested{command.vm, provider});
  if (auto found = obstacle(draft, command, taking, provider)) {
    draft.say(taking.stream, EncryptionRefused{command.vm, found->reason, found->detail});
  } else {
    ask_for_vm_key(draft, provider, command.vm);
  }
  return draft.take();
}

const Words kEncryptVmWords = {
    .ordered = [](const Action& action) -> vcenter::Event {
      return EncryptionOrdered{action.vm, action.host, action.key};
    },
    .completed = [](const Action& action) -> vcenter::Event {
      return EncryptionCompleted{action.vm, action.key};
    },
    .refused = [](const Action& action, Refusal reason, std::string detail) -> vcenter::Event {
      return EncryptionRefused{action.vm, reason, std::move(detail)};
    },
};

void evolve(State& state, const About& about, const EncryptionRequested& event) {
  begin(state, about,
        Action{.kind = ActionKind::kEncryptVm,
               .vm = event.vm,
               .host = state.vms[event.vm].host,
               .provider = event.provider});
}

void evolve(State& state, const About& about, const EncryptionRefused&) { end(state, about); }

void evolve(State& state, const About& about, const EncryptionOrdered& event) {
  ordered(state, about, event.host);
}

void evolve(State& state, const About& about, const EncryptionCompleted& event) {
  state.vms[event.vm].key = event.key;
  end(state, about);
}

}  // namespace keytrail::vcenter
