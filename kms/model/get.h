// Get (KMIP 1.4, section 4.11): material leaves the key server. Recorded first, and guarded by the
// object and the client, so that no release can stand after the key's destruction or the client's
// removal.
//
//   kms  KeyReleased   or OperationRefused
#pragma once

#include "kms/model/access.h"

namespace keytrail::kms {

struct Get {
  std::string object;
  std::uint32_t format = 0;       // KMIP Key Format Type; 0: as it is kept
  std::uint32_t compression = 0;  // KMIP Key Compression Type; 0: none asked for
};
struct Released {
  const Object* object = nullptr;  // the draft's
  std::uint32_t format = 0;        // to be given in
};

[[nodiscard]] Decided<Released> decide(Draft& draft, const Client& client, const Get& command);

}  // namespace keytrail::kms
