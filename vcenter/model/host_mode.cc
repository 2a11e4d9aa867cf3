#include "vcenter/model/host_mode.h"

#include "vcenter/model/add_provider.h"
#include "vcenter/model/privileges.h"
#include "vcenter/model/rights.h"

namespace keytrail::vcenter {
namespace {

std::optional<Obstacle> obstacle(Draft& draft, const std::string& name) {
  const State& state = draft.state();
  draft.read(host_stream(state, name)).read(host_mode_stream(name));
  if (!require(draft, privilege::kRegisterHost, name)) {
    return Obstacle{Refusal::kNoPrivilege, lacks(draft.caller(), privilege::kRegisterHost, name)};
  }
  const auto host = state.hosts.find(name);
  if (host == state.hosts.end() || host->second.cluster.empty()) {
    return Obstacle{Refusal::kNotFound, "there is no host " + name};
  }
  return std::nullopt;
}

HostMode mode_of(const State& state, const std::string& name) {
  const auto host = state.hosts.find(name);
  return host == state.hosts.end() ? HostMode::kIncapable : host->second.mode;
}

Decision ask_for_host_key(Draft& draft, const char* command, const std::string& host,
                          const std::string& asked_provider, std::optional<Obstacle> found) {
  const State& state = draft.state();
  const std::string provider = provider_for(draft, asked_provider);
  if (!found.has_value()) found = obstacle_of_provider(draft, provider);
  if (found.has_value()) {
    return draft.refuse(command, host, found->reason, std::move(found->detail)).take();
  }
  const ActionId action = draft.caller().action;
  return draft.read(action_stream(state, action))
      .say(action_stream(state, action),
           KeyRequested{.provider = provider,
                        .purpose = KeyPurpose::kHost,
                        .subject = host,
                        .name = kmip_name(state, action, KeyPurpose::kHost)})
      .take();
}

}  // namespace

Decision decide(const State& state, const Caller& caller, const PrepareHost& command) {
  Draft draft(state, caller);
  auto found = obstacle(draft, command.host);
  if (!found.has_value() && mode_of(state, command.host) != HostMode::kIncapable) {
    found = Obstacle{Refusal::kWrongState, command.host + " is prepared already"};
  }
  if (found.has_value()) {
    return draft.refuse("host.prepare", command.host, found->reason, found->detail).take();
  }
  return draft
      .say(host_stream(state, command.host),
           HostModeOrdered{command.host, HostMode::kPrepared, KeyId{}})
      .take();
}

Decision decide(const State& state, const Caller& caller, const EnableHost& command) {
  Draft draft(state, caller);
  auto found = obstacle(draft, command.host);
  if (!found.has_value() && mode_of(state, command.host) == HostMode::kSafe) {
    found = Obstacle{Refusal::kWrongState, command.host + " is safe already"};
  }
  return ask_for_host_key(draft, "host.enable", command.host, command.provider, std::move(found));
}

Decision decide(const State& state, const Caller& caller, const RekeyHost& command) {
  Draft draft(state, caller);
  auto found = obstacle(draft, command.host);
  if (!found.has_value() && mode_of(state, command.host) != HostMode::kSafe) {
    found = Obstacle{Refusal::kWrongState, command.host + " has no host key yet: enable it first"};
  }
  return ask_for_host_key(draft, "host.rekey", command.host, command.provider, std::move(found));
}

std::vector<ActionId> replaced_by(const State& state, const ActionId& action,
                                  const HostModeOrdered& order) {
  std::vector<ActionId> replaced;
  for (const auto& [id, older] : state.actions) {
    if (older.kind == ActionKind::kHostMode && older.host == order.host &&
        older.phase == Phase::kOrdered && id != action) {
      replaced.push_back(id);
    }
  }
  return replaced;
}

void evolve(State& state, const About& about, const HostModeOrdered& event) {
  // The newest order is the one that stands.
  for (const ActionId& id : replaced_by(state, about.body.action, event)) forget(state, id);
  state.hosts[event.host].ordered = event;
  if (!state.actions.contains(about.body.action)) {
    begin(state, about,
          Action{.kind = ActionKind::kHostMode, .host = event.host, .mode = event.mode});
  }
  Action& action = state.actions[about.body.action];
  if (action.kind == ActionKind::kHostMode) {
    action.phase = Phase::kOrdered;
    action.order = about.stamp.position;
  }
}

}  // namespace keytrail::vcenter
