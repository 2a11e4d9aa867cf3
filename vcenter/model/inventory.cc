#include "vcenter/model/inventory.h"

#include <algorithm>

#include "vcenter/model/privileges.h"

namespace keytrail::vcenter {
namespace {

constexpr std::size_t kDepthMax = 64;

void say_built_in_roles(Draft& draft) {
  for (const BuiltInRole& role : built_in_roles()) {
    const auto privileges = privileges_of_built_in(role.name);
    draft.say(rights_stream(draft.state()),
              RoleCreated{.role = std::string(role.name),
                          .privileges = {privileges.begin(), privileges.end()}});
  }
}

}  // namespace

bool is_unfounded(const State& state) { return state.entities.empty(); }

Decision decide(const State& state, const Caller& caller, const Found& command) {
  if (!is_unfounded(state)) return {};
  const std::string inventory = inventory_stream(state);
  const std::string rights = rights_stream(state);
  const std::string administrator = principal_stream(state, kAdministrator);
  Draft draft(state, caller);
  draft.read(inventory).read(rights).read(administrator);
  draft.say(inventory, EntityAdded{EntityKind::kDatacenter, kDatacenter, ""})
      .say(inventory, EntityAdded{EntityKind::kFolder, kVmFolder, kDatacenter})
      .say(inventory, EntityAdded{EntityKind::kCluster, kCluster, kDatacenter})
      .say(inventory, EntityAdded{EntityKind::kDatastore, kDatastore, kDatacenter});
  say_built_in_roles(draft);
  draft.say(administrator, UserCreated{.user = kAdministrator, .credential = command.credential})
      .say(rights, PermissionSet{.entity = "",
                                 .principal = kAdministrator,
                                 .is_group = false,
                                 .role = std::string(kAdminRole),
                                 .propagates = true});
  return draft.take();
}

Decision decide(const State& state, const Caller& caller, const RegisterHost& command) {
  const auto known = state.hosts.find(command.host);
  if (known != state.hosts.end() && !known->second.cluster.empty() &&
      known->second.channel_key == command.channel_key) {
    return {};
  }
  const std::string stream = host_stream(state, command.host);
  Draft draft(state, caller);
  draft.read(stream).read(inventory_stream(state));
  draft.say(stream, HostRegistered{command.host, command.cluster, command.channel_key});
  if (!exists(state, command.host)) {
    draft.say(inventory_stream(state),
              EntityAdded{EntityKind::kHost, command.host, command.cluster});
  }
  return draft.take();
}

bool exists(const State& state, const std::string& entity) {
  return entity.empty() || state.entities.contains(entity);
}

bool is_of_kind(const State& state, const std::string& entity, EntityKind kind) {
  const auto found = state.entities.find(entity);
  return found != state.entities.end() && found->second.kind == kind;
}

std::vector<std::string> path_to_root(const State& state, const std::string& entity) {
  std::vector<std::string> path;
  std::string at = entity;
  while (!at.empty() && path.size() < kDepthMax) {
    path.push_back(at);
    const auto found = state.entities.find(at);
    at = found == state.entities.end() ? "" : found->second.parent;
  }
  path.emplace_back();
  return path;
}

std::string name_fault(const std::string& name) {
  if (name.empty()) return "a name is missing";
  if (name.size() > kNameBytesMax) return "a name is longer than 80 bytes";
  const auto is_good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '@';
  };
  if (!std::all_of(name.begin(), name.end(), is_good) || name.front() == '.') {
    return "a name has letters, digits, and - _ . @ only, and does not begin with a dot";
  }
  if (stream_piece(name).size() > kNamePieceBytesMax) {
    return "a name has too many capitals or @: with each counted three times it is longer than 120 "
           "bytes";
  }
  return {};
}

void evolve(State& state, const About&, const EntityAdded& event) {
  state.entities[event.entity] = Entity{event.kind, event.parent};
}

void evolve(State& state, const About&, const EntityRemoved& event) {
  state.entities.erase(event.entity);
}

void evolve(State& state, const About&, const HostRegistered& event) {
  Host& host = state.hosts[event.host];
  host.cluster = event.cluster;
  host.channel_key = event.channel_key;
}

}  // namespace keytrail::vcenter
