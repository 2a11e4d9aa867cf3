#include "kms/kmip/version.h"

#include <algorithm>

namespace keytrail::kmip {
namespace {

template <class E>
struct Since {
  E item;
  ProtocolVersion version;
};

constexpr Since<Operation> kOperations[] = {
    {Operation::kDiscoverVersions, kVersion1_1},
    {Operation::kQuery, kVersion1_0},
    {Operation::kCreate, kVersion1_0},
    {Operation::kRegister, kVersion1_0},
    {Operation::kGet, kVersion1_0},
    {Operation::kGetAttributes, kVersion1_0},
    {Operation::kGetAttributeList, kVersion1_0},
    {Operation::kAddAttribute, kVersion1_0},
    {Operation::kLocate, kVersion1_0},
    {Operation::kActivate, kVersion1_0},
    {Operation::kRevoke, kVersion1_0},
    {Operation::kDestroy, kVersion1_0},
};

// A field, where its structure matters (Tag{}: anywhere).
struct Field {
  Tag structure;
  Tag field;
  ProtocolVersion since;
};
constexpr Tag kAnywhere{};
constexpr Field kFields[] = {
    // Headers.
    {kAnywhere, Tag::kAttestationCapableIndicator, kVersion1_2},
    {kAnywhere, Tag::kAttestationType, kVersion1_2},
    {kAnywhere, Tag::kNonce, kVersion1_2},
    {kAnywhere, Tag::kClientCorrelationValue, kVersion1_4},
    {kAnywhere, Tag::kServerCorrelationValue, kVersion1_4},
    // Query.
    {kAnywhere, Tag::kExtensionInformation, kVersion1_1},
    {kAnywhere, Tag::kRNGParameters, kVersion1_3},
    {kAnywhere, Tag::kProfileInformation, kVersion1_3},
    {kAnywhere, Tag::kCapabilityInformation, kVersion1_3},
    {kAnywhere, Tag::kClientRegistrationMethod, kVersion1_3},
    {kAnywhere, Tag::kBatchUndoCapability, kVersion1_4},
    {kAnywhere, Tag::kBatchContinueCapability, kVersion1_4},
    // Get.
    {kAnywhere, Tag::kKeyWrapType, kVersion1_4},
    // Locate.
    {kAnywhere, Tag::kObjectGroupMember, kVersion1_1},
    {kAnywhere, Tag::kOffsetItems, kVersion1_3},
    {kAnywhere, Tag::kLocatedItems, kVersion1_3},
    // Attributes that are structures.
    {Tag::kDigest, Tag::kKeyFormatType, kVersion1_1},
    {Tag::kCryptographicParameters, Tag::kDigitalSignatureAlgorithm, kVersion1_2},
    {Tag::kCryptographicParameters, Tag::kCryptographicAlgorithm, kVersion1_2},
    {Tag::kCryptographicParameters, Tag::kRandomIV, kVersion1_2},
    {Tag::kCryptographicParameters, Tag::kIVLength, kVersion1_2},
    {Tag::kCryptographicParameters, Tag::kTagLength, kVersion1_2},
    {Tag::kCryptographicParameters, Tag::kFixedFieldLength, kVersion1_2},
    {Tag::kCryptographicParameters, Tag::kInvocationFieldLength, kVersion1_2},
    {Tag::kCryptographicParameters, Tag::kCounterLength, kVersion1_2},
    {Tag::kCryptographicParameters, Tag::kInitialCounterValue, kVersion1_2},
    {Tag::kCryptographicParameters, Tag::kSaltLength, kVersion1_4},
    {Tag::kCryptographicParameters, Tag::kMaskGenerator, kVersion1_4},
    {Tag::kCryptographicParameters, Tag::kMaskGeneratorHashingAlgorithm, kVersion1_4},
    {Tag::kCryptographicParameters, Tag::kPSource, kVersion1_4},
    {Tag::kCryptographicParameters, Tag::kTrailerField, kVersion1_4},
};

constexpr Since<QueryFunction> kQueryFunctions[] = {
    {QueryFunction::kOperations, kVersion1_0},
    {QueryFunction::kObjects, kVersion1_0},
    {QueryFunction::kServerInformation, kVersion1_0},
    {QueryFunction::kApplicationNamespaces, kVersion1_0},
    {QueryFunction::kExtensionList, kVersion1_1},
    {QueryFunction::kExtensionMap, kVersion1_1},
    {QueryFunction::kAttestationTypes, kVersion1_2},
    {QueryFunction::kRngs, kVersion1_3},
    {QueryFunction::kValidations, kVersion1_3},
    {QueryFunction::kProfiles, kVersion1_3},
    {QueryFunction::kCapabilities, kVersion1_3},
    {QueryFunction::kClientRegistrationMethods, kVersion1_3},
};

// Reasons of later days, and what is said instead before.
struct LaterReason {
  ResultReason reason;
  ProtocolVersion since;
  ResultReason before;
};
constexpr LaterReason kReasons[] = {
    {ResultReason::kEncodingOptionError, kVersion1_1, ResultReason::kFeatureNotSupported},
    {ResultReason::kKeyValueNotPresent, kVersion1_2, ResultReason::kItemNotFound},
    {ResultReason::kAttestationRequired, kVersion1_2, ResultReason::kPermissionDenied},
    {ResultReason::kAttestationFailed, kVersion1_2, ResultReason::kPermissionDenied},
    {ResultReason::kSensitive, kVersion1_4, ResultReason::kPermissionDenied},
    {ResultReason::kNotExtractable, kVersion1_4, ResultReason::kPermissionDenied},
    {ResultReason::kObjectAlreadyExists, kVersion1_4, ResultReason::kInvalidField},
};

template <class E, std::size_t N>
bool listed(const Since<E> (&table)[N], E item, ProtocolVersion version) {
  return std::any_of(std::begin(table), std::end(table), [&](const Since<E>& entry) {
    return entry.item == item && entry.version <= version;
  });
}

}  // namespace

bool is_spoken(ProtocolVersion version) {
  return std::find(kSpokenVersions.begin(), kSpokenVersions.end(), version) !=
         kSpokenVersions.end();
}

std::string version_text(ProtocolVersion version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor);
}

bool exists(Operation operation, ProtocolVersion version) {
  return listed(kOperations, operation, version);
}

bool exists(QueryFunction function, ProtocolVersion version) {
  return listed(kQueryFunctions, function, version);
}

bool exists(Tag structure, Tag field, ProtocolVersion version) {
  return std::none_of(std::begin(kFields), std::end(kFields), [&](const Field& entry) {
    return entry.field == field && version < entry.since &&
           (entry.structure == kAnywhere || entry.structure == structure);
  });
}

ResultReason reason_for(ResultReason reason, ProtocolVersion version) {
  for (const LaterReason& entry : kReasons) {
    if (entry.reason == reason && version < entry.since) return entry.before;
  }
  return reason;
}

}  // namespace keytrail::kmip
