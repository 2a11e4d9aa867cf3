// Register (KMIP 1.4, section 4.3): a client brings the material: a symmetric key, secret data, an
// opaque object.
//
//   kms  ObjectCreated, NameBound*, KeyActivated (if it has an activation date)
//        or OperationRefused
#pragma once

#include "kms/model/new_object.h"

namespace keytrail::kms {

inline constexpr std::size_t kMaterialBytesMax = 200 * 1024;  // Sealed, it is one attachment.

struct RegisterObject {
  NewObject object;
  std::size_t material_bytes = 0;
};

// What can be said without the State, before the material is sealed.
[[nodiscard]] std::optional<Refusal> check(const RegisterObject& command);
[[nodiscard]] Decided<Made> decide(Draft& draft, const Client& client, RegisterObject command);

}  // namespace keytrail::kms
