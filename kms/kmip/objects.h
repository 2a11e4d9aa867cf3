// Managed objects that carry material: symmetric key, secret data, opaque object (KMIP 1.4,
// section 2.2).
//
// Material lives in SecretBytes from the receive buffer on; nothing here prints or copies it.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "kms/kmip/attributes.h"

namespace keytrail::kmip {

// A key block without wrapping. Formats: raw, opaque, and transparent symmetric key, whose one
// field is the material.
struct KeyBlock {
  KeyFormatType format = KeyFormatType::kRaw;
  SecretBytes material;
  std::vector<Attribute> attributes;  // Those that travelled inside the Key Value.
  std::optional<CryptographicAlgorithm> algorithm;
  std::optional<std::int32_t> length;  // In bits.
};

struct SymmetricKey {
  KeyBlock block;
};
struct SecretData {
  SecretDataType type = SecretDataType::kPassword;
  KeyBlock block;
};
struct OpaqueObject {
  ttlv::Enumeration type{0x80000001};  // The standard lists no Opaque Data Type, vendors do.
  SecretBytes value;
};

using ManagedObject = std::variant<SymmetricKey, SecretData, OpaqueObject>;

[[nodiscard]] ObjectType type_of(const ManagedObject& object);
// The bytes that matter: the key block's material or the opaque value.
[[nodiscard]] const SecretBytes& material_of(const ManagedObject& object);

// Whether objects of this type can be created, registered and got here.
[[nodiscard]] bool is_supported(ObjectType type);

}  // namespace keytrail::kmip
