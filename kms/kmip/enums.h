// KMIP's enumerations (KMIP 1.4, section 9.1.3.2) as far as versions 1.0 to 1.4 and our operations
// use them.
//
// A value from outside may have any number: the underlying type holds it, and `name_of` then gives
// the number. Where only listed values make sense, `is_known` tells.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keytrail::kmip {

enum class Operation : std::uint32_t {
  kCreate = 0x01,
  kCreateKeyPair = 0x02,
  kRegister = 0x03,
  kReKey = 0x04,
  kDeriveKey = 0x05,
  kCertify = 0x06,
  kReCertify = 0x07,
  kLocate = 0x08,
  kCheck = 0x09,
  kGet = 0x0A,
  kGetAttributes = 0x0B,
  kGetAttributeList = 0x0C,
  kAddAttribute = 0x0D,
  kModifyAttribute = 0x0E,
  kDeleteAttribute = 0x0F,
  kObtainLease = 0x10,
  kGetUsageAllocation = 0x11,
  kActivate = 0x12,
  kRevoke = 0x13,
  kDestroy = 0x14,
  kArchive = 0x15,
  kRecover = 0x16,
  kValidate = 0x17,
  kQuery = 0x18,
  kCancel = 0x19,
  kPoll = 0x1A,
  kNotify = 0x1B,
  kPut = 0x1C,
  kReKeyKeyPair = 0x1D,
  kDiscoverVersions = 0x1E,
  kEncrypt = 0x1F,
  kDecrypt = 0x20,
  kSign = 0x21,
  kSignatureVerify = 0x22,
  kMac = 0x23,
  kMacVerify = 0x24,
  kRngRetrieve = 0x25,
  kRngSeed = 0x26,
  kHash = 0x27,
  kCreateSplitKey = 0x28,
  kJoinSplitKey = 0x29,
  kImport = 0x2A,
  kExport = 0x2B,
};

enum class ObjectType : std::uint32_t {
  kCertificate = 0x01,
  kSymmetricKey = 0x02,
  kPublicKey = 0x03,
  kPrivateKey = 0x04,
  kSplitKey = 0x05,
  kTemplate = 0x06,
  kSecretData = 0x07,
  kOpaqueObject = 0x08,
  kPgpKey = 0x09,
};

enum class ResultStatus : std::uint32_t {
  kSuccess = 0,
  kOperationFailed = 1,
  kOperationPending = 2,
  kOperationUndone = 3,
};

enum class ResultReason : std::uint32_t {
  kItemNotFound = 0x01,
  kResponseTooLarge = 0x02,
  kAuthenticationNotSuccessful = 0x03,
  kInvalidMessage = 0x04,
  kOperationNotSupported = 0x05,
  kMissingData = 0x06,
  kInvalidField = 0x07,
  kFeatureNotSupported = 0x08,
  kOperationCanceledByRequester = 0x09,
  kCryptographicFailure = 0x0A,
  kIllegalOperation = 0x0B,
  kPermissionDenied = 0x0C,
  kObjectArchived = 0x0D,
  kIndexOutOfBounds = 0x0E,
  kApplicationNamespaceNotSupported = 0x0F,
  kKeyFormatTypeNotSupported = 0x10,
  kKeyCompressionTypeNotSupported = 0x11,
  kEncodingOptionError = 0x12,
  kKeyValueNotPresent = 0x13,
  kAttestationRequired = 0x14,
  kAttestationFailed = 0x15,
  kSensitive = 0x16,
  kNotExtractable = 0x17,
  kObjectAlreadyExists = 0x18,
  kGeneralFailure = 0x100,
};

enum class State : std::uint32_t {
  kPreActive = 1,
  kActive = 2,
  kDeactivated = 3,
  kCompromised = 4,
  kDestroyed = 5,
  kDestroyedCompromised = 6,
};

enum class CryptographicAlgorithm : std::uint32_t {
  kDes = 0x01,
  k3Des = 0x02,
  kAes = 0x03,
  kRsa = 0x04,
  kDsa = 0x05,
  kEcdsa = 0x06,
  kHmacSha1 = 0x07,
  kHmacSha224 = 0x08,
  kHmacSha256 = 0x09,
  kHmacSha384 = 0x0A,
  kHmacSha512 = 0x0B,
  kHmacMd5 = 0x0C,
  kDh = 0x0D,
  kEcdh = 0x0E,
  kEcmqv = 0x0F,
  kBlowfish = 0x10,
  kCamellia = 0x11,
  kCast5 = 0x12,
  kIdea = 0x13,
  kMars = 0x14,
  kRc2 = 0x15,
  kRc4 = 0x16,
  kRc5 = 0x17,
  kSkipjack = 0x18,
  kTwofish = 0x19,
  kEc = 0x1A,
  kOneTimePad = 0x1B,
  kChaCha20 = 0x1C,
  kPoly1305 = 0x1D,
  kChaCha20Poly1305 = 0x1E,
};

// Bits of Cryptographic Usage Mask.
enum class UsageMask : std::uint32_t {
  kSign = 0x01,
  kVerify = 0x02,
  kEncrypt = 0x04,
  kDecrypt = 0x08,
  kWrapKey = 0x10,
  kUnwrapKey = 0x20,
  kExport = 0x40,
  kMacGenerate = 0x80,
  kMacVerify = 0x100,
  kDeriveKey = 0x200,
  kContentCommitment = 0x400,
  kKeyAgreement = 0x800,
  kCertificateSign = 0x1000,
  kCrlSign = 0x2000,
  kGenerateCryptogram = 0x4000,
  kValidateCryptogram = 0x8000,
  kTranslateEncrypt = 0x10000,
  kTranslateDecrypt = 0x20000,
  kTranslateWrap = 0x40000,
  kTranslateUnwrap = 0x80000,
};

// Bits of Storage Status Mask in Locate.
enum class StorageStatus : std::uint32_t { kOnline = 1, kArchival = 2, kDestroyed = 4 };

enum class KeyFormatType : std::uint32_t {
  kRaw = 0x01,
  kOpaque = 0x02,
  kPkcs1 = 0x03,
  kPkcs8 = 0x04,
  kX509 = 0x05,
  kEcPrivateKey = 0x06,
  kTransparentSymmetricKey = 0x07,
};

enum class KeyCompressionType : std::uint32_t { kUncompressed = 1 };
enum class KeyWrapType : std::uint32_t { kNotWrapped = 1, kAsRegistered = 2 };
enum class NameType : std::uint32_t { kUninterpretedTextString = 1, kUri = 2 };
enum class SecretDataType : std::uint32_t { kPassword = 1, kSeed = 2 };
enum class ObjectGroupMember : std::uint32_t { kFresh = 1, kDefault = 2 };
enum class BatchErrorContinuation : std::uint32_t { kContinue = 1, kStop = 2, kUndo = 3 };
enum class HashingAlgorithm : std::uint32_t { kSha1 = 4, kSha256 = 6, kSha384 = 7, kSha512 = 8 };
enum class RngAlgorithm : std::uint32_t { kUnspecified = 1, kDrbg = 3, kNrbg = 4 };

enum class RevocationReasonCode : std::uint32_t {
  kUnspecified = 1,
  kKeyCompromise = 2,
  kCaCompromise = 3,
  kAffiliationChanged = 4,
  kSuperseded = 5,
  kCessationOfOperation = 6,
  kPrivilegeWithdrawn = 7,
};

enum class QueryFunction : std::uint32_t {
  kOperations = 1,
  kObjects = 2,
  kServerInformation = 3,
  kApplicationNamespaces = 4,
  kExtensionList = 5,
  kExtensionMap = 6,
  kAttestationTypes = 7,
  kRngs = 8,
  kValidations = 9,
  kProfiles = 10,
  kCapabilities = 11,
  kClientRegistrationMethods = 12,
};

enum class CredentialType : std::uint32_t {
  kUsernameAndPassword = 1,
  kDevice = 2,
  kAttestation = 3
};

// The standard's name without its spaces ("SymmetricKey"), or the number in hexadecimal
// ("0x80000001").
[[nodiscard]] std::string name_of(Operation value);
[[nodiscard]] std::string name_of(ObjectType value);
[[nodiscard]] std::string name_of(ResultStatus value);
[[nodiscard]] std::string name_of(ResultReason value);
[[nodiscard]] std::string name_of(State value);
[[nodiscard]] std::string name_of(CryptographicAlgorithm value);
[[nodiscard]] std::string name_of(KeyFormatType value);
[[nodiscard]] std::string name_of(NameType value);
[[nodiscard]] std::string name_of(SecretDataType value);
[[nodiscard]] std::string name_of(RevocationReasonCode value);
[[nodiscard]] std::string name_of(QueryFunction value);

// The value of a name, letter case aside; nothing if there is none.
template <class E>
[[nodiscard]] std::optional<E> from_name(
    std::string_view name);  // The types of `name_of`, and UsageMask.

// Whether the standard lists the number (for the types of `name_of`).
template <class E>
[[nodiscard]] bool is_known(E value);

// "Encrypt|Decrypt", unlisted bits as one hexadecimal number; "0" for none.
[[nodiscard]] std::string usage_mask_text(std::int32_t mask);
// The inverse: names parted by '|', ',' or blanks.
[[nodiscard]] std::optional<std::int32_t> usage_mask_from(std::string_view text);

[[nodiscard]] constexpr std::int32_t bit(UsageMask usage) {
  return static_cast<std::int32_t>(usage);
}
[[nodiscard]] constexpr std::int32_t bit(StorageStatus status) {
  return static_cast<std::int32_t>(status);
}

}  // namespace keytrail::kmip
