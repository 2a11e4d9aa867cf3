// What Create and Register have in common: an object with its names, attributes and sealed material
// comes to be.
#pragma once

#include "kms/model/draft.h"
#include "kms/model/refusal.h"

namespace keytrail::kms {

// Material under its leaf of the keyring. Sealed by the service before the decision, kept if it is
// decided again.
struct SealedMaterial {
  std::uint64_t leaf = 0;
  Bytes bytes;        // becomes the attachment
  Bytes fingerprint;  // of symmetric keys of at least 128 bits
};

struct NewObject {
  std::string object;  // the fresh identifier that it is to have
  ObjectType type = ObjectType::kSymmetricKey;
  ObjectOrigin origin = ObjectOrigin::kCreated;
  std::uint32_t algorithm = 0;
  std::uint32_t length_bits = 0;
  std::uint32_t usage_mask = 0;
  std::uint32_t format = 0;
  std::uint32_t subtype = 0;
  std::vector<Attribute> attributes;  // Names among them, as given
  std::vector<std::string> names;     // their texts
  TimeNs activation_date = 0;         // 0: pre-active until somebody activates it
  SealedMaterial sealed;
};

struct Made {
  std::string object;
};

// ObjectCreated, NameBound for each name, KeyActivated if it has an activation date.
[[nodiscard]] Decided<Made> decide_new(Draft& draft, const Client& client, NewObject command);

// Caps on what a client may attach to one object: each attribute fits a field of a fact, all
// together fit one.
[[nodiscard]] std::optional<Refusal> check_attributes(const std::vector<Attribute>& attributes);

// The date that an attribute gives: one that a rule depends on must be one that can be kept.
[[nodiscard]] Decided<TimeNs> decide_date(const Attribute& attribute);
// An active life ends when it began, or later, to the second, as KMIP tells dates. 0: no such date.
[[nodiscard]] std::optional<Refusal> check_dates(TimeNs activation, TimeNs deactivation);

// A KMIP Name that can be bound. Names stand in streams' hashes and index keys, so they hold no
// NUL.
[[nodiscard]] std::optional<Refusal> check_name(const std::string& name);
[[nodiscard]] Refusal name_is_taken(const std::string& name);

}  // namespace keytrail::kms
