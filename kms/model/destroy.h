// Destroy (KMIP 1.4, section 4.21): the material is to be gone. Answered when the fact is durable;
// from there on no replica gives the key any more, and each makes its leaf underivable and says so
// (ShreddedThrough).
//
//   kms  KeyDestroyed, NameFreed*   or OperationRefused
#pragma once

#include "kms/model/access.h"

namespace keytrail::kms {

struct Destroy {
  std::string object;
};
struct Destroyed {
  std::string object;
};

[[nodiscard]] Decided<Destroyed> decide(Draft& draft, const Client& client, const Destroy& command);

}  // namespace keytrail::kms
