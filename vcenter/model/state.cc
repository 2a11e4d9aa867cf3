#include "vcenter/model/state.h"

namespace keytrail::vcenter {

std::uint64_t State::version_of(const std::string& stream) const {
  const auto found = versions.find(stream);
  return found == versions.end() ? 0 : found->second;
}

std::string vm_stream(const State& state, const std::string& vm) {
  return stream_name({"vcenter", state.vcenter, "vm", vm});
}
std::string host_stream(const State& state, const std::string& host) {
  return stream_name({"vcenter", state.vcenter, "host", host});
}
std::string key_stream(const State& state, const KeyId& key) {
  return stream_name({"vcenter", state.vcenter, "key", key.provider + "." + key.id});
}
std::string provider_stream(const State& state, const std::string& provider) {
  return stream_name({"vcenter", state.vcenter, "provider", provider});
}
std::string principal_stream(const State& state, const std::string& name) {
  return stream_name({"vcenter", state.vcenter, "principal", name});
}
std::string action_stream(const State& state, const ActionId& action) {
  return stream_name({"vcenter", state.vcenter, "action", to_string(action)});
}
std::string rights_stream(const State& state) {
  return stream_name({"vcenter", state.vcenter, "rights"});
}
std::string inventory_stream(const State& state) {
  return stream_name({"vcenter", state.vcenter, "inventory"});
}
std::string epoch_stream(const State& state) {
  return stream_name({"vcenter", state.vcenter, "epoch"});
}
std::string host_mode_stream(const std::string& host) {
  return stream_name({"esxi", host, "mode"});
}
std::string host_boot_stream(const std::string& host) {
  return stream_name({"esxi", host, "boot"});
}
std::string host_action_stream(const std::string& host, const ActionId& action) {
  return stream_name({"esxi", host, "action", to_string(action)});
}

}  // namespace keytrail::vcenter
