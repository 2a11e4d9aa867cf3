#include "kms/model/register.h"

#include "kms/model/create.h"

namespace keytrail::kms {
namespace {

Refusal invalid(std::string message) {
  return {.reason = Reason::kInvalidField, .message = std::move(message), .detail = {}};
}

std::optional<Refusal> check_symmetric_key(const NewObject& key, std::size_t material_bytes) {
  if (key.algorithm == 0 || key.length_bits == 0) {
    return Refusal{.reason = Reason::kMissingData,
                   .message = "A symmetric key needs its Cryptographic Algorithm and Length.",
                   .detail = {}};
  }
  if (key.format != kFormatRaw && key.format != kFormatTransparentSymmetricKey) {
    return Refusal{.reason = Reason::kKeyFormatTypeNotSupported,
                   .message = "Symmetric keys are taken raw or transparent.",
                   .detail = {}};
  }
  const std::optional<std::size_t> known = key_bytes_of(key.algorithm, key.length_bits);
  if (!known && has_fixed_lengths(key.algorithm)) {
    return invalid("The Cryptographic Algorithm has no keys of that Cryptographic Length.");
  }
  const std::size_t told = known.value_or((std::size_t{key.length_bits} + 7) / 8);
  if (told != material_bytes) return invalid("The material is not as long as its length says.");
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> check(const RegisterObject& command) {
  if (command.material_bytes == 0) return invalid("An object without material cannot be kept.");
  if (command.material_bytes > kMaterialBytesMax) {
    return invalid("Material has at most " + std::to_string(kMaterialBytesMax) + " bytes here.");
  }
  switch (command.object.type) {
    case ObjectType::kSymmetricKey:
      return check_symmetric_key(command.object, command.material_bytes);
    case ObjectType::kSecretData:
    case ObjectType::kOpaqueObject:
      return std::nullopt;
  }
  KEYTRAIL_CHECK(false);
}

Decided<Made> decide(Draft& draft, const Client& client, RegisterObject command) {
  if (auto refusal = check(command)) return *refusal;
  command.object.origin = ObjectOrigin::kRegistered;
  return decide_new(draft, client, std::move(command.object));
}

}  // namespace keytrail::kms
