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
    EVENT_ARM(OBJECT_CREATED, ObjectCreated);
    EVENT_ARM(NAME_BOUND, NameBound);
    EVENT_ARM(NAME_FREED, NameFreed);
    EVENT_ARM(ATTRIBUTE_ADDED, AttributeAdded);
    EVENT_ARM(KEY_ACTIVATED, KeyActivated);
    EVENT_ARM(KEY_REVOKED, KeyRevoked);
    EVENT_ARM(KEY_DESTROYED, KeyDestroyed);
    EVENT_ARM(KEY_RELEASED, KeyReleased);
    EVENT_ARM(OPERATION_REFUSED, OperationRefused);
    EVENT_ARM(READ_RECORDED, ReadRecorded);
    EVENT_ARM(CLIENT_ENROLLED, ClientEnrolled);
    EVENT_ARM(CLIENT_REMOVED, ClientRemoved);
    EVENT_ARM(CERTIFICATE_SIGNED, CertificateSigned);
    EVENT_ARM(CLUSTER_CREATED, ClusterCreated);
    EVENT_ARM(REPLICA_ADMITTED, ReplicaAdmitted);
    EVENT_ARM(REPLICA_RETIRED, ReplicaRetired);
    EVENT_ARM(KEYRING_GRANTED, KeyringGranted);
    EVENT_ARM(LEAF_BLOCK_LEASED, LeafBlockLeased);
    EVENT_ARM(SHREDDED_THROUGH, ShreddedThrough);
    EVENT_ARM(KEYRING_RESTORED, KeyringRestored);
  }
  problem.report(ErrorCode::kNotFound, "an event of kms that this program does not know");
  return std::nullopt;
}

}  // namespace keytrail::kms
