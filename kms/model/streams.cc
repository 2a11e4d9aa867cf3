#include "kms/model/streams.h"

#include "bus/events/fact.h"
#include "bus/events/match.h"
#include "bus/secret/sha256.h"

namespace keytrail::kms {
namespace {

constexpr std::string_view kPart = "kms";

// Where a note about an object, or else about a client, stands.
std::string object_or_client_stream(const Scope& scope, const std::string& object,
                                    const std::string& client) {
  if (!object.empty()) return object_stream(scope, object);
  if (!client.empty()) return client_stream(scope, client);
  return replica_stream(scope.replica);
}

}  // namespace

std::string object_stream(const Scope& scope, std::string_view object) {
  return stream_name({kPart, scope.cluster, "object", object});
}

std::string name_stream(const Scope& scope, std::string_view owner, std::string_view name) {
  constexpr std::uint8_t kSeparator = 0;  // Neither an owner nor a name holds a NUL.
  const Hash hash = sha256({as_bytes(owner), ByteView(&kSeparator, 1), as_bytes(name)});
  return stream_name({kPart, scope.cluster, "name", to_hex(hash)});
}

std::string client_stream(const Scope& scope, std::string_view client) {
  return stream_name({kPart, scope.cluster, "client", client});
}

std::string members_stream(const Scope& scope) {
  return stream_name({kPart, scope.cluster, "members"});
}

std::string leases_stream(const Scope& scope) {
  return stream_name({kPart, scope.cluster, "leases"});
}

std::string shred_stream(std::string_view replica) {
  return stream_name({kPart, replica, "shred"});
}

std::string replica_stream(std::string_view replica) {
  return stream_name({kPart, replica, "refusals"});
}

std::string stream_of(const Scope& scope, const Event& event) {
  return match(
      event, [&](const ObjectCreated& x) { return object_stream(scope, x.object); },
      [&](const NameBound& x) { return name_stream(scope, x.owner, x.name); },
      [&](const NameFreed& x) { return name_stream(scope, x.owner, x.name); },
      [&](const AttributeAdded& x) { return object_stream(scope, x.object); },
      [&](const KeyActivated& x) { return object_stream(scope, x.object); },
      [&](const KeyRevoked& x) { return object_stream(scope, x.object); },
      [&](const KeyDestroyed& x) { return object_stream(scope, x.object); },
      [&](const KeyReleased& x) { return object_stream(scope, x.object); },
      [&](const OperationRefused& x) { return object_or_client_stream(scope, x.object, x.client); },
      [&](const ReadRecorded& x) { return object_or_client_stream(scope, x.object, x.client); },
      [&](const ClientEnrolled& x) { return client_stream(scope, x.client); },
      [&](const ClientRemoved& x) { return client_stream(scope, x.client); },
      [&](const CertificateSigned&) { return members_stream(scope); },
      [&](const ClusterCreated&) { return members_stream(scope); },
      [&](const ReplicaAdmitted&) { return members_stream(scope); },
      [&](const ReplicaRetired&) { return members_stream(scope); },
      [&](const KeyringGranted&) { return members_stream(scope); },
      [&](const LeafBlockLeased&) { return leases_stream(scope); },
      [&](const ShreddedThrough& x) { return shred_stream(x.replica); },
      [&](const KeyringRestored& x) { return shred_stream(x.replica); });
}

}  // namespace keytrail::kms
