#include "bus/events/facets.h"

#include <algorithm>
#include <array>

#include "bus/events/match.h"
#include "bus/events/shown.h"

namespace keytrail {
namespace {

std::string named(std::string_view kind, std::string_view name) {
  return name.empty() ? std::string(kind) : std::string(kind) + "/" + std::string(name);
}

KeyId object_key(const std::string& object) { return {"", object}; }

// Says what an event is about, on facets that already hold what its body says.
class About {
 public:
  explicit About(Facets& facets) : f(facets) {}

  void operator()(const part::Event& event) {
    match(
        event, [&](const part::PartStarted&) { done(); }, [&](const part::PartStopped&) { done(); },
        [&](const part::RefusalsRepeated& e) {
          f.object = named("address", e.address);
          refused();
        });
  }

  void operator()(const eventstore::Event& event) {
    using namespace eventstore;
    match(
        event, [&](const IdentityGranted& e) { changed_rights("identity", e.name); },
        [&](const IdentityRevoked& e) { changed_rights("identity", e.name); },
        [&](const ClockStepped&) { done(Severity::kWarning); },
        [&](const LogRepaired&) { done(Severity::kError); });
  }

  void operator()(const kms::Event& event) {
    using namespace kms;
    match(
        event, [&](const ObjectCreated& e) { key(e.object, e.owner); },
        [&](const NameBound& e) { key(e.object, named("name", e.name)); },
        [&](const NameFreed& e) { key(e.object, named("name", e.name)); },
        [&](const AttributeAdded& e) { key(e.object, named("attribute", e.attribute.name)); },
        [&](const KeyActivated& e) { key(e.object, ""); },
        [&](const KeyRevoked& e) { key(e.object, "", Severity::kNotice); },
        [&](const KeyDestroyed& e) { key(e.object, "", Severity::kNotice); },
        [&](const KeyReleased& e) { key(e.object, named("client", e.client), Severity::kNotice); },
        [&](const OperationRefused& e) {
          f.key = object_key(e.object);
          if (!e.client.empty()) f.object = named("client", e.client);
          refused();
        },
        [&](const ReadRecorded& e) { key(e.object, named("client", e.client)); },
        [&](const ClientEnrolled& e) { changed_rights("client", e.client); },
        [&](const ClientRemoved& e) { changed_rights("client", e.client); },
        [&](const CertificateSigned& e) { changed_rights("certificate", e.subject); },
        [&](const ClusterCreated& e) { member(e.replica); },
        [&](const ReplicaAdmitted& e) { member(e.replica, Severity::kNotice); },
        [&](const ReplicaRetired& e) { member(e.replica, Severity::kNotice); },
        [&](const KeyringGranted& e) { member(e.to, Severity::kNotice); },
        [&](const LeafBlockLeased& e) { member(e.replica); },
        [&](const ShreddedThrough& e) {
          member(e.replica, e.provable ? Severity::kInfo : Severity::kWarning);
        },
        [&](const KeyringRestored& e) { member(e.replica, Severity::kWarning); });
  }

  void operator()(const vcenter::Event& event) {
    using namespace vcenter;
    match(
        event, [&](const EntityAdded& e) { entity(e.kind, e.entity); },
        [&](const EntityRemoved& e) { object("entity", e.entity); },
        [&](const HostRegistered& e) { host(e.host, named("cluster", e.cluster)); },
        [&](const UserCreated& e) { changed_rights("user", e.user); },
        [&](const GroupCreated& e) { changed_rights("group", e.group); },
        [&](const GroupJoined& e) { changed_rights("group", e.group); },
        [&](const RoleCreated& e) { changed_rights("role", e.role); },
        [&](const PermissionSet& e) { changed_rights("entity", or_root(e.entity)); },
        [&](const PermissionRemoved& e) { changed_rights("entity", or_root(e.entity)); },
        [&](const LoggedIn& e) { logged_in(e.user, Outcome::kSucceeded); },
        [&](const LoginRefused& e) { logged_in(e.user, Outcome::kRefused); },
        [&](const PrivilegeChecked& e) {
          f.object = named("entity", or_root(e.entity));
          e.granted ? done() : refused();
        },
        [&](const CommandRefused& e) {
          f.object = named("object", e.object);
          refused();
        },
        [&](const ProviderAdded& e) { provider(e.provider, Severity::kNotice); },
        [&](const ServerTrusted& e) {
          provider(e.provider, Severity::kNotice);
          f.object = named("server", e.server);
        },
        [&](const ProviderProbed& e) {
          provider(e.provider);
          f.key = {e.provider, e.probe_key};
        },
        [&](const ProviderProbeFailed& e) { provider_failed(e.provider, e.server); },
        [&](const DefaultProviderSet& e) { provider(e.provider, Severity::kNotice); },
        [&](const ProviderRemoved& e) { provider(e.provider, Severity::kNotice); },
        [&](const ServerUnreachable& e) { provider_failed(e.provider, e.server); },
        [&](const KeyRequested& e) {
          provider(e.provider);
          f.object = named(purpose_of(e.purpose), e.subject);
          started();
        },
        [&](const KeyObtained& e) {
          provider(e.key.provider);
          f.key = e.key;
          f.object = named(purpose_of(e.purpose), e.subject);
        },
        [&](const KeyRefused& e) {
          provider(e.provider);
          refused();
        },
        [&](const KeyPushed& e) {
          host(e.host, named("server", e.server), e.key);
          f.severity = Severity::kNotice;
        },
        [&](const KeyUnavailable& e) {
          host(e.host, "", e.key);
          failed();
        },
        [&](const HostModeOrdered& e) {
          host(e.host, "", e.key);
          started();
        },
        [&](const auto& vm_action) { about_vm(vm_action); });
  }

  void operator()(const esxi::Event& event) {
    using namespace esxi;
    match(
        event, [&](const HostStarted&) { done(Severity::kNotice); },
        [&](const HostModeChanged& e) { possession(e.key); },
        [&](const KeyReceived& e) { possession(e.key); },
        [&](const KeyErased& e) { possession(e.key); },
        [&](const VmCreationStarted& e) { vm(e.vm, Outcome::kStarted); },
        [&](const EncryptionStarted& e) { vm(e.vm, Outcome::kStarted); },
        [&](const DecryptionStarted& e) { vm(e.vm, Outcome::kStarted); },
        [&](const RecryptStarted& e) { vm(e.vm, Outcome::kStarted); },
        [&](const PowerChangeStarted& e) { vm(e.vm, Outcome::kStarted); },
        [&](const OrderRefused& e) { vm(e.vm, Outcome::kRefused); },
        [&](const DiskCreated& e) { disk(e.vm, e.disk.disk, e.key); },
        [&](const DiskEncrypted& e) { disk(e.vm, e.disk.disk, e.key); },
        [&](const DiskDecrypted& e) {
          disk(e.vm, e.disk.disk, {});
          f.severity = Severity::kNotice;
        },
        [&](const DiskRecrypted& e) {
          disk(e.vm, e.disk.disk, e.new_key);
          f.previous_key = e.old_key;
        },
        [&](const DiskUsage& e) {
          disk(e.vm, e.disk, {});
          f.outcome = Outcome::kNone;
        },
        [&](const GuestStarted& e) { vm(e.vm, Outcome::kSucceeded); },
        [&](const GuestStopped& e) {
          const bool orderly =
              e.reason == StopReason::kGuestPoweredOff || e.reason == StopReason::kOrdered;
          vm(e.vm, orderly ? Outcome::kSucceeded : Outcome::kFailed);
        },
        [&](const VmLocked& e) { vm(e.vm, Outcome::kFailed, e.key); },
        [&](const VmUnlocked& e) { vm(e.vm, Outcome::kSucceeded, e.key); });
  }

 private:
  // --- actions on a VM: no catch-all here either; an event that is missing does not compile
  // ---------
  void about_vm(const vcenter::VmCreationRequested& e) {
    vm(e.vm, Outcome::kStarted);
    f.host = e.host;
    f.provider = e.provider;
  }
  void about_vm(const vcenter::VmCreationRefused& e) { vm(e.vm, Outcome::kRefused); }
  void about_vm(const vcenter::VmCreationOrdered& e) { order(e.vm, e.host, e.key); }
  void about_vm(const vcenter::VmCreated& e) {
    vm(e.vm, Outcome::kSucceeded, e.key);
    f.host = e.host;
  }
  void about_vm(const vcenter::EncryptionRequested& e) {
    vm(e.vm, Outcome::kStarted);
    f.provider = e.provider;
  }
  void about_vm(const vcenter::EncryptionRefused& e) { vm(e.vm, Outcome::kRefused); }
  void about_vm(const vcenter::EncryptionOrdered& e) { order(e.vm, e.host, e.key); }
  void about_vm(const vcenter::EncryptionCompleted& e) { vm(e.vm, Outcome::kSucceeded, e.key); }
  void about_vm(const vcenter::DecryptionRequested& e) { vm(e.vm, Outcome::kStarted); }
  void about_vm(const vcenter::DecryptionRefused& e) { vm(e.vm, Outcome::kRefused); }
  void about_vm(const vcenter::DecryptionOrdered& e) { order(e.vm, e.host, e.key); }
  void about_vm(const vcenter::DecryptionCompleted& e) {
    vm(e.vm, Outcome::kSucceeded);
    f.severity = Severity::kNotice;  // What was protected is no longer.
  }
  void about_vm(const vcenter::RecryptRequested& e) {
    vm(e.vm, Outcome::kStarted);
    f.provider = e.provider;
  }
  void about_vm(const vcenter::RecryptRefused& e) { vm(e.vm, Outcome::kRefused); }
  void about_vm(const vcenter::RecryptOrdered& e) {
    order(e.vm, e.host, e.new_key);
    f.previous_key = e.old_key;
  }
  void about_vm(const vcenter::RecryptCompleted& e) {
    vm(e.vm, Outcome::kSucceeded, e.new_key);
    f.previous_key = e.old_key;
  }
  void about_vm(const vcenter::PowerRequested& e) { vm(e.vm, Outcome::kStarted); }
  void about_vm(const vcenter::PowerRefused& e) { vm(e.vm, Outcome::kRefused); }
  void about_vm(const vcenter::PowerOrdered& e) { order(e.vm, e.host, e.key); }
  void about_vm(const vcenter::PowerCompleted& e) { vm(e.vm, Outcome::kSucceeded); }
  void about_vm(const vcenter::UnlockRequested& e) { vm(e.vm, Outcome::kStarted, e.key); }
  void about_vm(const vcenter::UnlockRefused& e) { vm(e.vm, Outcome::kRefused); }
  void about_vm(const vcenter::UnlockCompleted& e) { vm(e.vm, Outcome::kSucceeded); }
  void about_vm(const vcenter::OrderExpired& e) {
    vm(e.vm, Outcome::kFailed);
    f.host = e.host;
  }

  // --- how it ended
  // ----------------------------------------------------------------------------------
  void done(Severity severity = Severity::kInfo) {
    f.outcome = Outcome::kSucceeded;
    f.severity = severity;
  }
  void started() { f.outcome = Outcome::kStarted; }
  void refused() {
    f.outcome = Outcome::kRefused;
    f.severity = Severity::kWarning;
  }
  void failed() {
    f.outcome = Outcome::kFailed;
    f.severity = Severity::kWarning;
  }
  void ended(Outcome outcome) {
    f.outcome = outcome;
    const bool bad = outcome == Outcome::kRefused || outcome == Outcome::kFailed;
    f.severity = bad ? Severity::kWarning : Severity::kInfo;
  }

  // --- what it is about
  // ------------------------------------------------------------------------------
  void object(std::string_view kind, std::string_view name, Severity severity = Severity::kInfo) {
    f.object = named(kind, name);
    done(severity);
  }
  void changed_rights(std::string_view kind, std::string_view name) {
    object(kind, name, Severity::kNotice);
  }
  void entity(vcenter::EntityKind kind, const std::string& name) {
    using vcenter::EntityKind;
    object("entity", name);
    if (kind == EntityKind::kVm) f.vm = name;
    if (kind == EntityKind::kHost) f.host = name;
  }
  void member(const std::string& replica, Severity severity = Severity::kInfo) {
    object("replica", replica, severity);
  }
  void logged_in(const std::string& user, Outcome outcome) {
    f.object = named("user", user);
    if (f.user.empty()) f.user = user;
    ended(outcome);
  }
  void key(const std::string& object_id, std::string about, Severity severity = Severity::kInfo) {
    f.key = object_key(object_id);
    f.object = std::move(about);
    done(severity);
  }
  void provider(const std::string& name, Severity severity = Severity::kInfo) {
    f.provider = name;
    done(severity);
  }
  void provider_failed(const std::string& name, const std::string& server) {
    f.provider = name;
    f.object = named("server", server);
    failed();
  }
  void host(const std::string& name, std::string about, const KeyId& key_id = {}) {
    f.host = name;
    f.object = std::move(about);
    f.key = key_id;
    f.provider = key_id.provider;
    done();
  }
  void possession(const KeyId& key_id) {
    f.key = key_id;
    f.provider = key_id.provider;
    done(Severity::kNotice);
  }
  void vm(const std::string& name, Outcome outcome, const KeyId& key_id = {}) {
    f.vm = name;
    f.key = key_id;
    f.provider = key_id.provider;
    ended(outcome);
  }
  void order(const std::string& vm_name, const std::string& host_name, const KeyId& key_id) {
    vm(vm_name, Outcome::kStarted, key_id);
    f.host = host_name;
  }
  void disk(const std::string& vm_name, const std::string& disk_id, const KeyId& key_id) {
    vm(vm_name, Outcome::kSucceeded, key_id);
    f.object = named("disk", disk_id);
  }
  static std::string_view purpose_of(vcenter::KeyPurpose purpose) {
    switch (purpose) {
      case vcenter::KeyPurpose::kVm:
        return "vm";
      case vcenter::KeyPurpose::kHost:
        return "host";
      case vcenter::KeyPurpose::kProbe:
        return "probe";
    }
    return "";
  }

  Facets& f;
};

constexpr std::array<std::string_view, 5> kOutcomes = {"none", "succeeded", "refused", "failed",
                                                       "started"};
constexpr std::array<std::string_view, 4> kSeverities = {"info", "notice", "warning", "error"};

bool is_type(const Facets& facets, std::string_view wanted) {
  const std::size_t dot = wanted.find('.');
  if (dot == std::string_view::npos) return wanted == facets.type;
  const std::string_view type = wanted.substr(dot + 1);
  return wanted.substr(0, dot) == facets.part && (type == "*" || type == facets.type);
}

bool is_key(const KeyId& key, std::string_view wanted) {
  return !key.is_none() && (wanted == key.id || wanted == to_string(key));
}

template <class Test>
bool any(const std::vector<std::string>& wanted, Test test) {
  return wanted.empty() || std::any_of(wanted.begin(), wanted.end(), test);
}

}  // namespace

Facets facets_of(const Body& body) {
  Facets facets;
  facets.part = part_of(body.event);
  facets.type = type_of(body.event);
  facets.user = body.user;
  facets.action = body.action;
  if (std::holds_alternative<esxi::Event>(body.event)) facets.host = piece_of(body.stream, 1);
  if (std::holds_alternative<part::Event>(body.event)) {
    facets.object = named(piece_of(body.stream, 0), piece_of(body.stream, 1));
  }
  std::visit(About(facets), body.event);
  return facets;
}

std::string subject_of(const Facets& facets) {
  if (!facets.vm.empty()) return "vm/" + facets.vm;
  if (!facets.key.is_none()) return "key/" + facets.key.id;
  if (!facets.host.empty()) return "host/" + facets.host;
  if (!facets.provider.empty()) return "provider/" + facets.provider;
  return facets.object;
}

std::string to_string(const KeyId& key) {
  return key.provider.empty() ? key.id : key.provider + "/" + key.id;
}

std::string_view to_string(Outcome outcome) { return kOutcomes[static_cast<std::size_t>(outcome)]; }
std::string_view to_string(Severity severity) {
  return kSeverities[static_cast<std::size_t>(severity)];
}

Result<void> check_filter(const Filter& filter) {
  std::size_t count = 0;
  for (const auto* values : {&filter.types, &filter.users, &filter.keys, &filter.vms, &filter.hosts,
                             &filter.actions, &filter.outcomes}) {
    count += values->size();
    for (const std::string& value : *values) {
      if (value.size() > kFilterValueBytesMax) {
        return Error{ErrorCode::kInvalid, "a filter's value has at most 256 bytes"};
      }
    }
  }
  if (count > kFilterValuesMax) {
    return Error{ErrorCode::kInvalid,
                 "a filter has at most 64 values, not " + std::to_string(count)};
  }
  for (const std::string& outcome : filter.outcomes) {
    if (std::find(kOutcomes.begin(), kOutcomes.end(), outcome) == kOutcomes.end()) {
      return Error{ErrorCode::kInvalid,
                   "an outcome is succeeded, refused, failed, started or none, not " + outcome};
    }
  }
  return {};
}

bool matches(const Filter& filter, const Facets& facets) {
  return any(filter.types, [&](const auto& type) { return is_type(facets, type); }) &&
         any(filter.users, [&](const auto& user) { return user == facets.user; }) &&
         any(filter.keys,
             [&](const auto& key) {
               return is_key(facets.key, key) || is_key(facets.previous_key, key);
             }) &&
         any(filter.vms, [&](const auto& vm) { return vm == facets.vm; }) &&
         any(filter.hosts, [&](const auto& host) { return host == facets.host; }) &&
         any(filter.actions,
             [&](const auto& a) { return to_string(facets.action).starts_with(a); }) &&
         any(filter.outcomes, [&](const auto& o) { return o == to_string(facets.outcome); });
}

}  // namespace keytrail
