#include "kms/kmip/objects.h"

#include "kms/kmip/object_codec.h"

namespace keytrail::kmip {

ObjectType type_of(const ManagedObject& object) {
  if (std::holds_alternative<SymmetricKey>(object)) return ObjectType::kSymmetricKey;
  if (std::holds_alternative<SecretData>(object)) return ObjectType::kSecretData;
  return ObjectType::kOpaqueObject;
}

const SecretBytes& material_of(const ManagedObject& object) {
  if (const auto* key = std::get_if<SymmetricKey>(&object)) return key->block.material;
  if (const auto* data = std::get_if<SecretData>(&object)) return data->block.material;
  return std::get_if<OpaqueObject>(&object)->value;
}

bool is_supported(ObjectType type) {
  return type == ObjectType::kSymmetricKey || type == ObjectType::kSecretData ||
         type == ObjectType::kOpaqueObject;
}

std::optional<Failure> check_format(KeyFormatType format) {
  switch (format) {
    case KeyFormatType::kRaw:
    case KeyFormatType::kOpaque:
    case KeyFormatType::kTransparentSymmetricKey:
      return std::nullopt;
    default:
      return Failure{ResultReason::kKeyFormatTypeNotSupported,
                     "key format " + name_of(format) + " is not supported"};
  }
}

std::optional<Failure> check_supported(ObjectType type) {
  if (is_supported(type)) return std::nullopt;
  return Failure{ResultReason::kInvalidField,
                 "objects of type " + name_of(type) + " are not supported"};
}

}  // namespace keytrail::kmip
