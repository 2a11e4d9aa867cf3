// What a KMS replica states. Replicas of a cluster share the cluster's streams, kms/CLUSTER/….
//
// Numbers of KMIP enumerations (algorithm, usage mask, revocation reason, result reason) are KMIP's
// own (KMIP 1.4 section 9.1.3.2). Key material is a sealed attachment of its fact, never a field.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "bus/events/ids.h"

namespace keytrail::kms {

enum class ObjectType : std::uint8_t { kSymmetricKey, kSecretData, kOpaqueObject };
enum class ObjectOrigin : std::uint8_t { kCreated, kRegistered };
enum class ObjectState : std::uint8_t {
  kPreActive,
  kActive,
  kDeactivated,
  kCompromised,
  kDestroyed,
  kDestroyedCompromised,
};

// An attribute that a client gave. Stored in the clear: a client must not put a secret there.
struct Attribute {
  std::string name;
  std::uint32_t index = 0;
  Bytes value;  // the KMIP Attribute Value, as a whole TTLV item
  bool operator==(const Attribute&) const = default;
};

// Stream kms/CLUSTER/object/ID. Attachment 0: the sealed material.
struct ObjectCreated {
  static constexpr Effect kEffect = Effect::kChange;
  std::string object;  // KMIP unique identifier
  ObjectType type = ObjectType::kSymmetricKey;
  ObjectOrigin origin = ObjectOrigin::kCreated;
  std::uint32_t algorithm = 0;  // KMIP Cryptographic Algorithm; 0 = does not apply
  std::uint32_t length_bits = 0;
  std::uint32_t usage_mask = 0;   // KMIP Cryptographic Usage Mask
  std::uint32_t format = 0;       // KMIP Key Format Type, as registered
  std::uint32_t subtype = 0;      // KMIP Secret Data Type or Opaque Data Type; 0 = does not apply
  std::string owner;              // "group/NAME" or "client/NAME"
  std::vector<Attribute> attributes;
  std::uint64_t leaf = 0;  // keyring leaf that seals the material
  Bytes fingerprint;       // 16 bytes, for symmetric keys of at least 128 bits; else empty
  bool operator==(const ObjectCreated&) const = default;
};

// Stream kms/CLUSTER/name/NAME: a KMIP Name is unique within its owner.
struct NameBound {
  static constexpr Effect kEffect = Effect::kChange;
  std::string name;
  std::string owner;
  std::string object;
  bool operator==(const NameBound&) const = default;
};
struct NameFreed {
  static constexpr Effect kEffect = Effect::kChange;
  std::string name;
  std::string owner;
  std::string object;
  bool operator==(const NameFreed&) const = default;
};

struct AttributeAdded {
  static constexpr Effect kEffect = Effect::kChange;
  std::string object;
  Attribute attribute;
  bool operator==(const AttributeAdded&) const = default;
};

struct KeyActivated {
  static constexpr Effect kEffect = Effect::kChange;
  std::string object;
  TimeNs activation_date = 0;
  bool operator==(const KeyActivated&) const = default;
};

struct KeyRevoked {
  static constexpr Effect kEffect = Effect::kChange;
  std::string object;
  std::uint32_t reason = 0;  // KMIP Revocation Reason Code
  std::string message;
  ObjectState state = ObjectState::kDeactivated;  // or kCompromised
  TimeNs compromise_date = 0;                     // 0 = none
  bool operator==(const KeyRevoked&) const = default;
};

struct KeyDestroyed {
  static constexpr Effect kEffect = Effect::kChange;
  std::string object;
  std::uint64_t leaf = 0;  // to be punctured by every replica
  bool operator==(const KeyDestroyed&) const = default;
};

// KMIP Get: recorded, durable, before the bytes leave.
struct KeyReleased {
  static constexpr Effect kEffect = Effect::kNote;
  std::string object;
  std::string client;
  std::string replica;
  bool operator==(const KeyReleased&) const = default;
};

// A KMIP batch item was answered with a failure. `object` may be empty.
struct OperationRefused {
  static constexpr Effect kEffect = Effect::kNote;
  std::uint32_t operation = 0;  // KMIP Operation
  std::string object;
  std::string client;        // empty: not enrolled
  std::uint32_t reason = 0;  // KMIP Result Reason
  std::string detail;
  bool operator==(const OperationRefused&) const = default;
};

// A plain read (GetAttributes, Locate, Query), only with `record_reads`.
struct ReadRecorded {
  static constexpr Effect kEffect = Effect::kNote;
  std::uint32_t operation = 0;
  std::string object;
  std::string client;
  bool operator==(const ReadRecorded&) const = default;
};

// Stream kms/CLUSTER/client/CLIENT. Attachment: the first certificate, clear.
struct ClientEnrolled {
  static constexpr Effect kEffect = Effect::kChange;
  std::string client;
  std::string group;               // empty: objects belong to the client itself
  std::vector<Hash> certificates;  // SHA-256 of each pinned certificate
  bool operator==(const ClientEnrolled&) const = default;
};

struct ClientRemoved {
  static constexpr Effect kEffect = Effect::kChange;
  std::string client;
  bool operator==(const ClientRemoved&) const = default;
};

// The cluster CA signed a client's request. Attachment: the certificate, clear.
struct CertificateSigned {
  static constexpr Effect kEffect = Effect::kNote;
  std::string subject;
  Hash fingerprint{};
  bool operator==(const CertificateSigned&) const = default;
};

// Stream kms/CLUSTER/members.
struct ClusterCreated {
  static constexpr Effect kEffect = Effect::kChange;
  std::string cluster;
  std::string replica;
  Hash certificate{};         // of the replica's server certificate
  Hash keyring_fingerprint{};  // of the keyring's root: which keyring this is, not what it holds
  bool operator==(const ClusterCreated&) const = default;
};
struct ReplicaAdmitted {
  static constexpr Effect kEffect = Effect::kChange;
  std::string replica;
  Hash certificate{};
  bool operator==(const ReplicaAdmitted&) const = default;
};
struct ReplicaRetired {
  static constexpr Effect kEffect = Effect::kChange;
  std::string replica;
  bool operator==(const ReplicaRetired&) const = default;
};

// An admitted replica is about to hand the keyring to another one. Stream kms/CLUSTER/members.
struct KeyringGranted {
  static constexpr Effect kEffect = Effect::kChange;  // Whose shredding is waited for.
  std::string to;
  std::string by;
  Position as_of = 0;  // the granter's keyring is punctured through here
  bool operator==(const KeyringGranted&) const = default;
};

// Stream kms/CLUSTER/leases: leaves [block * 4096, block * 4096 + 4096) are this process's to use,
// once each.
struct LeafBlockLeased {
  static constexpr Effect kEffect = Effect::kChange;
  std::uint64_t block = 0;
  std::string replica;
  bool operator==(const LeafBlockLeased&) const = default;
};

// Stream kms/REPLICA/shred: keys destroyed up to `through` can no longer be derived from this
// replica's files.
struct ShreddedThrough {
  static constexpr Effect kEffect = Effect::kChange;
  std::string replica;
  Position through = 0;
  std::uint64_t leaves = 0;  // punctured in this batch
  bool provable = true;      // false: the medium copies on write
  bool operator==(const ShreddedThrough&) const = default;
};

// The keyring file was an old copy; it was punctured again before serving. Stream
// kms/REPLICA/shred.
struct KeyringRestored {
  static constexpr Effect kEffect = Effect::kChange;
  std::string replica;
  Position found = 0;
  Position stated = 0;
  bool operator==(const KeyringRestored&) const = default;
};

using Event =
    std::variant<ObjectCreated, NameBound, NameFreed, AttributeAdded, KeyActivated, KeyRevoked,
                 KeyDestroyed, KeyReleased, OperationRefused, ReadRecorded, ClientEnrolled,
                 ClientRemoved, CertificateSigned, ClusterCreated, ReplicaAdmitted, ReplicaRetired,
                 KeyringGranted, LeafBlockLeased, ShreddedThrough, KeyringRestored>;

}  // namespace keytrail::kms
