#include "vcenter/service/answers.h"

#include <boost/json.hpp>

#include "bus/events/match.h"
#include "vcenter/model/privileges.h"

namespace keytrail::vcenter {
namespace {

namespace json = boost::json;

json::value key_json(const KeyId& key) {
  if (key.is_none()) return nullptr;
  return json::object{{"provider", key.provider}, {"id", key.id}};
}

std::string mode_text(HostMode mode) {
  switch (mode) {
    case HostMode::kIncapable:
      return "incapable";
    case HostMode::kPrepared:
      return "prepared";
    case HostMode::kSafe:
      return "safe";
    case HostMode::kPendingIncapable:
      return "pendingIncapable";
  }
  std::abort();
}

std::string power_text(PowerState power) { return power == PowerState::kOn ? "on" : "off"; }

std::string depth_text(RecryptDepth depth) {
  return depth == RecryptDepth::kDeep ? "deep" : "shallow";
}

std::string provider_state(const Provider& provider) {
  if (provider.ready) return "ready";
  return is_trusted(provider) ? "trusted" : "added";
}

json::object provider_json(const State& state, const std::string& name, const Provider& provider) {
  json::array servers;
  for (const KmipServer& server : provider.servers) {
    const auto pinned = provider.trusted.find(server.name);
    servers.push_back(json::object{
        {"server", server.name},
        {"address", server.address},
        {"port", server.port},
        {"fingerprint", pinned == provider.trusted.end() ? "" : to_hex(pinned->second)}});
  }
  return {{"provider", name},
          {"is_default", name == state.default_provider},
          {"state", provider_state(provider)},
          {"vendor", provider.vendor},
          {"client_fingerprint", to_hex(provider.client_certificate)},
          {"servers", std::move(servers)}};
}

json::object host_json(const std::string& name, const Host& host) {
  return {{"host", name},
          {"cluster", host.cluster},
          {"mode", mode_text(host.mode)},
          {"key", key_json(host.key)},
          {"boot", host.boot},
          {"keys_held", host.held.size()}};
}

json::object vm_json(const std::string& name, const Vm& vm) {
  return {{"vm", name},
          {"host", vm.host},
          {"folder", vm.folder},
          {"datastore", vm.datastore},
          {"disk_bytes", vm.disk_bytes},
          {"sector_bytes", vm.sector_bytes},
          {"power", power_text(vm.power)},
          {"encrypted", !vm.key.is_none()},
          {"key", key_json(vm.key)},
          {"crypto_state", vm.locked ? "locked" : "unlocked"},
          {"action", vm.holder.has_value() ? json::value(to_string(*vm.holder)) : nullptr}};
}

json::object permission_json(const std::string& entity, const Principal& principal,
                             const Permission& permission) {
  return {{"entity", entity},
          {"principal", principal.name},
          {"is_group", principal.is_group},
          {"role", permission.role},
          {"propagates", permission.propagates}};
}

json::value providers_answer(const State& state, const std::string& name) {
  json::array providers;
  for (const auto& [key, provider] : state.providers) {
    if (name.empty() || name == key) providers.push_back(provider_json(state, key, provider));
  }
  return json::object{{"providers", std::move(providers)}};
}

json::value hosts_answer(const State& state, const std::string& user, const std::string& name) {
  json::array hosts;
  for (const auto& [key, host] : state.hosts) {
    if (host.cluster.empty() || (!name.empty() && name != key)) continue;
    if (check_privilege(state, user, privilege::kRead, key).granted) {
      hosts.push_back(host_json(key, host));
    }
  }
  return json::object{{"hosts", std::move(hosts)}};
}

json::value vms_answer(const State& state, const std::string& user, const std::string& name) {
  json::array vms;
  for (const auto& [key, vm] : state.vms) {
    if (!vm.created || (!name.empty() && name != key)) continue;
    if (check_privilege(state, user, privilege::kRead, key).granted) {
      vms.push_back(vm_json(key, vm));
    }
  }
  return json::object{{"vms", std::move(vms)}};
}

json::value principals_answer(const State& state) {
  json::array users;
  for (const auto& [name, user] : state.users) users.push_back(json::string(name));
  json::array groups;
  for (const std::string& name : state.groups) {
    json::array members;
    const auto found = state.rights.members.find(name);
    if (found != state.rights.members.end()) {
      for (const std::string& member : found->second) members.push_back(json::string(member));
    }
    groups.push_back(json::object{{"group", name}, {"members", std::move(members)}});
  }
  return json::object{{"users", std::move(users)}, {"groups", std::move(groups)}};
}

json::value roles_answer(const State& state) {
  json::array roles;
  for (const auto& [name, privileges] : state.rights.roles) {
    json::array ids;
    for (const std::string& id : privileges) ids.push_back(json::string(id));
    roles.push_back(json::object{{"role", name}, {"privileges", std::move(ids)}});
  }
  return json::object{{"roles", std::move(roles)}};
}

json::value permissions_answer(const State& state, const std::string& entity) {
  json::array permissions;
  for (const auto& [at, entries] : state.rights.permissions) {
    if (!entity.empty() && entity != at) continue;
    for (const auto& [principal, permission] : entries) {
      permissions.push_back(permission_json(at, principal, permission));
    }
  }
  return json::object{{"permissions", std::move(permissions)}};
}

}  // namespace

std::string answer_question(const State& state, const std::string& user, const Question& question) {
  switch (question.about) {
    case Question::About::kProviders:
      return json::serialize(providers_answer(state, question.name));
    case Question::About::kHosts:
      return json::serialize(hosts_answer(state, user, question.name));
    case Question::About::kVms:
      return json::serialize(vms_answer(state, user, question.name));
    case Question::About::kPrincipals:
      return json::serialize(principals_answer(state));
    case Question::About::kRoles:
      return json::serialize(roles_answer(state));
    case Question::About::kPermissions:
      return json::serialize(permissions_answer(state, question.name));
  }
  std::abort();
}

std::string progress_text(const Body& body) {
  const auto* own = std::get_if<vcenter::Event>(&body.event);
  if (own != nullptr) {
    return match(
        *own,
        [](const KeyRequested& e) {
          return "key provider " + e.provider + " is asked for a key for " + e.subject;
        },
        [](const KeyObtained& e) { return "key " + e.key.id + " made on " + e.server; },
        [](const HostModeOrdered& e) {
          return e.host + " is ordered to become " + mode_text(e.mode);
        },
        [](const VmCreationOrdered& e) { return e.host + " is ordered to create " + e.vm; },
        [](const EncryptionOrdered& e) { return e.host + " is ordered to encrypt " + e.vm; },
        [](const DecryptionOrdered& e) { return e.host + " is ordered to decrypt " + e.vm; },
        [](const RecryptOrdered& e) {
          return e.host + " is ordered a " + depth_text(e.depth) + " recrypt of " + e.vm;
        },
        [](const PowerOrdered& e) {
          return e.host + " is ordered to power " + power_text(e.power) + " " + e.vm;
        },
        [](const ServerTrusted& e) { return "the certificate of " + e.server + " is trusted"; },
        [](const ProviderAdded& e) { return "provider " + e.provider + " is added"; },
        [](const auto&) { return std::string(); });
  }
  const auto* host = std::get_if<esxi::Event>(&body.event);
  if (host == nullptr) return {};
  return match(
      *host, [](const esxi::HostModeChanged& e) { return "the host is " + mode_text(e.mode); },
      [](const esxi::VmCreationStarted&) { return std::string("the host began"); },
      [](const esxi::EncryptionStarted&) { return std::string("the host began to encrypt"); },
      [](const esxi::DecryptionStarted&) { return std::string("the host began to decrypt"); },
      [](const esxi::RecryptStarted&) { return std::string("the host began to recrypt"); },
      [](const esxi::PowerChangeStarted&) { return std::string("the host began"); },
      [](const esxi::DiskCreated&) { return std::string("the disk is made"); },
      [](const esxi::DiskEncrypted&) { return std::string("the disk is encrypted"); },
      [](const esxi::DiskDecrypted&) { return std::string("the disk is plain"); },
      [](const esxi::DiskRecrypted&) { return std::string("the disk is recrypted"); },
      [](const esxi::GuestStarted&) { return std::string("the guest runs"); },
      [](const esxi::GuestStopped&) { return std::string("the guest stopped"); },
      [](const auto&) { return std::string(); });
}

std::string progress_json(const Body& body, Position position) {
  return json::serialize(json::object{{"action", to_string(body.action)},
                                      {"fact", json::string(type_of(body.event))},
                                      {"text", progress_text(body)},
                                      {"position", position}});
}

std::string action_result(const Body& last) {
  json::object result{{"action", to_string(last.action)}};
  match(
      std::get<vcenter::Event>(last.event),
      [&](const VmCreated& e) {
        result["vm"] = e.vm;
        result["host"] = e.host;
        result["key"] = key_json(e.key);
      },
      [&](const EncryptionCompleted& e) {
        result["vm"] = e.vm;
        result["key"] = key_json(e.key);
      },
      [&](const DecryptionCompleted& e) { result["vm"] = e.vm; },
      [&](const RecryptCompleted& e) {
        result["vm"] = e.vm;
        result["depth"] = depth_text(e.depth);
        result["old_key"] = key_json(e.old_key);
        result["key"] = key_json(e.new_key);
      },
      [&](const PowerCompleted& e) {
        result["vm"] = e.vm;
        result["power"] = power_text(e.power);
      },
      [&](const UnlockCompleted& e) { result["vm"] = e.vm; }, [](const auto&) {});
  return json::serialize(result);
}

std::string mode_result(const ActionId& action, const std::string& host,
                        const esxi::HostModeChanged& mode) {
  return json::serialize(json::object{{"action", to_string(action)},
                                      {"host", host},
                                      {"mode", mode_text(mode.mode)},
                                      {"key", key_json(mode.key)}});
}

std::string command_result(const ActionId& action, const Command& command,
                           const Decision& decision) {
  json::object result{{"action", to_string(action)}};
  match(
      command, [&](const AddUser& c) { result["user"] = c.user; },
      [&](const AddGroup& c) { result["group"] = c.group; },
      [&](const JoinGroup& c) {
        result["group"] = c.group;
        result["user"] = c.user;
      },
      [&](const CreateRole& c) {
        result["role"] = c.role;
        for (const Body& body : decision.facts) {
          const auto* event = std::get_if<vcenter::Event>(&body.event);
          const auto* created = event == nullptr ? nullptr : std::get_if<RoleCreated>(event);
          if (created != nullptr) result["privileges"] = json::value_from(created->privileges);
        }
      },
      [&](const SetPermission& c) {
        result["entity"] = c.entity;
        result["principal"] = c.principal.name;
        result["role"] = c.role;
      },
      [&](const RemovePermission& c) {
        result["entity"] = c.entity;
        result["principal"] = c.principal.name;
      },
      [&](const SetDefaultProvider& c) { result["provider"] = c.provider; },
      [&](const RemoveProvider& c) { result["provider"] = c.provider; }, [](const auto&) {});
  return json::serialize(result);
}

std::string provider_result(const State& state, const std::string& provider,
                            const std::string& vendor, const std::string& probe_key,
                            bool is_default) {
  json::array servers;
  const auto found = state.providers.find(provider);
  if (found != state.providers.end()) {
    for (const KmipServer& server : found->second.servers) {
      servers.push_back(json::string(server.name));
    }
  }
  return json::serialize(json::object{{"provider", provider},
                                      {"vendor", vendor},
                                      {"servers", std::move(servers)},
                                      {"probe_key", probe_key},
                                      {"is_default", is_default}});
}

std::string seen_result(const std::string& provider, const ServersSeen& seen,
                        const std::vector<KmipServer>& servers, const Hash& client_fingerprint) {
  json::array rows;
  for (const KmipServer& server : servers) {
    json::object row{{"server", server.name}, {"address", server.address}, {"port", server.port}};
    for (const SeenServer& one : seen.servers) {
      if (one.server != server.name) continue;
      row["fingerprint"] = one.pem.empty() ? "" : to_hex(one.fingerprint);
      row["certificate"] = one.pem;
      row["detail"] = one.detail;
    }
    rows.push_back(std::move(row));
  }
  return json::serialize(json::object{{"provider", provider},
                                      {"client_certificate", seen.client_pem},
                                      {"client_fingerprint", to_hex(client_fingerprint)},
                                      {"servers", std::move(rows)}});
}

std::string checked_result(const State& state, const ServersChecked& checked) {
  json::array providers;
  for (const auto& [name, provider] : state.providers) {
    json::array rows;
    bool any_green = false;
    bool all_green = true;
    for (const CheckedServer& one : checked.servers) {
      if (one.provider != name) continue;
      rows.push_back(json::object{{"server", one.server},
                                  {"status", one.is_green ? "green" : "red"},
                                  {"detail", one.detail}});
      any_green = any_green || one.is_green;
      all_green = all_green && one.is_green;
    }
    if (rows.empty()) continue;
    providers.push_back(json::object{{"provider", name},
                                     {"is_default", name == state.default_provider},
                                     {"status", all_green   ? "green"
                                                : any_green ? "yellow"
                                                            : "red"},
                                     {"servers", std::move(rows)}});
  }
  return json::serialize(json::object{{"providers", std::move(providers)}});
}

std::string status_result(const State& state, const Health& health) {
  json::object boots;  // of each host that has started: hosts have no socket to be asked at
  for (const auto& [name, host] : state.hosts) {
    if (!host.boot.empty()) boots[name] = host.boot;
  }
  return json::serialize(json::object{{"instance", state.vcenter},
                                      {"log", health.log},
                                      {"followed", health.followed},
                                      {"epoch", state.epoch},
                                      {"sessions", health.sessions},
                                      {"actions", state.actions.size()},
                                      {"hosts", state.hosts.size()},
                                      {"boots", std::move(boots)},
                                      {"vms", state.vms.size()},
                                      {"providers", state.providers.size()}});
}

std::string code_of(Refusal reason) {
  switch (reason) {
    case Refusal::kNotFound:
      return "not-found";
    case Refusal::kBusy:
      return "busy";
    case Refusal::kInvalid:
      return "invalid";
    case Refusal::kKeyRefused:
    case Refusal::kExpired:
      return "unavailable";
    case Refusal::kNoPrivilege:
    case Refusal::kAlreadyExists:
    case Refusal::kWrongState:
    case Refusal::kNoKeyProvider:
    case Refusal::kHostRefused:
      return "refused";
  }
  std::abort();
}

std::string hint_of(Refusal reason) {
  switch (reason) {
    case Refusal::kNotFound:
      return "the list commands show what there is";
    case Refusal::kAlreadyExists:
      return "leave it as it is, or choose another name";
    case Refusal::kBusy:
      return "try again when that action has ended";
    case Refusal::kNoPrivilege:
      return "ask whoever may set permissions there";
    case Refusal::kWrongState:
    case Refusal::kNoKeyProvider:
    case Refusal::kKeyRefused:
    case Refusal::kHostRefused:
    case Refusal::kExpired:
    case Refusal::kInvalid:
      return {};
  }
  std::abort();
}

}  // namespace keytrail::vcenter
