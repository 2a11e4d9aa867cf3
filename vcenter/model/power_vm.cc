#include "vcenter/model/power_vm.h"

#include "vcenter/model/privileges.h"
#include "vcenter/model/rights.h"

namespace keytrail::vcenter {
namespace {

std::optional<Obstacle> obstacle(Draft& draft, const PowerVm& command, const Taking& taking) {
  const bool on = command.power == PowerState::kOn;
  const std::string_view privilege = on ? privilege::kPowerOn : privilege::kPowerOff;
  if (!require(draft, privilege, command.vm)) {
    return Obstacle{Refusal::kNoPrivilege, lacks(draft.caller(), privilege, command.vm)};
  }
  if (auto found = obstacle_of(taking, command.vm)) return found;
  if (taking.vm->power == command.power) {
    return Obstacle{Refusal::kWrongState,
                    command.vm + (on ? " is powered on already" : " is powered off already")};
  }
  return std::nullopt;
}

}  // namespace

Decision decide(const State& state, const Caller& caller, const PowerVm& command) {
  Draft draft(state, caller);
  const Taking taking = take(draft, command.vm);
  if (taking.is_free) draft.say(taking.stream, PowerRequested{command.vm, command.power});
  if (auto found = obstacle(draft, command, taking)) {
    draft.say(taking.stream, PowerRefused{command.vm, command.power, found->reason, found->detail});
  }
  return draft.take();
}

const Words kPowerVmWords = {
    .ordered = [](const Action& action) -> vcenter::Event {
      return PowerOrdered{action.vm, action.host, action.power, action.key};
    },
    .completed = [](const Action& action) -> vcenter::Event {
      return PowerCompleted{action.vm, action.power};
    },
    .refused = [](const Action& action, Refusal reason, std::string detail) -> vcenter::Event {
      return PowerRefused{action.vm, action.power, reason, std::move(detail)};
    },
};

void evolve(State& state, const About& about, const PowerRequested& event) {
  const Vm& vm = state.vms[event.vm];
  begin(state, about,
        Action{.kind = ActionKind::kPowerVm,
               .vm = event.vm,
               .host = vm.host,
               .power = event.power,
               .key = event.power == PowerState::kOn ? vm.key : KeyId{}});
}

void evolve(State& state, const About& about, const PowerRefused&) { end(state, about); }

void evolve(State& state, const About& about, const PowerOrdered& event) {
  ordered(state, about, event.host);
}

void evolve(State& state, const About& about, const PowerCompleted&) { end(state, about); }

}  // namespace keytrail::vcenter
