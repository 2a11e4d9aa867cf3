#include "replay/state/state.h"

#include "bus/events/match.h"
#include "bus/events/shown.h"
#include "replay/state/vcenter_fold.h"

namespace keytrail::replay {
namespace {

void evolve_part(State& state, const Fact& fact, const part::Event& event) {
  match(
      event, [&](const part::PartStarted& e) { state.parts[fact.stamp.author] = e.epoch; },
      [&](const part::PartStopped&) { state.parts[fact.stamp.author] = 0; },
      [](const part::RefusalsRepeated&) {});
}

void evolve_eventstore(State& state, const eventstore::Event& event) {
  using namespace eventstore;
  match(
      event,
      [&](const IdentityGranted& e) {
        state.identities[e.name] = {e.topics.begin(), e.topics.end()};
      },
      [&](const IdentityRevoked& e) { state.identities.erase(e.name); }, [](const ClockStepped&) {},
      [](const LogRepaired&) {});
}

// --- key servers ---------------------------------------------------------------------------------

KeyObject new_object(const kms::ObjectCreated& e, TimeNs time) {
  KeyObject object;
  object.type = e.type;
  object.length_bits = e.length_bits;
  object.owner = e.owner;
  object.created = time;
  return object;
}

void destroy(KeyObject& object, const Stamp& stamp) {
  const bool compromised = object.state == kms::ObjectState::kCompromised;
  object.state =
      compromised ? kms::ObjectState::kDestroyedCompromised : kms::ObjectState::kDestroyed;
  object.destroyed = stamp.time;
  object.destroyed_at = stamp.position;
}

Client new_client(const kms::ClientEnrolled& e) {
  Client client{.group = e.group, .certificates = {}};
  for (const Hash& certificate : e.certificates) client.certificates.insert(to_hex(certificate));
  return client;
}

void evolve_kms(State& state, const Fact& fact, const kms::Event& event) {
  using namespace kms;
  // Shredding is on a replica's own stream: it belongs to the cluster that lists the replica.
  const auto replica_of = [&](const std::string& name) -> Replica* {
    for (auto& [_, cluster] : state.clusters) {
      if (const auto it = cluster.replicas.find(name); it != cluster.replicas.end())
        return &it->second;
    }
    return nullptr;
  };
  if (const auto* shredded = std::get_if<ShreddedThrough>(&event)) {
    if (Replica* replica = replica_of(shredded->replica))
      replica->shredded_through = shredded->through;
    return;
  }
  if (std::holds_alternative<KeyringRestored>(event)) return;  // Punctured again before it served.

  Cluster& cluster = state.clusters[std::string(piece_of(fact.body.stream, 1))];
  const auto with_key = [&](const std::string& id, auto change) {
    if (const auto it = cluster.keys.find(id); it != cluster.keys.end()) change(it->second);
  };
  match(
      event,
      [&](const ObjectCreated& e) { cluster.keys[e.object] = new_object(e, fact.stamp.time); },
      [&](const NameBound& e) {
        with_key(e.object, [&](KeyObject& key) { key.names.insert(e.name); });
      },
      [&](const NameFreed& e) {
        with_key(e.object, [&](KeyObject& key) { key.names.erase(e.name); });
      },
      [](const AttributeAdded&) {},
      [&](const KeyActivated& e) {
        with_key(e.object, [](KeyObject& key) { key.state = ObjectState::kActive; });
      },
      [&](const KeyRevoked& e) {
        with_key(e.object, [&](KeyObject& key) { key.state = e.state; });
      },
      [&](const KeyDestroyed& e) {
        with_key(e.object, [&](KeyObject& key) { destroy(key, fact.stamp); });
      },
      [&](const KeyReleased& e) {
        with_key(e.object, [&](KeyObject& key) { ++key.releases[e.client]; });
      },
      [](const OperationRefused&) {}, [](const ReadRecorded&) {},
      [&](const ClientEnrolled& e) { cluster.clients[e.client] = new_client(e); },
      [&](const ClientRemoved& e) { cluster.clients.erase(e.client); },
      [](const CertificateSigned&) {},
      [&](const ClusterCreated& e) { cluster.replicas[e.replica] = {}; },
      [&](const ReplicaAdmitted& e) { cluster.replicas[e.replica] = {}; },
      [&](const ReplicaRetired& e) { cluster.replicas[e.replica].retired = true; },
      [](const KeyringGranted&) {}, [](const LeafBlockLeased&) {}, [](const ShreddedThrough&) {},
      [](const KeyringRestored&) {});
}

// --- hosts ---------------------------------------------------------------------------------------

// Each VM of this name that a vCenter runs on `host`.
template <class Change>
void with_vms_on(State& state, const std::string& host, const std::string& vm, Change change) {
  for (auto& [_, vcenter] : state.vcenters) {
    const auto it = vcenter.vms.find(vm);
    if (it != vcenter.vms.end() && it->second.host == host) change(it->second);
  }
}

Disk disk_of(const std::string& vm, const std::string& host, const esxi::DiskState& disk) {
  return {
      .vm = vm, .host = host, .cipher = {}, .key = {}, .dek_fingerprint = {}, .bytes = disk.bytes};
}

template <class Encrypted>
void encrypt_disk(State& state, const std::string& host, const Encrypted& e) {
  Disk disk = disk_of(e.vm, host, e.disk);
  disk.cipher = e.cipher;
  disk.key = e.key;
  disk.dek_fingerprint = to_hex(e.dek_fingerprint);
  state.disks[e.disk.disk] = std::move(disk);
}

void evolve_esxi(State& state, const Fact& fact, const esxi::Event& event) {
  using namespace esxi;
  const std::string name(piece_of(fact.body.stream, 1));
  Host& host = state.hosts[name];
  const auto set_locked = [&](const std::string& vm, bool locked) {
    with_vms_on(state, name, vm, [&](Vm& known) { known.locked = locked; });
  };
  const auto set_power = [&](const std::string& vm, PowerState power) {
    with_vms_on(state, name, vm, [&](Vm& known) { known.power = power; });
  };
  match(
      event,
      [&](const HostStarted& e) {
        host.boot = e.boot;
        host.held.clear();  // Memory does not survive a boot.
      },
      [&](const HostModeChanged& e) {
        host.mode = e.mode;
        host.host_key = e.key;
      },
      [&](const KeyReceived& e) { host.held.emplace(e.key, fact.stamp.time); },
      [&](const KeyErased& e) { host.held.erase(e.key); }, [](const VmCreationStarted&) {},
      [](const EncryptionStarted&) {}, [](const DecryptionStarted&) {},
      [](const RecryptStarted&) {}, [](const PowerChangeStarted&) {}, [](const OrderRefused&) {},
      [&](const DiskCreated& e) { encrypt_disk(state, name, e); },
      [&](const DiskEncrypted& e) { encrypt_disk(state, name, e); },
      [&](const DiskDecrypted& e) { state.disks[e.disk.disk] = disk_of(e.vm, name, e.disk); },
      [&](const DiskRecrypted& e) {
        const auto disk = state.disks.find(e.disk.disk);
        if (disk == state.disks.end()) return;
        disk->second.key = e.new_key;
        disk->second.dek_fingerprint = to_hex(e.dek_fingerprint);
      },
      [](const DiskUsage&) {}, [&](const GuestStarted& e) { set_power(e.vm, PowerState::kOn); },
      [&](const GuestStopped& e) { set_power(e.vm, PowerState::kOff); },
      [&](const VmLocked& e) { set_locked(e.vm, true); },
      [&](const VmUnlocked& e) { set_locked(e.vm, false); });
}

}  // namespace

void evolve(State& state, const Fact& fact) {
  state.position = fact.stamp.position;
  state.time = fact.stamp.time;
  match(
      fact.body.event, [&](const part::Event& e) { evolve_part(state, fact, e); },
      [&](const eventstore::Event& e) { evolve_eventstore(state, e); },
      [&](const kms::Event& e) { evolve_kms(state, fact, e); },
      [&](const vcenter::Event& e) {
        const std::string name(piece_of(fact.body.stream, 1));
        evolve_vcenter(state.vcenters[name], fact.body.action, e);
      },
      [&](const esxi::Event& e) { evolve_esxi(state, fact, e); });
}

}  // namespace keytrail::replay
