#include "kms/kmip/enums.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <span>

#include "bus/secret/bytes.h"

namespace keytrail::kmip {
namespace {

template <class E>
struct Named {
  E value;
  std::string_view name;
};

constexpr Named<Operation> kOperations[] = {
    {Operation::kCreate, "Create"},
    {Operation::kCreateKeyPair, "CreateKeyPair"},
    {Operation::kRegister, "Register"},
    {Operation::kReKey, "ReKey"},
    {Operation::kDeriveKey, "DeriveKey"},
    {Operation::kCertify, "Certify"},
    {Operation::kReCertify, "ReCertify"},
    {Operation::kLocate, "Locate"},
    {Operation::kCheck, "Check"},
    {Operation::kGet, "Get"},
    {Operation::kGetAttributes, "GetAttributes"},
    {Operation::kGetAttributeList, "GetAttributeList"},
    {Operation::kAddAttribute, "AddAttribute"},
    {Operation::kModifyAttribute, "ModifyAttribute"},
    {Operation::kDeleteAttribute, "DeleteAttribute"},
    {Operation::kObtainLease, "ObtainLease"},
    {Operation::kGetUsageAllocation, "GetUsageAllocation"},
    {Operation::kActivate, "Activate"},
    {Operation::kRevoke, "Revoke"},
    {Operation::kDestroy, "Destroy"},
    {Operation::kArchive, "Archive"},
    {Operation::kRecover, "Recover"},
    {Operation::kValidate, "Validate"},
    {Operation::kQuery, "Query"},
    {Operation::kCancel, "Cancel"},
    {Operation::kPoll, "Poll"},
    {Operation::kNotify, "Notify"},
    {Operation::kPut, "Put"},
    {Operation::kReKeyKeyPair, "ReKeyKeyPair"},
    {Operation::kDiscoverVersions, "DiscoverVersions"},
    {Operation::kEncrypt, "Encrypt"},
    {Operation::kDecrypt, "Decrypt"},
    {Operation::kSign, "Sign"},
    {Operation::kSignatureVerify, "SignatureVerify"},
    {Operation::kMac, "MAC"},
    {Operation::kMacVerify, "MACVerify"},
    {Operation::kRngRetrieve, "RNGRetrieve"},
    {Operation::kRngSeed, "RNGSeed"},
    {Operation::kHash, "Hash"},
    {Operation::kCreateSplitKey, "CreateSplitKey"},
    {Operation::kJoinSplitKey, "JoinSplitKey"},
    {Operation::kImport, "Import"},
    {Operation::kExport, "Export"},
};

constexpr Named<ObjectType> kObjectTypes[] = {
    {ObjectType::kCertificate, "Certificate"}, {ObjectType::kSymmetricKey, "SymmetricKey"},
    {ObjectType::kPublicKey, "PublicKey"},     {ObjectType::kPrivateKey, "PrivateKey"},
    {ObjectType::kSplitKey, "SplitKey"},       {ObjectType::kTemplate, "Template"},
    {ObjectType::kSecretData, "SecretData"},   {ObjectType::kOpaqueObject, "OpaqueObject"},
    {ObjectType::kPgpKey, "PGPKey"},
};

constexpr Named<ResultStatus> kResultStatuses[] = {
    {ResultStatus::kSuccess, "Success"},
    {ResultStatus::kOperationFailed, "OperationFailed"},
    {ResultStatus::kOperationPending, "OperationPending"},
    {ResultStatus::kOperationUndone, "OperationUndone"},
};

constexpr Named<ResultReason> kResultReasons[] = {
    {ResultReason::kItemNotFound, "ItemNotFound"},
    {ResultReason::kResponseTooLarge, "ResponseTooLarge"},
    {ResultReason::kAuthenticationNotSuccessful, "AuthenticationNotSuccessful"},
    {ResultReason::kInvalidMessage, "InvalidMessage"},
    {ResultReason::kOperationNotSupported, "OperationNotSupported"},
    {ResultReason::kMissingData, "MissingData"},
    {ResultReason::kInvalidField, "InvalidField"},
    {ResultReason::kFeatureNotSupported, "FeatureNotSupported"},
    {ResultReason::kOperationCanceledByRequester, "OperationCanceledByRequester"},
    {ResultReason::kCryptographicFailure, "CryptographicFailure"},
    {ResultReason::kIllegalOperation, "IllegalOperation"},
    {ResultReason::kPermissionDenied, "PermissionDenied"},
    {ResultReason::kObjectArchived, "ObjectArchived"},
    {ResultReason::kIndexOutOfBounds, "IndexOutOfBounds"},
    {ResultReason::kApplicationNamespaceNotSupported, "ApplicationNamespaceNotSupported"},
    {ResultReason::kKeyFormatTypeNotSupported, "KeyFormatTypeNotSupported"},
    {ResultReason::kKeyCompressionTypeNotSupported, "KeyCompressionTypeNotSupported"},
    {ResultReason::kEncodingOptionError, "EncodingOptionError"},
    {ResultReason::kKeyValueNotPresent, "KeyValueNotPresent"},
    {ResultReason::kAttestationRequired, "AttestationRequired"},
    {ResultReason::kAttestationFailed, "AttestationFailed"},
    {ResultReason::kSensitive, "Sensitive"},
    {ResultReason::kNotExtractable, "NotExtractable"},
    {ResultReason::kObjectAlreadyExists, "ObjectAlreadyExists"},
    {ResultReason::kGeneralFailure, "GeneralFailure"},
};

constexpr Named<State> kStates[] = {
    {State::kPreActive, "PreActive"},     {State::kActive, "Active"},
    {State::kDeactivated, "Deactivated"}, {State::kCompromised, "Compromised"},
    {State::kDestroyed, "Destroyed"},     {State::kDestroyedCompromised, "DestroyedCompromised"},
};

constexpr Named<CryptographicAlgorithm> kCryptographicAlgorithms[] = {
    {CryptographicAlgorithm::kDes, "DES"},
    {CryptographicAlgorithm::k3Des, "3DES"},
    {CryptographicAlgorithm::kAes, "AES"},
    {CryptographicAlgorithm::kRsa, "RSA"},
    {CryptographicAlgorithm::kDsa, "DSA"},
    {CryptographicAlgorithm::kEcdsa, "ECDSA"},
    {CryptographicAlgorithm::kHmacSha1, "HMAC-SHA1"},
    {CryptographicAlgorithm::kHmacSha224, "HMAC-SHA224"},
    {CryptographicAlgorithm::kHmacSha256, "HMAC-SHA256"},
    {CryptographicAlgorithm::kHmacSha384, "HMAC-SHA384"},
    {CryptographicAlgorithm::kHmacSha512, "HMAC-SHA512"},
    {CryptographicAlgorithm::kHmacMd5, "HMAC-MD5"},
    {CryptographicAlgorithm::kDh, "DH"},
    {CryptographicAlgorithm::kEcdh, "ECDH"},
    {CryptographicAlgorithm::kEcmqv, "ECMQV"},
    {CryptographicAlgorithm::kBlowfish, "Blowfish"},
    {CryptographicAlgorithm::kCamellia, "Camellia"},
    {CryptographicAlgorithm::kCast5, "CAST5"},
    {CryptographicAlgorithm::kIdea, "IDEA"},
    {CryptographicAlgorithm::kMars, "MARS"},
    {CryptographicAlgorithm::kRc2, "RC2"},
    {CryptographicAlgorithm::kRc4, "RC4"},
    {CryptographicAlgorithm::kRc5, "RC5"},
    {CryptographicAlgorithm::kSkipjack, "SKIPJACK"},
    {CryptographicAlgorithm::kTwofish, "Twofish"},
    {CryptographicAlgorithm::kEc, "EC"},
    {CryptographicAlgorithm::kOneTimePad, "OneTimePad"},
    {CryptographicAlgorithm::kChaCha20, "ChaCha20"},
    {CryptographicAlgorithm::kPoly1305, "Poly1305"},
    {CryptographicAlgorithm::kChaCha20Poly1305, "ChaCha20Poly1305"},
};

constexpr Named<UsageMask> kUsageMasks[] = {
    {UsageMask::kSign, "Sign"},
    {UsageMask::kVerify, "Verify"},
    {UsageMask::kEncrypt, "Encrypt"},
    {UsageMask::kDecrypt, "Decrypt"},
    {UsageMask::kWrapKey, "WrapKey"},
    {UsageMask::kUnwrapKey, "UnwrapKey"},
    {UsageMask::kExport, "Export"},
    {UsageMask::kMacGenerate, "MACGenerate"},
    {UsageMask::kMacVerify, "MACVerify"},
    {UsageMask::kDeriveKey, "DeriveKey"},
    {UsageMask::kContentCommitment, "ContentCommitment"},
    {UsageMask::kKeyAgreement, "KeyAgreement"},
    {UsageMask::kCertificateSign, "CertificateSign"},
    {UsageMask::kCrlSign, "CRLSign"},
    {UsageMask::kGenerateCryptogram, "GenerateCryptogram"},
    {UsageMask::kValidateCryptogram, "ValidateCryptogram"},
    {UsageMask::kTranslateEncrypt, "TranslateEncrypt"},
    {UsageMask::kTranslateDecrypt, "TranslateDecrypt"},
    {UsageMask::kTranslateWrap, "TranslateWrap"},
    {UsageMask::kTranslateUnwrap, "TranslateUnwrap"},
};

constexpr Named<KeyFormatType> kKeyFormatTypes[] = {
    {KeyFormatType::kRaw, "Raw"},
    {KeyFormatType::kOpaque, "Opaque"},
    {KeyFormatType::kPkcs1, "PKCS1"},
    {KeyFormatType::kPkcs8, "PKCS8"},
    {KeyFormatType::kX509, "X509"},
    {KeyFormatType::kEcPrivateKey, "ECPrivateKey"},
    {KeyFormatType::kTransparentSymmetricKey, "TransparentSymmetricKey"},
};

constexpr Named<NameType> kNameTypes[] = {
    {NameType::kUninterpretedTextString, "UninterpretedTextString"}, {NameType::kUri, "URI"}};
constexpr Named<SecretDataType> kSecretDataTypes[] = {{SecretDataType::kPassword, "Password"},
                                                      {SecretDataType::kSeed, "Seed"}};

constexpr Named<RevocationReasonCode> kRevocationReasonCodes[] = {
    {RevocationReasonCode::kUnspecified, "Unspecified"},
    {RevocationReasonCode::kKeyCompromise, "KeyCompromise"},
    {RevocationReasonCode::kCaCompromise, "CACompromise"},
    {RevocationReasonCode::kAffiliationChanged, "AffiliationChanged"},
    {RevocationReasonCode::kSuperseded, "Superseded"},
    {RevocationReasonCode::kCessationOfOperation, "CessationOfOperation"},
    {RevocationReasonCode::kPrivilegeWithdrawn, "PrivilegeWithdrawn"},
};

constexpr Named<QueryFunction> kQueryFunctions[] = {
    {QueryFunction::kOperations, "Operations"},
    {QueryFunction::kObjects, "Objects"},
    {QueryFunction::kServerInformation, "ServerInformation"},
    {QueryFunction::kApplicationNamespaces, "ApplicationNamespaces"},
    {QueryFunction::kExtensionList, "ExtensionList"},
    {QueryFunction::kExtensionMap, "ExtensionMap"},
    {QueryFunction::kAttestationTypes, "AttestationTypes"},
    {QueryFunction::kRngs, "RNGs"},
    {QueryFunction::kValidations, "Validations"},
    {QueryFunction::kProfiles, "Profiles"},
    {QueryFunction::kCapabilities, "Capabilities"},
    {QueryFunction::kClientRegistrationMethods, "ClientRegistrationMethods"},
};

// Each enumeration's table.
std::span<const Named<Operation>> table(Operation) { return kOperations; }
std::span<const Named<ObjectType>> table(ObjectType) { return kObjectTypes; }
std::span<const Named<ResultStatus>> table(ResultStatus) { return kResultStatuses; }
std::span<const Named<ResultReason>> table(ResultReason) { return kResultReasons; }
std::span<const Named<State>> table(State) { return kStates; }
std::span<const Named<CryptographicAlgorithm>> table(CryptographicAlgorithm) {
  return kCryptographicAlgorithms;
}
std::span<const Named<UsageMask>> table(UsageMask) { return kUsageMasks; }
std::span<const Named<KeyFormatType>> table(KeyFormatType) { return kKeyFormatTypes; }
std::span<const Named<NameType>> table(NameType) { return kNameTypes; }
std::span<const Named<SecretDataType>> table(SecretDataType) { return kSecretDataTypes; }
std::span<const Named<RevocationReasonCode>> table(RevocationReasonCode) {
  return kRevocationReasonCodes;
}
std::span<const Named<QueryFunction>> table(QueryFunction) { return kQueryFunctions; }

std::string hexadecimal(std::uint32_t number) {
  const std::uint8_t bytes[] = {
      static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16),
      static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
  return "0x" + to_hex(bytes);
}

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

template <class E>
std::string name_in_table(E value) {
  for (const Named<E>& entry : table(value)) {
    if (entry.value == value) return std::string(entry.name);
  }
  return hexadecimal(static_cast<std::uint32_t>(value));
}

}  // namespace

std::string name_of(Operation value) { return name_in_table(value); }
std::string name_of(ObjectType value) { return name_in_table(value); }
std::string name_of(ResultStatus value) { return name_in_table(value); }
std::string name_of(ResultReason value) { return name_in_table(value); }
std::string name_of(State value) { return name_in_table(value); }
std::string name_of(CryptographicAlgorithm value) { return name_in_table(value); }
std::string name_of(KeyFormatType value) { return name_in_table(value); }
std::string name_of(NameType value) { return name_in_table(value); }
std::string name_of(SecretDataType value) { return name_in_table(value); }
std::string name_of(RevocationReasonCode value) { return name_in_table(value); }
std::string name_of(QueryFunction value) { return name_in_table(value); }

template <class E>
std::optional<E> from_name(std::string_view name) {
  for (const Named<E>& entry : table(E{})) {
    if (equal_without_case(entry.name, name)) return entry.value;
  }
  return std::nullopt;
}

template <class E>
bool is_known(E value) {
  const auto names = table(value);
  return std::any_of(names.begin(), names.end(),
                     [value](const Named<E>& entry) { return entry.value == value; });
}

#define KEYTRAIL_KMIP_NAMED(E)                              \
  template std::optional<E> from_name<E>(std::string_view); \
  template bool is_known<E>(E);
KEYTRAIL_KMIP_NAMED(Operation)
KEYTRAIL_KMIP_NAMED(ObjectType)
KEYTRAIL_KMIP_NAMED(ResultStatus)
KEYTRAIL_KMIP_NAMED(ResultReason)
KEYTRAIL_KMIP_NAMED(State)
KEYTRAIL_KMIP_NAMED(CryptographicAlgorithm)
KEYTRAIL_KMIP_NAMED(UsageMask)
KEYTRAIL_KMIP_NAMED(KeyFormatType)
KEYTRAIL_KMIP_NAMED(NameType)
KEYTRAIL_KMIP_NAMED(SecretDataType)
KEYTRAIL_KMIP_NAMED(RevocationReasonCode)
KEYTRAIL_KMIP_NAMED(QueryFunction)
#undef KEYTRAIL_KMIP_NAMED

std::string usage_mask_text(std::int32_t mask) {
  auto rest = static_cast<std::uint32_t>(mask);
  if (rest == 0) return "0";
  std::string text;
  for (const Named<UsageMask>& entry : kUsageMasks) {
    if ((rest & static_cast<std::uint32_t>(entry.value)) == 0) continue;
    rest &= ~static_cast<std::uint32_t>(entry.value);
    text.append(text.empty() ? "" : "|").append(entry.name);
  }
  if (rest != 0) text.append(text.empty() ? "" : "|").append(hexadecimal(rest));
  return text;
}

std::optional<std::int32_t> usage_mask_from(std::string_view text) {
  std::int32_t mask = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("|, "), text.size());
    if (end != 0) {
      const std::optional<UsageMask> usage = from_name<UsageMask>(text.substr(0, end));
      if (!usage) return std::nullopt;
      mask |= bit(*usage);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return mask;
}

}  // namespace keytrail::kmip
