#include "esxi/model/mode.h"

namespace keytrail::esxi {

bool mode_is_due(const State& state) {
  if (!state.ordered_mode.has_value()) return false;
  const vcenter::HostModeOrdered& ordered = *state.ordered_mode;
  return ordered.mode != HostMode::kSafe || state.held.contains(ordered.key);
}

Decision decide_mode(const State& state, const Identity& self) {
  if (!mode_is_due(state)) return {};
  const vcenter::HostModeOrdered& ordered = *state.ordered_mode;
  Body body;
  body.stream = mode_stream(self);
  body.user = state.ordered_mode_user;
  body.action = state.ordered_mode_action;
  body.cause = state.ordered_mode_position;
  body.event = esxi::Event(HostModeChanged{.mode = ordered.mode, .key = ordered.key});
  return {.facts = {std::move(body)},
          .guards = {{mode_stream(self), state.version_of(mode_stream(self))},
                     {boot_stream(self), state.version_of(boot_stream(self))},
                     {vcenter_host_stream(self), state.version_of(vcenter_host_stream(self))}}};
}

}  // namespace keytrail::esxi
