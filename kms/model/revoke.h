// Revoke (KMIP 1.4, section 4.20): an Active object becomes Deactivated, or any object Compromised.
//
//   kms  KeyRevoked   or OperationRefused
#pragma once

#include "kms/model/access.h"

namespace keytrail::kms {

struct Revoke {
  std::string object;
  std::uint32_t reason = 0;  // KMIP Revocation Reason Code
  std::string message;
  TimeNs compromise_occurrence_date = 0;  // 0 = not given
};
struct Revoked {
  std::string object;
};

inline constexpr std::size_t kRevocationMessageBytesMax = kTextBytesMax - 1;

[[nodiscard]] Decided<Revoked> decide(Draft& draft, const Client& client, const Revoke& command);

}  // namespace keytrail::kms
