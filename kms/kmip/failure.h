// Failure: why a KMIP operation did not happen, in the words of the protocol.
#pragma once

#include <string>

#include "kms/kmip/enums.h"

namespace keytrail::kmip {

struct Failure {
  ResultReason reason = ResultReason::kGeneralFailure;
  std::string message;  // For a person; never a secret.
  bool operator==(const Failure&) const = default;
};

}  // namespace keytrail::kmip
