#include "esxi/model/guests.h"

namespace keytrail::esxi {

Decision decide_guest_started(const State& state, const Identity& self, const ActionId& action) {
  const auto found = state.orders.find(action);
  if (found == state.orders.end() || found->second.phase != OrderPhase::kClaimed) return {};
  const Order& order = found->second;
  const std::string stream = vm_stream(self, order.vm);
  return {.facts = {body_for(order, stream, esxi::Event(GuestStarted{order.vm, state.boot}))},
          .guards = {{stream, state.version_of(stream)},
                     {boot_stream(self), state.version_of(boot_stream(self))}}};
}

Decision decide_guest_stopped(const State& state, const Identity& self, const std::string& vm,
                              StopReason reason, std::string detail,
                              std::optional<ActionId> action) {
  const std::string stream = vm_stream(self, vm);
  const GuestStopped stopped{vm, reason, std::move(detail)};
  Body body;
  if (action.has_value()) {
    const auto found = state.orders.find(*action);
    if (found == state.orders.end()) return {};
    body = body_for(found->second, stream, esxi::Event(stopped));
  } else {
    const auto known = state.vms.find(vm);
    if (known == state.vms.end() || known->second.power != PowerState::kOn) return {};
    body.stream = stream;
    body.user = "esxi/" + self.host;
    body.event = esxi::Event(stopped);
  }
  return {.facts = {std::move(body)}, .guards = {{stream, state.version_of(stream)}}};
}

}  // namespace keytrail::esxi
