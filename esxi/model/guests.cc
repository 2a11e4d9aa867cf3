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

Decision decide_usage(const State& state, const Identity& self, const DiskUsage& usage) {
  const auto known = state.vms.find(usage.vm);
  if (known == state.vms.end() || known->second.host != self.host) return {};
  Body body;
  body.stream = disk_stream(self, usage.disk);
  body.user = "esxi/" + self.host;
  body.event = esxi::Event(usage);
  const std::uint64_t version = state.version_of(body.stream);
  return {.facts = {body}, .guards = {{body.stream, version}}};
}

Decision decide_guest_stopped(const State& state, const Identity& self, const GuestEnd& end,
                              const std::optional<ActionId>& action) {
  const std::string stream = vm_stream(self, end.vm);
  const GuestStopped stopped{end.vm, end.reason, end.detail};
  Body body;
  if (action.has_value()) {
    const auto found = state.orders.find(*action);
    if (found == state.orders.end()) return {};
    body = body_for(found->second, stream, esxi::Event(stopped));
  } else {
    const auto known = state.vms.find(end.vm);
    if (known == state.vms.end() || known->second.power != PowerState::kOn) return {};
    body.stream = stream;
    body.user = "esxi/" + self.host;
    body.event = esxi::Event(stopped);
  }
  Decision decision{.guards = {{stream, state.version_of(stream)}}};
  if (end.usage.has_value()) {
    Body usage = body;
    usage.stream = disk_stream(self, end.usage->disk);
    usage.event = esxi::Event(*end.usage);
    decision.guards.emplace_back(usage.stream, state.version_of(usage.stream));
    decision.facts.push_back(std::move(usage));
  }
  decision.facts.push_back(std::move(body));
  return decision;
}

}  // namespace keytrail::esxi
