#include "vcenter/model/add_provider.h"

#include <algorithm>
#include <set>

#include "vcenter/model/inventory.h"
#include "vcenter/model/privileges.h"
#include "vcenter/model/rights.h"

namespace keytrail::vcenter {
namespace {

// A sentence if these cannot be a provider's servers.
std::string servers_fault(const std::vector<KmipServer>& servers) {
  if (servers.empty()) return "a key provider needs at least one server";
  if (servers.size() > kServersMax) return "a key provider has at most 16 servers";
  std::set<std::string> names;
  std::set<std::pair<std::string, std::uint16_t>> addresses;
  for (const KmipServer& server : servers) {
    if (server.address.empty() || server.address.size() > 255 || server.port == 0) {
      return "a server is HOST:PORT";
    }
    if (server.name.empty() || server.name.size() > 255 || !names.insert(server.name).second ||
        !addresses.emplace(server.address, server.port).second) {
      return "the servers need different names and addresses";
    }
  }
  return {};
}

bool is_used(const State& state, const std::string& provider) {
  const auto uses = [&](const KeyId& key) { return !key.is_none() && key.provider == provider; };
  return std::any_of(state.vms.begin(), state.vms.end(),
                     [&](const auto& vm) { return uses(vm.second.key); }) ||
         std::any_of(state.hosts.begin(), state.hosts.end(),
                     [&](const auto& host) { return uses(host.second.key); }) ||
         std::any_of(state.actions.begin(), state.actions.end(),
                     [&](const auto& action) { return action.second.provider == provider; });
}

void ask_for_probe(Draft& draft, const std::string& provider) {
  const State& state = draft.state();
  const ActionId action = draft.caller().action;
  draft.say(action_stream(state, action),
            KeyRequested{.provider = provider,
                         .purpose = KeyPurpose::kProbe,
                         .subject = provider,
                         .name = kmip_name(state, action, KeyPurpose::kProbe)});
}

}  // namespace

bool is_trusted(const Provider& provider) {
  return std::all_of(
      provider.servers.begin(), provider.servers.end(),
      [&](const KmipServer& server) { return provider.trusted.contains(server.name); });
}

std::string kmip_name(const State& state, const ActionId& action, KeyPurpose purpose) {
  const char* const kind = purpose == KeyPurpose::kVm     ? "vm"
                           : purpose == KeyPurpose::kHost ? "host"
                                                          : "probe";
  return "keytrail/" + state.vcenter + "/" + kind + "/" + to_string(action);
}

Decision decide(const State& state, const Caller& caller, const AddProvider& command) {
  const std::string stream = provider_stream(state, command.provider);
  Draft draft(state, caller);
  draft.read(stream);
  const auto refuse = [&](Refusal reason, std::string detail) {
    return draft.refuse("provider.add", command.provider, reason, std::move(detail)).take();
  };
  if (!require(draft, privilege::kManageKeyServers, "")) {
    return refuse(Refusal::kNoPrivilege, lacks(caller, privilege::kManageKeyServers, ""));
  }
  if (const std::string fault = name_fault(command.provider); !fault.empty()) {
    return refuse(Refusal::kInvalid, fault);
  }
  if (const std::string fault = servers_fault(command.servers); !fault.empty()) {
    return refuse(Refusal::kInvalid, fault);
  }
  if (const auto known = state.providers.find(command.provider); known != state.providers.end()) {
    if (known->second.servers == command.servers) return draft.take();
    // Nothing was ever asked of servers that nobody accepted: this corrects what was typed.
    if (!known->second.trusted.empty()) {
      return refuse(Refusal::kAlreadyExists,
                    "there is a provider " + command.provider +
                        " with other servers that are trusted: choose another name, or remove "
                        "that one first (`keytrail provider remove " +
                        command.provider + "`)");
    }
  }
  if (command.credential.empty()) return {};
  return draft
      .say(stream, ProviderAdded{.provider = command.provider,
                                 .servers = command.servers,
                                 .credential = command.credential,
                                 .client_certificate = command.client_certificate})
      .attach(command.certificate)
      .take();
}

Decision decide(const State& state, const Caller& caller, const TrustServers& command) {
  const std::string stream = provider_stream(state, command.provider);
  Draft draft(state, caller);
  draft.read(stream);
  const auto refuse = [&](Refusal reason, std::string detail) {
    return draft.refuse("provider.add", command.provider, reason, std::move(detail)).take();
  };
  if (!require(draft, privilege::kManageKeyServers, "")) {
    return refuse(Refusal::kNoPrivilege, lacks(caller, privilege::kManageKeyServers, ""));
  }
  const auto known = state.providers.find(command.provider);
  if (known == state.providers.end()) {
    return refuse(Refusal::kNotFound, "there is no provider " + command.provider);
  }
  const Provider& provider = known->second;
  bool changed = false;
  for (const KmipServer& server : provider.servers) {
    const auto accepted = command.certificates.find(server.name);
    if (accepted == command.certificates.end()) {
      const auto fault = command.faults.find(server.name);
      if (fault != command.faults.end()) {
        return refuse(fault->second.reason, server.name + " " + fault->second.detail);
      }
      return refuse(Refusal::kInvalid, "the certificate of " + server.name + " was not accepted");
    }
    const auto pinned = provider.trusted.find(server.name);
    if (pinned != provider.trusted.end() && pinned->second == accepted->second) continue;
    draft.say(stream, ServerTrusted{command.provider, server.name, accepted->second});
    changed = true;
  }
  if (changed || !provider.ready) ask_for_probe(draft, command.provider);
  return draft.take();
}

Decision decide(const State& state, const Caller& caller, const ConcludeProbe& command) {
  const auto known = state.providers.find(command.provider);
  if (known == state.providers.end() || known->second.probe_action != caller.action) return {};
  const std::string stream = provider_stream(state, command.provider);
  std::vector<std::string> servers;
  for (const KmipServer& server : known->second.servers) servers.push_back(server.name);
  Draft draft(state, caller);
  draft.read(stream).read(inventory_stream(state));
  draft.say(stream, ProviderProbed{.provider = command.provider,
                                   .vendor = quoted(command.vendor),
                                   .probe_key = quoted(command.probe_key),
                                   .servers = std::move(servers)});
  if (state.default_provider.empty()) {
    draft.say(inventory_stream(state), DefaultProviderSet{command.provider, true});
  }
  return draft.take();
}

Decision decide(const State& state, const Caller& caller, const FailProbe& command) {
  const std::string stream = provider_stream(state, command.provider);
  Draft draft(state, caller);
  return draft.read(stream)
      .say(stream, ProviderProbeFailed{command.provider, command.server, quoted(command.detail)})
      .take();
}

Decision decide(const State& state, const Caller& caller, const SetDefaultProvider& command) {
  Draft draft(state, caller);
  draft.read(provider_stream(state, command.provider)).read(inventory_stream(state));
  const auto refuse = [&](Refusal reason, std::string detail) {
    return draft.refuse("provider.default", command.provider, reason, std::move(detail)).take();
  };
  if (!require(draft, privilege::kManageKeyServers, "")) {
    return refuse(Refusal::kNoPrivilege, lacks(caller, privilege::kManageKeyServers, ""));
  }
  const auto known = state.providers.find(command.provider);
  if (known == state.providers.end()) {
    return refuse(Refusal::kNotFound, "there is no provider " + command.provider);
  }
  if (!known->second.ready) {
    return refuse(Refusal::kWrongState, "the provider " + command.provider +
                                            " is not ready: accept its certificates first");
  }
  if (state.default_provider == command.provider) return draft.take();
  return draft.say(inventory_stream(state), DefaultProviderSet{command.provider, false}).take();
}

Decision decide(const State& state, const Caller& caller, const RemoveProvider& command) {
  const std::string stream = provider_stream(state, command.provider);
  Draft draft(state, caller);
  draft.read(stream).read(inventory_stream(state));
  const auto refuse = [&](Refusal reason, std::string detail) {
    return draft.refuse("provider.remove", command.provider, reason, std::move(detail)).take();
  };
  if (!require(draft, privilege::kManageKeyServers, "")) {
    return refuse(Refusal::kNoPrivilege, lacks(caller, privilege::kManageKeyServers, ""));
  }
  if (!state.providers.contains(command.provider)) {
    return refuse(Refusal::kNotFound, "there is no provider " + command.provider);
  }
  // Whoever begins to use it reads its stream at every step, so a removal in between is found
  // there.
  if (is_used(state, command.provider)) {
    return refuse(Refusal::kWrongState, "VMs or hosts use keys of " + command.provider +
                                            ": decrypt or recrypt them first");
  }
  draft.say(stream, ProviderRemoved{command.provider});
  if (state.default_provider == command.provider) {
    draft.say(inventory_stream(state), DefaultProviderSet{"", true});
  }
  return draft.take();
}

Decision decide(const State& state, const Caller& caller, const NoteUnreachable& command) {
  const std::string stream = provider_stream(state, command.provider);
  Draft draft(state, caller);
  return draft.read(stream)
      .say(stream, ServerUnreachable{command.provider, command.server, quoted(command.detail)})
      .take();
}

void evolve(State& state, const About&, const ProviderAdded& event) {
  state.providers[event.provider] = Provider{.servers = event.servers,
                                             .credential = event.credential,
                                             .client_certificate = event.client_certificate};
}

void evolve(State& state, const About&, const ServerTrusted& event) {
  const auto known = state.providers.find(event.provider);
  if (known == state.providers.end()) return;
  known->second.trusted[event.server] = event.certificate;
  known->second.ready = false;  // until it was probed under this trust
}

void evolve(State& state, const About&, const ProviderProbed& event) {
  const auto known = state.providers.find(event.provider);
  if (known == state.providers.end()) return;
  Provider& provider = known->second;
  provider.ready = true;
  provider.vendor = event.vendor;
  provider.probe_action = {};
  provider.probe_name.clear();
  provider.probe_user.clear();
  provider.probe_origin = {};
}

void evolve(State& state, const About&, const DefaultProviderSet& event) {
  state.default_provider = event.provider;
}

void evolve(State& state, const About&, const ProviderRemoved& event) {
  state.providers.erase(event.provider);
}

}  // namespace keytrail::vcenter
