// Enrolling and removing clients: who may ask a key server of this cluster anything.
//
//   kms  ClientEnrolled   again with another certificate: both are pinned, for its renewal
//   kms  ClientRemoved    its objects stay its owner's; enrolled again, it has them back
#pragma once

#include "kms/model/draft.h"
#include "kms/model/refusal.h"

namespace keytrail::kms {

inline constexpr std::size_t kCertificatesPerClientMax = 16;

// "vc-1": 1 to 48 of [A-Za-z0-9._-]. Also for groups.
[[nodiscard]] bool is_client_name(std::string_view text);

struct EnrolClient {
  std::string client;
  std::string group;   // empty: none, or the one it has
  Hash fingerprint{};  // SHA-256 of the certificate's DER
  Bytes certificate;   // PEM, becomes a clear attachment
};
struct RemoveClient {
  std::string client;
};
struct ClientChanged {
  std::string client;
  std::string group;
};

// Nothing recorded: it is so already.
[[nodiscard]] Decided<ClientChanged> decide(Draft& draft, const EnrolClient& command);
[[nodiscard]] Decided<ClientChanged> decide(Draft& draft, const RemoveClient& command);

}  // namespace keytrail::kms
