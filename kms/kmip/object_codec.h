// Attributes and objects as fields of a message. Internal to kms/kmip.
#pragma once

#include "kms/kmip/fields.h"
#include "kms/kmip/objects.h"

namespace keytrail::kmip {

[[nodiscard]] std::optional<Failure> check_format(KeyFormatType format);
[[nodiscard]] std::optional<Failure> check_supported(ObjectType type);

template <class Fields>
void describe(Fields& fields, Of<Fields, Attribute>& x) {
  fields.required(Tag::kAttributeName, x.name);
  fields.defaulted(Tag::kAttributeIndex, x.index, 0);
  if constexpr (Fields::kReads) {
    fields.required(Tag::kAttributeValue, x.value);
    if (fields.is_strict()) fields.check(check_attribute(x, fields.version()));
  } else {
    fields.required(Tag::kAttributeValue, value_for(x, fields.version()));
  }
}

// The contents of a Template-Attribute. Templates by name went out with KMIP 1.3 and are not kept
// here.
template <class Fields>
void describe_template(Fields& fields, Of<Fields, std::vector<Attribute>>& attributes) {
  if constexpr (Fields::kReads) {
    fields.refuse(Tag::kName, ResultReason::kItemNotFound, "templates");
  }
  fields.list(Tag::kAttribute, attributes);
}

// Key Value: the material, in a structure of its own for transparent keys, and attributes.
template <class Fields>
void describe_key_value(Fields& fields, Of<Fields, KeyBlock>& x) {
  if (x.format == KeyFormatType::kTransparentSymmetricKey) {
    fields.required_nested(Tag::kKeyMaterial,
                           [&x](Fields& material) { material.required(Tag::kKey, x.material); });
  } else {
    fields.required(Tag::kKeyMaterial, x.material);
  }
  fields.list(Tag::kAttribute, x.attributes);
}

template <class Fields>
void describe(Fields& fields, Of<Fields, KeyBlock>& x) {
  if constexpr (Fields::kReads) {
    fields.refuse(Tag::kKeyWrappingData, ResultReason::kFeatureNotSupported, "wrapped keys");
    fields.refuse(Tag::kKeyCompressionType, ResultReason::kKeyCompressionTypeNotSupported,
                  "compressed keys");
  }
  fields.required(Tag::kKeyFormatType, x.format);
  fields.check(check_format(x.format));
  fields.required_nested(Tag::kKeyValue,
                         [&x](Fields& key_value) { describe_key_value(key_value, x); });
  fields.optional(Tag::kCryptographicAlgorithm, x.algorithm);
  fields.optional(Tag::kCryptographicLength, x.length);
}

template <class Fields>
void describe(Fields& fields, Of<Fields, SymmetricKey>& x) {
  fields.required(Tag::kKeyBlock, x.block);
}

template <class Fields>
void describe(Fields& fields, Of<Fields, SecretData>& x) {
  fields.required(Tag::kSecretDataType, x.type);
  fields.required(Tag::kKeyBlock, x.block);
}

template <class Fields>
void describe(Fields& fields, Of<Fields, OpaqueObject>& x) {
  fields.required(Tag::kOpaqueDataType, x.type);
  fields.required(Tag::kOpaqueDataValue, x.value);
}

// The object under the tag of its type.
template <class Fields>
void describe_object(Fields& fields, ObjectType type, Of<Fields, ManagedObject>& object) {
  switch (type) {
    case ObjectType::kSymmetricKey:
      fields.required(Tag::kSymmetricKey, fields.template alternative<SymmetricKey>(object));
      return;
    case ObjectType::kSecretData:
      fields.required(Tag::kSecretData, fields.template alternative<SecretData>(object));
      return;
    case ObjectType::kOpaqueObject:
      fields.required(Tag::kOpaqueObject, fields.template alternative<OpaqueObject>(object));
      return;
    default:
      fields.check(check_supported(type));
  }
}

}  // namespace keytrail::kmip
