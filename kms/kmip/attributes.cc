#include "kms/kmip/attributes.h"

#include <algorithm>
#include <utility>

namespace keytrail::kmip {
namespace {

using ttlv::ItemType;

constexpr bool kRequired = true;

constexpr FieldRule kNameFields[] = {
    {Tag::kNameValue, ItemType::kTextString, kRequired},
    {Tag::kNameType, ItemType::kEnumeration, kRequired},
};
constexpr FieldRule kCryptographicParametersFields[] = {
    {Tag::kBlockCipherMode, ItemType::kEnumeration},
    {Tag::kPaddingMethod, ItemType::kEnumeration},
    {Tag::kHashingAlgorithm, ItemType::kEnumeration},
    {Tag::kKeyRoleType, ItemType::kEnumeration},
    {Tag::kDigitalSignatureAlgorithm, ItemType::kEnumeration},
    {Tag::kCryptographicAlgorithm, ItemType::kEnumeration},
    {Tag::kRandomIV, ItemType::kBoolean},
    {Tag::kIVLength, ItemType::kInteger},
    {Tag::kTagLength, ItemType::kInteger},
    {Tag::kFixedFieldLength, ItemType::kInteger},
    {Tag::kInvocationFieldLength, ItemType::kInteger},
    {Tag::kCounterLength, ItemType::kInteger},
    {Tag::kInitialCounterValue, ItemType::kInteger},
    {Tag::kSaltLength, ItemType::kInteger},
    {Tag::kMaskGenerator, ItemType::kEnumeration},
    {Tag::kMaskGeneratorHashingAlgorithm, ItemType::kEnumeration},
    {Tag::kPSource, ItemType::kByteString},
    {Tag::kTrailerField, ItemType::kInteger},
};
constexpr FieldRule kDigestFields[] = {
    {Tag::kHashingAlgorithm, ItemType::kEnumeration, kRequired},
    {Tag::kDigestValue, ItemType::kByteString},
    {Tag::kKeyFormatType, ItemType::kEnumeration},
};
constexpr FieldRule kUsageLimitsFields[] = {
    {Tag::kUsageLimitsTotal, ItemType::kLongInteger, kRequired},
    {Tag::kUsageLimitsCount, ItemType::kLongInteger},
    {Tag::kUsageLimitsUnit, ItemType::kEnumeration, kRequired},
};
constexpr FieldRule kRevocationReasonFields[] = {
    {Tag::kRevocationReasonCode, ItemType::kEnumeration, kRequired},
    {Tag::kRevocationMessage, ItemType::kTextString},
};
constexpr FieldRule kLinkFields[] = {
    {Tag::kLinkType, ItemType::kEnumeration, kRequired},
    {Tag::kLinkedObjectIdentifier, ItemType::kTextString, kRequired},
};
constexpr FieldRule kApplicationInformationFields[] = {
    {Tag::kApplicationNamespace, ItemType::kTextString, kRequired},
    {Tag::kApplicationData, ItemType::kTextString},
};
constexpr FieldRule kAlternativeNameFields[] = {
    {Tag::kAlternativeNameValue, ItemType::kTextString, kRequired},
    {Tag::kAlternativeNameType, ItemType::kEnumeration, kRequired},
};
constexpr FieldRule kKeyValueLocationFields[] = {
    {Tag::kKeyValueLocationValue, ItemType::kTextString, kRequired},
    {Tag::kKeyValueLocationType, ItemType::kEnumeration, kRequired},
};
constexpr FieldRule kRandomNumberGeneratorFields[] = {
    {Tag::kRNGAlgorithm, ItemType::kEnumeration, kRequired},
    {Tag::kCryptographicAlgorithm, ItemType::kEnumeration},
    {Tag::kCryptographicLength, ItemType::kInteger},
    {Tag::kHashingAlgorithm, ItemType::kEnumeration},
    {Tag::kDRBGAlgorithm, ItemType::kEnumeration},
    {Tag::kRecommendedCurve, ItemType::kEnumeration},
    {Tag::kFIPS186Variation, ItemType::kEnumeration},
    {Tag::kPredictionResistance, ItemType::kBoolean},
};

constexpr bool kMultiple = true;
constexpr bool kSingle = false;

// clang-format off
constexpr AttributeRule kRules[] = {
    {attribute::kUniqueIdentifier, Tag::kUniqueIdentifier,
     ItemType::kTextString, kVersion1_0, SetBy::kServer, kSingle, {}},
    {attribute::kName, Tag::kName,
     ItemType::kStructure, kVersion1_0, SetBy::kClient, kMultiple, kNameFields},
    {attribute::kObjectType, Tag::kObjectType,
     ItemType::kEnumeration, kVersion1_0, SetBy::kServer, kSingle, {}},
    {attribute::kCryptographicAlgorithm, Tag::kCryptographicAlgorithm,
     ItemType::kEnumeration, kVersion1_0, SetBy::kAtCreation, kSingle, {}},
    {attribute::kCryptographicLength, Tag::kCryptographicLength,
     ItemType::kInteger, kVersion1_0, SetBy::kAtCreation, kSingle, {}},
    {attribute::kCryptographicParameters, Tag::kCryptographicParameters,
     ItemType::kStructure, kVersion1_0, SetBy::kClient, kMultiple, kCryptographicParametersFields},
    {attribute::kDigest, Tag::kDigest,
     ItemType::kStructure, kVersion1_0, SetBy::kServer, kMultiple, kDigestFields},
    {attribute::kOperationPolicyName, Tag::kOperationPolicyName,
     ItemType::kTextString, kVersion1_0, SetBy::kAtCreation, kSingle, {}},
    {attribute::kCryptographicUsageMask, Tag::kCryptographicUsageMask,
     ItemType::kInteger, kVersion1_0, SetBy::kClient, kSingle, {}},
    {attribute::kLeaseTime, Tag::kLeaseTime,
     ItemType::kInterval, kVersion1_0, SetBy::kServer, kSingle, {}},
    {attribute::kUsageLimits, Tag::kUsageLimits,
     ItemType::kStructure, kVersion1_0, SetBy::kClient, kSingle, kUsageLimitsFields},
    {attribute::kState, Tag::kState,
     ItemType::kEnumeration, kVersion1_0, SetBy::kServer, kSingle, {}},
    {attribute::kInitialDate, Tag::kInitialDate,
     ItemType::kDateTime, kVersion1_0, SetBy::kServer, kSingle, {}},
    {attribute::kActivationDate, Tag::kActivationDate,
     ItemType::kDateTime, kVersion1_0, SetBy::kClient, kSingle, {}},
    {attribute::kProcessStartDate, Tag::kProcessStartDate,
     ItemType::kDateTime, kVersion1_0, SetBy::kClient, kSingle, {}},
    {attribute::kProtectStopDate, Tag::kProtectStopDate,
     ItemType::kDateTime, kVersion1_0, SetBy::kClient, kSingle, {}},
    {attribute::kDeactivationDate, Tag::kDeactivationDate,
     ItemType::kDateTime, kVersion1_0, SetBy::kClient, kSingle, {}},
    {attribute::kDestroyDate, Tag::kDestroyDate,
     ItemType::kDateTime, kVersion1_0, SetBy::kServer, kSingle, {}},
    {attribute::kCompromiseOccurrenceDate, Tag::kCompromiseOccurrenceDate,
     ItemType::kDateTime, kVersion1_0, SetBy::kServer, kSingle, {}},
    {attribute::kCompromiseDate, Tag::kCompromiseDate,
     ItemType::kDateTime, kVersion1_0, SetBy::kServer, kSingle, {}},
    {attribute::kRevocationReason, Tag::kRevocationReason,
     ItemType::kStructure, kVersion1_0, SetBy::kServer, kSingle, kRevocationReasonFields},
    {attribute::kArchiveDate, Tag::kArchiveDate,
     ItemType::kDateTime, kVersion1_0, SetBy::kServer, kSingle, {}},
    {attribute::kObjectGroup, Tag::kObjectGroup,
     ItemType::kTextString, kVersion1_0, SetBy::kClient, kMultiple, {}},
    {attribute::kFresh, Tag::kFresh,
     ItemType::kBoolean, kVersion1_1, SetBy::kAtCreation, kSingle, {}},
    {attribute::kLink, Tag::kLink,
     ItemType::kStructure, kVersion1_0, SetBy::kClient, kMultiple, kLinkFields},
    {attribute::kApplicationSpecificInformation, Tag::kApplicationSpecificInformation,
     ItemType::kStructure, kVersion1_0, SetBy::kClient, kMultiple, kApplicationInformationFields},
    {attribute::kContactInformation, Tag::kContactInformation,
     ItemType::kTextString, kVersion1_0, SetBy::kClient, kSingle, {}},
    {attribute::kLastChangeDate, Tag::kLastChangeDate,
     ItemType::kDateTime, kVersion1_0, SetBy::kServer, kSingle, {}},
    {attribute::kAlternativeName, Tag::kAlternativeName,
     ItemType::kStructure, kVersion1_2, SetBy::kClient, kMultiple, kAlternativeNameFields},
    {attribute::kKeyValuePresent, Tag::kKeyValuePresent,
     ItemType::kBoolean, kVersion1_2, SetBy::kServer, kSingle, {}},
    {attribute::kKeyValueLocation, Tag::kKeyValueLocation,
     ItemType::kStructure, kVersion1_2, SetBy::kClient, kMultiple, kKeyValueLocationFields},
    {attribute::kOriginalCreationDate, Tag::kOriginalCreationDate,
     ItemType::kDateTime, kVersion1_2, SetBy::kAtCreation, kSingle, {}},
    {attribute::kRandomNumberGenerator, Tag::kRandomNumberGenerator,
     ItemType::kStructure, kVersion1_3, SetBy::kAtCreation, kSingle, kRandomNumberGeneratorFields},
    {attribute::kDescription, Tag::kDescription,
     ItemType::kTextString, kVersion1_4, SetBy::kClient, kSingle, {}},
    {attribute::kComment, Tag::kComment,
     ItemType::kTextString, kVersion1_4, SetBy::kClient, kSingle, {}},
    {attribute::kSensitive, Tag::kSensitive,
     ItemType::kBoolean, kVersion1_4, SetBy::kClient, kSingle, {}},
    {attribute::kAlwaysSensitive, Tag::kAlwaysSensitive,
     ItemType::kBoolean, kVersion1_4, SetBy::kServer, kSingle, {}},
    {attribute::kExtractable, Tag::kExtractable,
     ItemType::kBoolean, kVersion1_4, SetBy::kClient, kSingle, {}},
    {attribute::kNeverExtractable, Tag::kNeverExtractable,
     ItemType::kBoolean, kVersion1_4, SetBy::kServer, kSingle, {}},
};
// clang-format on

Failure invalid(std::string message) { return {ResultReason::kInvalidField, std::move(message)}; }

// In the rule's order, none twice, the required ones there.
std::optional<Failure> check_fields(const AttributeRule& rule, const ttlv::Structure& value,
                                    ProtocolVersion version) {
  auto item = value.items.begin();
  for (const FieldRule& field : rule.fields) {
    if (item == value.items.end() || item->tag != field.tag) {
      if (!field.required) continue;
      return invalid("attribute \"" + std::string(rule.name) + "\" lacks its " +
                     tag_name(field.tag));
    }
    if (ttlv::type_of(item->value) != field.type) {
      return invalid(tag_name(field.tag) + " in attribute \"" + std::string(rule.name) +
                     "\" is not of type " + ttlv::type_name(field.type));
    }
    if (!exists(rule.tag, field.tag, version)) break;
    ++item;
  }
  if (item == value.items.end()) return std::nullopt;
  return invalid("attribute \"" + std::string(rule.name) + "\" has no place for " +
                 tag_name(item->tag) + " in KMIP " + version_text(version));
}

template <class T>
const T* field(const ttlv::Value& structure, Tag tag) {
  const ttlv::Value* value = ttlv::find(structure, tag);
  return value == nullptr ? nullptr : std::get_if<T>(value);
}

template <class E>
ttlv::Enumeration number(E value) {
  return {static_cast<std::uint32_t>(value)};
}

// The bytes of one item, out of the locked buffer: attributes are no secrets.
Bytes plain(ttlv::Writer& writer) {
  const SecretBytes encoded = writer.take();
  return to_bytes(encoded.read(SecretAccess()));
}

Error not_an_attribute() {
  return {ErrorCode::kCorrupt, "the bytes of an attribute are not what was once written"};
}

}  // namespace

std::span<const AttributeRule> attribute_rules() { return kRules; }

const AttributeRule* rule_of(std::string_view name) {
  const auto* found = std::find_if(std::begin(kRules), std::end(kRules),
                                   [name](const AttributeRule& rule) { return rule.name == name; });
  return found == std::end(kRules) ? nullptr : found;
}

bool is_server_custom(std::string_view name) { return name.size() > 2 && name.starts_with("y-"); }
bool is_custom(std::string_view name) {
  return (name.size() > 2 && name.starts_with("x-")) || is_server_custom(name);
}

bool attribute_exists(std::string_view name, ProtocolVersion version) {
  const AttributeRule* rule = rule_of(name);
  return rule != nullptr ? rule->since <= version : is_custom(name);
}

std::optional<Failure> check_attribute(const Attribute& candidate, ProtocolVersion version) {
  const std::string quoted = "attribute \"" + candidate.name + "\"";
  if (!attribute_exists(candidate.name, version)) {
    return invalid(quoted + " is not known in KMIP " + version_text(version));
  }
  if (candidate.index < 0) return invalid(quoted + " has a negative index");
  const AttributeRule* rule = rule_of(candidate.name);
  if (rule == nullptr) return std::nullopt;
  if (ttlv::type_of(candidate.value) != rule->type) {
    return invalid(quoted + " is not of type " + ttlv::type_name(rule->type));
  }
  if (const auto* structure = std::get_if<ttlv::Structure>(&candidate.value)) {
    return check_fields(*rule, *structure, version);
  }
  return std::nullopt;
}

ttlv::Value value_for(const Attribute& attribute, ProtocolVersion version) {
  const AttributeRule* rule = rule_of(attribute.name);
  const auto* structure = std::get_if<ttlv::Structure>(&attribute.value);
  if (rule == nullptr || structure == nullptr) return attribute.value;
  ttlv::Structure known;
  for (const ttlv::Item& item : structure->items) {
    if (exists(rule->tag, item.tag, version)) known.items.push_back(item);
  }
  return known;
}

ttlv::Value to_value(const Name& name) {
  return ttlv::Structure{{{Tag::kNameValue, name.value}, {Tag::kNameType, number(name.type)}}};
}

ttlv::Value to_value(const Digest& digest) {
  return ttlv::Structure{{{Tag::kHashingAlgorithm, number(digest.algorithm)},
                          {Tag::kDigestValue, digest.value},
                          {Tag::kKeyFormatType, number(digest.format)}}};
}

ttlv::Value to_value(const RevocationReason& reason) {
  ttlv::Structure structure{{{Tag::kRevocationReasonCode, number(reason.code)}}};
  if (reason.message) structure.items.push_back({Tag::kRevocationMessage, *reason.message});
  return structure;
}

std::optional<Name> name_from(const ttlv::Value& value) {
  const auto* text = field<std::string>(value, Tag::kNameValue);
  const auto* type = field<ttlv::Enumeration>(value, Tag::kNameType);
  if (text == nullptr || type == nullptr) return std::nullopt;
  return Name{*text, static_cast<NameType>(type->number)};
}

Bytes encode_value(const ttlv::Value& value) {
  ttlv::Writer writer;
  ttlv::write(writer, Tag::kAttributeValue, value);
  return plain(writer);
}

Result<ttlv::Value> decode_value(ByteView bytes) {
  const Result<ttlv::ItemView> item = ttlv::parse(bytes);
  if (!item || item->tag() != Tag::kAttributeValue) return not_an_attribute();
  return ttlv::value_of(*item);
}

}  // namespace keytrail::kmip
