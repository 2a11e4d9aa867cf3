// Activate (KMIP 1.4, section 4.19): Pre-Active becomes Active, from now on.
//
//   kms  KeyActivated   or OperationRefused
#pragma once

#include "kms/model/access.h"

namespace keytrail::kms {

struct Activate {
  std::string object;
};
struct Activated {
  std::string object;
};

[[nodiscard]] Decided<Activated> decide(Draft& draft, const Client& client,
                                        const Activate& command);

}  // namespace keytrail::kms
