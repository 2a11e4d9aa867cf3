#include "vcenter/model/push_keys.h"

#include <algorithm>

namespace keytrail::vcenter {
namespace {

// The streams from which may_have reads about this key.
void read_about(Draft& draft, const std::string& host, const KeyId& key) {
  const State& state = draft.state();
  draft.read(key_stream(state, key))
      .read(host_stream(state, host))
      .read(host_mode_stream(host))
      .read(host_boot_stream(host));
  const auto known = state.keys.find(key);
  if (known != state.keys.end() && known->second.purpose == KeyPurpose::kVm) {
    draft.read(vm_stream(state, known->second.subject));
    const auto vm = state.vms.find(known->second.subject);
    if (vm != state.vms.end()) draft.read(host_stream(state, vm->second.host));  // its cluster
  }
}

bool is_in_use(const State& state, const std::string& vm, const KeyId& key) {
  const auto found = state.vms.find(vm);
  if (found != state.vms.end() && found->second.key == key) return true;
  return std::any_of(state.actions.begin(), state.actions.end(), [&](const auto& entry) {
    const Action& action = entry.second;
    return action.vm == vm && (action.key == key || action.old_key == key);
  });
}

}  // namespace

bool may_have(const State& state, const std::string& name, const KeyId& key) {
  const auto found = state.hosts.find(name);
  const auto known = state.keys.find(key);
  if (found == state.hosts.end() || known == state.keys.end()) return false;
  const Host& host = found->second;
  if (host.cluster.empty()) return false;
  const std::string& subject = known->second.subject;
  switch (known->second.purpose) {
    case KeyPurpose::kHost:
      return subject == name &&
             (host.key == key || (host.ordered.has_value() && host.ordered->key == key));
    case KeyPurpose::kVm: {
      if (host.mode != HostMode::kSafe || !is_in_use(state, subject, key)) return false;
      const auto vm = state.vms.find(subject);
      if (vm == state.vms.end()) return false;
      const auto vm_host = state.hosts.find(vm->second.host);
      return vm_host != state.hosts.end() && vm_host->second.cluster == host.cluster;
    }
    case KeyPurpose::kProbe:
      return false;
  }
  return false;
}

Decision decide(const State& state, const Caller& caller, const RecordPush& command) {
  const auto host = state.hosts.find(command.host);
  if (host == state.hosts.end() || host->second.boot != command.boot) return {};
  if (!may_have(state, command.host, command.key)) return {};
  Draft draft(state, caller);
  read_about(draft, command.host, command.key);
  return draft
      .say(key_stream(state, command.key),
           KeyPushed{command.host, command.boot, command.key, command.server})
      .take();
}

Decision decide(const State& state, const Caller& caller, const RecordUnavailable& command) {
  Draft draft(state, caller);
  read_about(draft, command.host, command.key);
  return draft
      .say(key_stream(state, command.key),
           KeyUnavailable{command.host, command.key, quoted(command.detail)})
      .take();
}

}  // namespace keytrail::vcenter
