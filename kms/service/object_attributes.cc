#include "kms/service/object_attributes.h"

#include <algorithm>

namespace keytrail::kms {
namespace {

namespace name = kmip::attribute;

constexpr TimeNs kNsPerSecond = 1'000'000'000;

kmip::ttlv::Value date(TimeNs time) {
  return kmip::ttlv::DateTime{static_cast<std::int64_t>(time / kNsPerSecond)};
}
kmip::ttlv::Value number(std::uint32_t value) { return kmip::ttlv::Enumeration{value}; }
kmip::ttlv::Value integer(std::uint32_t value) { return static_cast<std::int32_t>(value); }

kmip::ttlv::Value digest_of(const Object& object, const SecretBytes& digest) {
  const std::uint32_t format = object.format == 0 ? kFormatRaw : object.format;
  return kmip::to_value(kmip::Digest{
      .algorithm = kmip::HashingAlgorithm::kSha256,
      .value = to_bytes(digest.read(SecretAccess())),  // Told to the owner, by the standard.
      .format = static_cast<kmip::KeyFormatType>(format)});
}

kmip::ttlv::Value revocation_of(const Object& object) {
  kmip::RevocationReason reason{
      .code = static_cast<kmip::RevocationReasonCode>(object.revocation_reason), .message = {}};
  if (!object.revocation_message.empty()) reason.message = object.revocation_message;
  return kmip::to_value(reason);
}

using Value = std::optional<kmip::ttlv::Value>;

Value date_if(TimeNs time) { return time == 0 ? Value() : date(time); }

// Attributes that have one value and are not kept as they came.
struct Derived {
  std::string_view name;
  Value (*value)(const AttributeSource&);
};
const Derived kDerived[] = {
    {name::kUniqueIdentifier, [](const auto& x) -> Value { return x.object.id; }},
    {name::kObjectType,
     [](const auto& x) -> Value {
       return number(static_cast<std::uint32_t>(to_kmip(x.object.type)));
     }},
    {name::kCryptographicAlgorithm,
     [](const auto& x) { return x.object.algorithm == 0 ? Value() : number(x.object.algorithm); }},
    {name::kCryptographicLength,
     [](const auto& x) {
       return x.object.length_bits == 0 ? Value() : integer(x.object.length_bits);
     }},
    {name::kCryptographicUsageMask,
     [](const auto& x) -> Value {
       if (x.object.type == ObjectType::kOpaqueObject) return {};
       return integer(x.object.usage_mask);
     }},
    {name::kDigest,
     [](const auto& x) { return x.digest == nullptr ? Value() : digest_of(x.object, *x.digest); }},
    {name::kState,
     [](const auto& x) -> Value {
       if (!has_state(x.object)) return {};
       return number(static_cast<std::uint32_t>(to_kmip(state_of(x.object, x.now))));
     }},
    {name::kInitialDate, [](const auto& x) { return date_if(x.object.initial_date); }},
    {name::kActivationDate, [](const auto& x) { return date_if(x.object.activation_date); }},
    {name::kDeactivationDate, [](const auto& x) { return date_if(x.object.deactivation_date); }},
    {name::kDestroyDate, [](const auto& x) { return date_if(x.object.destroy_date); }},
    {name::kCompromiseOccurrenceDate,
     [](const auto& x) { return date_if(x.object.compromise_occurrence_date); }},
    {name::kCompromiseDate, [](const auto& x) { return date_if(x.object.compromise_date); }},
    {name::kRevocationReason,
     [](const auto& x) {
       return x.object.revocation_reason == 0 ? Value() : revocation_of(x.object);
     }},
    {name::kLastChangeDate, [](const auto& x) { return date_if(x.object.last_change_date); }},
};

const Derived* derived(std::string_view wanted) {
  const auto* found = std::find_if(std::begin(kDerived), std::end(kDerived),
                                   [&](const Derived& row) { return row.name == wanted; });
  return found == std::end(kDerived) ? nullptr : found;
}

}  // namespace

std::vector<kmip::Attribute> attribute_of(const AttributeSource& source, std::string_view wanted) {
  std::vector<kmip::Attribute> found;
  if (const Derived* row = derived(wanted)) {
    if (Value value = row->value(source)) {
      found.push_back({.name = std::string(wanted), .index = 0, .value = std::move(*value)});
    }
    return found;
  }
  for (const Attribute& kept : source.object.attributes) {
    if (kept.name != wanted) continue;
    Result<kmip::ttlv::Value> value = kmip::decode_value(kept.value);
    if (!value) continue;  // It was well formed when it was recorded.
    found.push_back({.name = kept.name,
                     .index = static_cast<std::int32_t>(kept.index),
                     .value = std::move(*value)});
  }
  return found;
}

std::vector<std::string> attribute_names(const AttributeSource& source,
                                         kmip::ProtocolVersion version) {
  std::vector<std::string> names;
  for (const kmip::AttributeRule& rule : kmip::attribute_rules()) {
    if (!kmip::attribute_exists(rule.name, version)) continue;
    if (!attribute_of(source, rule.name).empty()) names.emplace_back(rule.name);
  }
  for (const Attribute& kept : source.object.attributes) {
    const bool told = std::find(names.begin(), names.end(), kept.name) != names.end();
    if (!told && kmip::is_custom(kept.name)) names.push_back(kept.name);
  }
  return names;
}

kmip::ObjectType to_kmip(ObjectType type) {
  switch (type) {
    case ObjectType::kSymmetricKey:
      return kmip::ObjectType::kSymmetricKey;
    case ObjectType::kSecretData:
      return kmip::ObjectType::kSecretData;
    case ObjectType::kOpaqueObject:
      return kmip::ObjectType::kOpaqueObject;
  }
  KEYTRAIL_CHECK(false);
}

kmip::State to_kmip(ObjectState state) {
  switch (state) {
    case ObjectState::kPreActive:
      return kmip::State::kPreActive;
    case ObjectState::kActive:
      return kmip::State::kActive;
    case ObjectState::kDeactivated:
      return kmip::State::kDeactivated;
    case ObjectState::kCompromised:
      return kmip::State::kCompromised;
    case ObjectState::kDestroyed:
      return kmip::State::kDestroyed;
    case ObjectState::kDestroyedCompromised:
      return kmip::State::kDestroyedCompromised;
  }
  KEYTRAIL_CHECK(false);
}

std::optional<ObjectType> type_from(kmip::ObjectType type) {
  switch (type) {
    case kmip::ObjectType::kSymmetricKey:
      return ObjectType::kSymmetricKey;
    case kmip::ObjectType::kSecretData:
      return ObjectType::kSecretData;
    case kmip::ObjectType::kOpaqueObject:
      return ObjectType::kOpaqueObject;
    case kmip::ObjectType::kCertificate:
    case kmip::ObjectType::kPublicKey:
    case kmip::ObjectType::kPrivateKey:
    case kmip::ObjectType::kSplitKey:
    case kmip::ObjectType::kTemplate:
    case kmip::ObjectType::kPgpKey:
      break;
  }
  return std::nullopt;
}

std::optional<ObjectState> state_from(std::uint32_t number) {
  for (const ObjectState state :
       {ObjectState::kPreActive, ObjectState::kActive, ObjectState::kDeactivated,
        ObjectState::kCompromised, ObjectState::kDestroyed, ObjectState::kDestroyedCompromised}) {
    if (static_cast<std::uint32_t>(to_kmip(state)) == number) return state;
  }
  return std::nullopt;
}

kmip::ManagedObject managed_object(const Object& object, std::uint32_t format,
                                   const SecretBytes& material) {
  kmip::KeyBlock block;
  block.format = static_cast<kmip::KeyFormatType>(format);
  if (object.algorithm != 0) {
    block.algorithm = static_cast<kmip::CryptographicAlgorithm>(object.algorithm);
  }
  if (object.length_bits != 0) block.length = static_cast<std::int32_t>(object.length_bits);
  switch (object.type) {
    case ObjectType::kSymmetricKey:
      block.material = material.clone();
      return kmip::SymmetricKey{std::move(block)};
    case ObjectType::kSecretData:
      block.material = material.clone();
      return kmip::SecretData{.type = static_cast<kmip::SecretDataType>(object.subtype),
                              .block = std::move(block)};
    case ObjectType::kOpaqueObject: {
      kmip::OpaqueObject opaque;
      opaque.type = decltype(opaque.type){object.subtype};
      opaque.value = material.clone();
      return opaque;
    }
  }
  KEYTRAIL_CHECK(false);
}

}  // namespace keytrail::kms
