// Attributes in the form of KMIP 1.x: a name, an index among those of the same name, a value; and
// the standard's rules for each (KMIP 1.4, section 3).
//
// An attribute that was read from a request passed `check_attribute`: its name is the standard's,
// known in the request's version, or a custom one, and its value has the type and, for a structure,
// the fields of the rule. So `std::get` on such a value of a standard attribute does not miss.
// Attributes are clear text by the standard; no key material is ever in one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kms/kmip/failure.h"
#include "kms/kmip/ttlv.h"
#include "kms/kmip/version.h"

namespace keytrail::kmip {

struct Attribute {
  std::string name;
  std::int32_t index = 0;
  ttlv::Value value;
  bool operator==(const Attribute&) const = default;
};

namespace attribute {  // Their names, as they stand on the wire.
inline constexpr std::string_view kUniqueIdentifier = "Unique Identifier";
inline constexpr std::string_view kName = "Name";
inline constexpr std::string_view kObjectType = "Object Type";
inline constexpr std::string_view kCryptographicAlgorithm = "Cryptographic Algorithm";
inline constexpr std::string_view kCryptographicLength = "Cryptographic Length";
inline constexpr std::string_view kCryptographicParameters = "Cryptographic Parameters";
inline constexpr std::string_view kCryptographicUsageMask = "Cryptographic Usage Mask";
inline constexpr std::string_view kDigest = "Digest";
inline constexpr std::string_view kOperationPolicyName = "Operation Policy Name";
inline constexpr std::string_view kLeaseTime = "Lease Time";
inline constexpr std::string_view kUsageLimits = "Usage Limits";
inline constexpr std::string_view kState = "State";
inline constexpr std::string_view kInitialDate = "Initial Date";
inline constexpr std::string_view kActivationDate = "Activation Date";
inline constexpr std::string_view kProcessStartDate = "Process Start Date";
inline constexpr std::string_view kProtectStopDate = "Protect Stop Date";
inline constexpr std::string_view kDeactivationDate = "Deactivation Date";
inline constexpr std::string_view kDestroyDate = "Destroy Date";
inline constexpr std::string_view kCompromiseOccurrenceDate = "Compromise Occurrence Date";
inline constexpr std::string_view kCompromiseDate = "Compromise Date";
inline constexpr std::string_view kRevocationReason = "Revocation Reason";
inline constexpr std::string_view kArchiveDate = "Archive Date";
inline constexpr std::string_view kObjectGroup = "Object Group";
inline constexpr std::string_view kFresh = "Fresh";
inline constexpr std::string_view kLink = "Link";
inline constexpr std::string_view kApplicationSpecificInformation =
    "Application Specific Information";
inline constexpr std::string_view kContactInformation = "Contact Information";
inline constexpr std::string_view kLastChangeDate = "Last Change Date";
inline constexpr std::string_view kAlternativeName = "Alternative Name";
inline constexpr std::string_view kKeyValuePresent = "Key Value Present";
inline constexpr std::string_view kKeyValueLocation = "Key Value Location";
inline constexpr std::string_view kOriginalCreationDate = "Original Creation Date";
inline constexpr std::string_view kRandomNumberGenerator = "Random Number Generator";
inline constexpr std::string_view kDescription = "Description";
inline constexpr std::string_view kComment = "Comment";
inline constexpr std::string_view kSensitive = "Sensitive";
inline constexpr std::string_view kAlwaysSensitive = "Always Sensitive";
inline constexpr std::string_view kExtractable = "Extractable";
inline constexpr std::string_view kNeverExtractable = "Never Extractable";
}  // namespace attribute

// Who gives an attribute its value.
enum class SetBy {
  kServer,      // the server alone: a client that tries is refused
  kAtCreation,  // the client too, but only with Create and Register
  kClient,      // the client too, whenever the object's state allows it
};

// One field of an attribute that is a structure.
struct FieldRule {
  Tag tag{};
  ttlv::ItemType type{};
  bool required = false;
};

struct AttributeRule {
  std::string_view name;
  Tag tag{};
  ttlv::ItemType type{};
  ProtocolVersion since;
  SetBy set_by = SetBy::kServer;
  bool multiple = false;              // Several instances, told apart by their index.
  std::span<const FieldRule> fields;  // In order; for structures only.
};

// All standard attributes, in the standard's order.
[[nodiscard]] std::span<const AttributeRule> attribute_rules();
// The standard's rule, null for a custom or unknown name.
[[nodiscard]] const AttributeRule* rule_of(std::string_view name);
// "x-…" (a client's) or "y-…" (a server's).
[[nodiscard]] bool is_custom(std::string_view name);
[[nodiscard]] bool is_server_custom(std::string_view name);
// Whether an answer in `version` may hold an attribute of this name.
[[nodiscard]] bool attribute_exists(std::string_view name, ProtocolVersion version);

// What is wrong with an attribute that came from outside; nothing if it is well formed.
[[nodiscard]] std::optional<Failure> check_attribute(const Attribute& candidate,
                                                     ProtocolVersion version);
// The value as `version` knows it: a structure's later fields are left out.
[[nodiscard]] ttlv::Value value_for(const Attribute& attribute, ProtocolVersion version);

// Attributes that are structures, in the shape of their rules.
struct Name {
  std::string value;
  NameType type = NameType::kUninterpretedTextString;
  bool operator==(const Name&) const = default;
};
struct Digest {
  HashingAlgorithm algorithm = HashingAlgorithm::kSha256;
  Bytes value;
  KeyFormatType format = KeyFormatType::kRaw;
  bool operator==(const Digest&) const = default;
};
struct RevocationReason {
  RevocationReasonCode code = RevocationReasonCode::kUnspecified;
  std::optional<std::string> message;
  bool operator==(const RevocationReason&) const = default;
};
[[nodiscard]] ttlv::Value to_value(const Name& name);
[[nodiscard]] ttlv::Value to_value(const Digest& digest);
[[nodiscard]] ttlv::Value to_value(const RevocationReason& reason);
[[nodiscard]] std::optional<Name> name_from(const ttlv::Value& value);

// An attribute's value as TTLV bytes of its own, for those who keep attributes in facts and find
// them by an index: equal values have equal bytes. `corrupt` if the bytes are not one.
[[nodiscard]] Bytes encode_value(const ttlv::Value& value);
[[nodiscard]] Result<ttlv::Value> decode_value(ByteView bytes);

}  // namespace keytrail::kmip
