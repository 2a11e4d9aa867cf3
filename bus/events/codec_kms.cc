#include "bus/events/codec_fields.h"
#include "bus/events/event.capnp.h"
#include "bus/events/kms_events.h"
#include "bus/events/match.h"

namespace keytrail::kms {

FIELDS(Attribute) {
  FIELD(name, Name);
  FIELD(index, Index);
  FIELD(value, Value);
}
FIELDS(ObjectCreated) {
  FIELD(object, Object);
  FIELD(type, Type);
  FIELD(origin, Origin);
  FIELD(algorithm, Algorithm);
  FIELD(length_bits, LengthBits);
  FIELD(usage_mask, UsageMask);
  FIELD(format, Format);
  FIELD(subtype, Subtype);
  FIELD(owner, Owner);
  FIELD(attributes, Attributes);
  FIELD(leaf, Leaf);
  FIELD(fingerprint, Fingerprint);
}
FIELDS(NameBound) {
  FIELD(name, Name);
  FIELD(owner, Owner);
  FIELD(object, Object);
}
FIELDS(NameFreed) {
  FIELD(name, Name);
  FIELD(owner, Owner);
  FIELD(object, Object);
}
FIELDS(AttributeAdded) {
  FIELD(object, Object);
  FIELD(attribute, Attribute);
}
FIELDS(KeyActivated) {
  FIELD(object, Object);
  FIELD(activation_date, ActivationDate);
}
FIELDS(KeyRevoked) {
  FIELD(object, Object);
  FIELD(reason, Reason);
  FIELD(message, Message);
  FIELD(state, State);
  FIELD(compromise_date, CompromiseDate);
}
FIELDS(KeyDestroyed) {
  FIELD(object, Object);
  FIELD(leaf, Leaf);
}
FIELDS(KeyReleased) {
  FIELD(object, Object);
  FIELD(client, Client);
  FIELD(replica, Replica);
}
FIELDS(OperationRefused) {
  FIELD(operation, Operation);
  FIELD(object, Object);
  FIELD(client, Client);
  FIELD(reason, Reason);
  FIELD(detail, Detail);
}
FIELDS(ReadRecorded) {
  FIELD(operation, Operation);
  FIELD(object, Object);
  FIELD(client, Client);
}
FIELDS(ClientEnrolled) {
  FIELD(client, Client);
  FIELD(group, Group);
  FIELD(certificates, Certificates);
}
FIELDS(ClientRemoved) { FIELD(client, Client); }
FIELDS(CertificateSigned) {
  FIELD(subject, Subject);
  FIELD(fingerprint, Fingerprint);
}
FIELDS(ClusterCreated) {
  FIELD(cluster, Cluster);
  FIELD(replica, Replica);
  FIELD(certificate, Certificate);
  FIELD(keyring_fingerprint, KeyringFingerprint);
}
FIELDS(ReplicaAdmitted) {
  FIELD(replica, Replica);
  FIELD(certificate, Certificate);
}
FIELDS(ReplicaRetired) { FIELD(replica, Replica); }
FIELDS(KeyringGranted) {
  FIELD(to, To);
  FIELD(by, By);
  FIELD(as_of, AsOf);
}
FIELDS(LeafBlockLeased) {
  FIELD(block, Block);
  FIELD(replica, Replica);
}
FIELDS(ShreddedThrough) {
  FIELD(replica, Replica);
  FIELD(through, Through);
  FIELD(leaves, Leaves);
  FIELD(provable, Provable);
}
FIELDS(KeyringRestored) {
  FIELD(replica, Replica);
  FIELD(found, Found);
  FIELD(stated, Stated);
}

void write(const Event& event, encoded::Kms::Builder to) {
  match(
      event, [&](const ObjectCreated& x) { codec::write(x, to.initObjectCreated()); },
      [&](const NameBound& x) { codec::write(x, to.initNameBound()); },
      [&](const NameFreed& x) { codec::write(x, to.initNameFreed()); },
      [&](const AttributeAdded& x) { codec::write(x, to.initAttributeAdded()); },
      [&](const KeyActivated& x) { codec::write(x, to.initKeyActivated()); },
      [&](const KeyRevoked& x) { codec::write(x, to.initKeyRevoked()); },
      [&](const KeyDestroyed& x) { codec::write(x, to.initKeyDestroyed()); },
      [&](const KeyReleased& x) { codec::write(x, to.initKeyReleased()); },
      [&](const OperationRefused& x) { codec::write(x, to.initOperationRefused()); },
      [&](const ReadRecorded& x) { codec::write(x, to.initReadRecorded()); },
      [&](const ClientEnrolled& x) { codec::write(x, to.initClientEnrolled()); },
      [&](const ClientRemoved& x) { codec::write(x, to.initClientRemoved()); },
      [&](const CertificateSigned& x) { codec::write(x, to.initCertificateSigned()); },
      [&](const ClusterCreated& x) { codec::write(x, to.initClusterCreated()); },
      [&](const ReplicaAdmitted& x) { codec::write(x, to.initReplicaAdmitted()); },
      [&](const ReplicaRetired& x) { codec::write(x, to.initReplicaRetired()); },
      [&](const KeyringGranted& x) { codec::write(x, to.initKeyringGranted()); },
      [&](const LeafBlockLeased& x) { codec::write(x, to.initLeafBlockLeased()); },
      [&](const ShreddedThrough& x) { codec::write(x, to.initShreddedThrough()); },
      [&](const KeyringRestored& x) { codec::write(x, to.initKeyringRestored()); });
}

std::optional<Event> read(encoded::Kms::Reader from, codec::Problem& problem) {
  using Arm = encoded::Kms::Which;
  switch (from.which()) {
    case Arm::OBJECT_CREATED:
      return codec::read<ObjectCreated>(from.getObjectCreated(), problem);
    case Arm::NAME_BOUND:
      return codec::read<NameBound>(from.getNameBound(), problem);
    case Arm::NAME_FREED:
      return codec::read<NameFreed>(from.getNameFreed(), problem);
    case Arm::ATTRIBUTE_ADDED:
      return codec::read<AttributeAdded>(from.getAttributeAdded(), problem);
    case Arm::KEY_ACTIVATED:
      return codec::read<KeyActivated>(from.getKeyActivated(), problem);
    case Arm::KEY_REVOKED:
      return codec::read<KeyRevoked>(from.getKeyRevoked(), problem);
    case Arm::KEY_DESTROYED:
      return codec::read<KeyDestroyed>(from.getKeyDestroyed(), problem);
    case Arm::KEY_RELEASED:
      return codec::read<KeyReleased>(from.getKeyReleased(), problem);
    case Arm::OPERATION_REFUSED:
      return codec::read<OperationRefused>(from.getOperationRefused(), problem);
    case Arm::READ_RECORDED:
      return codec::read<ReadRecorded>(from.getReadRecorded(), problem);
    case Arm::CLIENT_ENROLLED:
      return codec::read<ClientEnrolled>(from.getClientEnrolled(), problem);
    case Arm::CLIENT_REMOVED:
      return codec::read<ClientRemoved>(from.getClientRemoved(), problem);
    case Arm::CERTIFICATE_SIGNED:
      return codec::read<CertificateSigned>(from.getCertificateSigned(), problem);
    case Arm::CLUSTER_CREATED:
      return codec::read<ClusterCreated>(from.getClusterCreated(), problem);
    case Arm::REPLICA_ADMITTED:
      return codec::read<ReplicaAdmitted>(from.getReplicaAdmitted(), problem);
    case Arm::REPLICA_RETIRED:
      return codec::read<ReplicaRetired>(from.getReplicaRetired(), problem);
    case Arm::KEYRING_GRANTED:
      return codec::read<KeyringGranted>(from.getKeyringGranted(), problem);
    case Arm::LEAF_BLOCK_LEASED:
      return codec::read<LeafBlockLeased>(from.getLeafBlockLeased(), problem);
    case Arm::SHREDDED_THROUGH:
      return codec::read<ShreddedThrough>(from.getShreddedThrough(), problem);
    case Arm::KEYRING_RESTORED:
      return codec::read<KeyringRestored>(from.getKeyringRestored(), problem);
  }
  problem.report(ErrorCode::kNotFound, "an event of kms that this program does not know");
  return std::nullopt;
}

}  // namespace keytrail::kms
