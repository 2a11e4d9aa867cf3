#include "bus/events/shown.h"
#include "bus/events/words.h"
#include "replay/audit/texts.h"

namespace keytrail::replay {
namespace {

using namespace vcenter;

std::string principal(std::string_view name, bool is_group) {
  return say({is_group ? "group " : "user ", name});
}

std::string because(Refusal reason, const std::string& detail) {
  return say({word_of(reason), detail.empty() ? "" : ": ", detail});
}

EventText refused(std::string_view operation, Refusal reason, const std::string& detail) {
  return {say({operation, ": refused"}), because(reason, detail)};
}

std::string permission(const PermissionSet& e) {
  return say({principal(e.principal, e.is_group), " has role ", e.role,
              e.propagates ? ", inherited by what lies below" : ", here only"});
}

// What decided: the sentence that an auditor asks for.
std::string check(const PrivilegeChecked& e) {
  const std::string_view verdict = e.granted ? " granted" : " denied";
  const std::string as_of = ", rights as of " + std::to_string(e.rights_position);
  if (e.role.empty()) return say({e.privilege, verdict, ": no permission applies", as_of});
  const bool own = e.inherited_from == e.entity;
  return say({e.privilege, verdict, " by role ", e.role, " of ", principal(e.principal, e.is_group),
              own ? ", set on the entity itself" : ", inherited from ",
              own ? "" : or_root(e.inherited_from), as_of});
}

std::string servers(const std::vector<KmipServer>& list) {
  std::vector<std::string> texts;
  for (const KmipServer& server : list) {
    texts.push_back(say({server.name, " ", server.address, ":", std::to_string(server.port)}));
  }
  return list_of(texts);
}

std::string new_vm(const VmCreationRequested& e) {
  return say({std::to_string(e.disk_bytes), " bytes on ", e.datastore, ", ",
              e.encrypted ? "encrypted" : "plain"});
}

std::string rewrap(const KeyId& old_key, const KeyId& new_key) {
  return say({"from key ", old_key.id, " to ", new_key.id});
}

EventText about(const EntityAdded& e) {
  return {say({"Add ", word_of(e.kind)}), say({"below ", or_root(e.parent)})};
}
EventText about(const EntityRemoved&) { return {"Remove entity", ""}; }
EventText about(const HostRegistered& e) { return {"Register host", "bus key " + e.channel_key}; }
EventText about(const UserCreated&) { return {"Create user", ""}; }
EventText about(const GroupCreated&) { return {"Create group", ""}; }
EventText about(const GroupJoined& e) { return {"Join group", "user " + e.user}; }
EventText about(const RoleCreated& e) { return {"Create role", list_of(e.privileges)}; }
EventText about(const PermissionSet& e) { return {"Set permission", permission(e)}; }
EventText about(const PermissionRemoved& e) {
  return {"Remove permission", principal(e.principal, e.is_group)};
}
EventText about(const LoggedIn&) { return {"Log in", ""}; }
EventText about(const LoginRefused& e) { return {"Log in: refused", e.reason}; }
EventText about(const PrivilegeChecked& e) { return {"Check privilege", check(e)}; }
EventText about(const CommandRefused& e) { return refused(e.command, e.reason, e.detail); }

EventText about(const ProviderAdded& e) { return {"Add key provider", servers(e.servers)}; }
EventText about(const ServerTrusted& e) {
  return {"Trust key server", "certificate " + to_hex(e.certificate)};
}
EventText about(const ProviderProbed& e) {
  return {"Probe key provider", say({"vendor ", e.vendor, "; a key made on one server was read on ",
                                     list_of(e.servers)})};
}
EventText about(const ProviderProbeFailed& e) { return {"Probe key provider: failed", e.detail}; }
EventText about(const DefaultProviderSet& e) {
  return {"Set default key provider", e.automatic ? "it is the first" : ""};
}
EventText about(const ProviderRemoved&) { return {"Remove key provider", ""}; }
EventText about(const ServerUnreachable& e) { return {"Key server unreachable", e.detail}; }

EventText about(const KeyRequested& e) { return {"Request key", "name " + e.name}; }
EventText about(const KeyObtained& e) { return {"Obtain key", "from server " + e.server}; }
EventText about(const KeyRefused& e) { return {"Request key: refused", e.detail}; }
EventText about(const KeyPushed& e) { return {"Give key to host", "sealed to boot " + e.boot}; }
EventText about(const KeyUnavailable& e) { return {"Give key to host: failed", e.detail}; }
EventText about(const HostModeOrdered& e) {
  return {"Host mode: ordered", std::string(word_of(e.mode))};
}

EventText about(const VmCreationRequested& e) { return {"Create VM: requested", new_vm(e)}; }
EventText about(const VmCreationRefused& e) { return refused("Create VM", e.reason, e.detail); }
EventText about(const VmCreationOrdered&) { return {"Create VM: ordered", ""}; }
EventText about(const VmCreated&) { return {"Create VM: completed", ""}; }
EventText about(const EncryptionRequested&) { return {"Encrypt VM: requested", ""}; }
EventText about(const EncryptionRefused& e) { return refused("Encrypt VM", e.reason, e.detail); }
EventText about(const EncryptionOrdered&) { return {"Encrypt VM: ordered", ""}; }
EventText about(const EncryptionCompleted&) { return {"Encrypt VM: completed", ""}; }
EventText about(const DecryptionRequested&) { return {"Decrypt VM: requested", ""}; }
EventText about(const DecryptionRefused& e) { return refused("Decrypt VM", e.reason, e.detail); }
EventText about(const DecryptionOrdered&) { return {"Decrypt VM: ordered", ""}; }
EventText about(const DecryptionCompleted&) { return {"Decrypt VM: completed", ""}; }
EventText about(const RecryptRequested& e) {
  return {"Recrypt VM: requested", std::string(word_of(e.depth))};
}
EventText about(const RecryptRefused& e) { return refused("Recrypt VM", e.reason, e.detail); }
EventText about(const RecryptOrdered& e) {
  return {"Recrypt VM: ordered", say({word_of(e.depth), ", ", rewrap(e.old_key, e.new_key)})};
}
EventText about(const RecryptCompleted& e) {
  return {"Recrypt VM: completed", say({word_of(e.depth), ", ", rewrap(e.old_key, e.new_key)})};
}
EventText about(const PowerRequested& e) {
  return {say({"Power ", word_of(e.power), " VM: requested"}), ""};
}
EventText about(const PowerRefused& e) {
  return refused(say({"Power ", word_of(e.power), " VM"}), e.reason, e.detail);
}
EventText about(const PowerOrdered& e) {
  return {say({"Power ", word_of(e.power), " VM: ordered"}), ""};
}
EventText about(const PowerCompleted& e) {
  return {say({"Power ", word_of(e.power), " VM: completed"}), ""};
}
EventText about(const UnlockRequested&) { return {"Unlock VM: requested", ""}; }
EventText about(const UnlockRefused& e) { return refused("Unlock VM", e.reason, e.detail); }
EventText about(const UnlockCompleted&) { return {"Unlock VM: completed", ""}; }
EventText about(const OrderExpired& e) {
  return {"Order expired", "the host did not take order " + std::to_string(e.order)};
}

}  // namespace

EventText text_of(const vcenter::Event& event) {
  return std::visit([](const auto& e) { return about(e); }, event);
}

}  // namespace keytrail::replay
