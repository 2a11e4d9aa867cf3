#include "esxi/model/orders.h"

#include <algorithm>
#include <cstdlib>

namespace keytrail::esxi {
namespace {

bool has_keys(const State& state, const Order& order) {
  const auto held = [&](const KeyId& key) { return key.is_none() || state.held.contains(key); };
  return held(order.key) && held(order.old_key);
}

bool vm_is_under_way(const State& state, const std::string& vm) {
  return std::any_of(state.orders.begin(), state.orders.end(), [&](const auto& entry) {
    return entry.second.vm == vm && entry.second.phase == OrderPhase::kClaimed;
  });
}

esxi::Event claim_of(const Order& order) {
  switch (order.kind) {
    case OrderKind::kCreate:
      return VmCreationStarted{order.vm, order.position};
    case OrderKind::kEncrypt:
      return EncryptionStarted{order.vm, order.position};
    case OrderKind::kDecrypt:
      return DecryptionStarted{order.vm, order.position};
    case OrderKind::kRecrypt:
      return RecryptStarted{order.vm, order.position};
    case OrderKind::kPowerOn:
      return PowerChangeStarted{order.vm, order.position, PowerState::kOn};
    case OrderKind::kPowerOff:
      return PowerChangeStarted{order.vm, order.position, PowerState::kOff};
    case OrderKind::kMode:
      break;  // A mode is stated, not claimed.
  }
  std::abort();
}

}  // namespace

std::vector<ActionId> orders_to_claim(const State& state) {
  std::vector<ActionId> due;
  for (const auto& [action, order] : state.orders) {
    if (order.phase != OrderPhase::kOpen) continue;
    if (has_keys(state, order) && !vm_is_under_way(state, order.vm)) due.push_back(action);
  }
  return due;
}

std::vector<ActionId> orders_to_perform(const State& state) {
  std::vector<ActionId> due;
  for (const auto& [action, order] : state.orders) {
    // After a restart a claimed order waits for its keys once more.
    if (order.phase == OrderPhase::kClaimed && has_keys(state, order)) due.push_back(action);
  }
  return due;
}

Decision decide_claim(const State& state, const Identity& self, const ActionId& action) {
  const auto found = state.orders.find(action);
  if (found == state.orders.end() || found->second.phase != OrderPhase::kOpen) return {};
  const Order& order = found->second;
  return {.facts = {body_for(order, action_stream(self, action), claim_of(order))},
          .guards = {{vcenter_vm_stream(self, order.vm), order.vm_version},
                     {action_stream(self, action), 0},
                     {boot_stream(self), state.version_of(boot_stream(self))}}};
}

Decision decide_refuse(const State& state, const Identity& self, const ActionId& action,
                       Refusal reason, std::string detail) {
  const auto found = state.orders.find(action);
  if (found == state.orders.end()) return {};
  const Order& order = found->second;
  const std::string stream = action_stream(self, action);
  Decision decision{.facts = {body_for(order, stream,
                                       esxi::Event(OrderRefused{.kind = order.kind,
                                                                .vm = order.vm,
                                                                .order = order.position,
                                                                .reason = reason,
                                                                .detail = std::move(detail)}))},
                    .guards = {{stream, state.version_of(stream)}}};
  // An unclaimed order may have expired meanwhile; a claimed one is this host's alone.
  if (order.phase == OrderPhase::kOpen) {
    decision.guards.emplace_back(vcenter_vm_stream(self, order.vm), order.vm_version);
  }
  return decision;
}

}  // namespace keytrail::esxi
