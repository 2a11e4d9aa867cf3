// What a replica is known by, and what lets it speak for the cluster: keys and certificates in its
// sealed secret file.
//
//   identity   self-signed, made at the first start; facts pin it (ClusterCreated,
//              ReplicaAdmitted); the keyring port speaks with it
//   kmip       signed by the cluster's authority once that is here; KMIP clients see and may pin it
//   ca         the authority: made by the founder, handed to every admitted replica with the
//              keyring
// Secret first: an entry is durable before anything names it. Threads: one.
#pragma once

#include <string>
#include <vector>

#include "bus/secret/secret_file.h"
#include "kms/kmip/tls.h"
#include "kms/service/keyring_port.h"

namespace keytrail::kms {

class ReplicaIdentity {
 public:
  struct Names {
    std::string replica;
    std::string cluster;
    std::vector<std::string> dns_names;     // beside localhost
    std::vector<std::string> ip_addresses;  // beside 127.0.0.1
  };

  // Makes the identity if there is none. REQUIRES: `secrets` outlives it.
  [[nodiscard]] static Result<ReplicaIdentity> open(SecretFile& secrets, Names names,
                                                    std::int64_t now_seconds);

  [[nodiscard]] const Hash& fingerprint() const { return fingerprint_; }
  [[nodiscard]] kmip::TlsIdentity identity() const;

  [[nodiscard]] bool has_authority() const;
  [[nodiscard]] Result<void> make_authority(std::int64_t now_seconds);
  [[nodiscard]] Result<void> take_authority(const Handover& handover);
  // For the handover to another replica. REQUIRES: has_authority().
  [[nodiscard]] SecretBytes authority_key() const;
  [[nodiscard]] std::string authority_certificate() const;  // PEM; empty: none

  // Makes the certificate if there is none that lasts. REQUIRES: has_authority().
  [[nodiscard]] Result<kmip::TlsIdentity> kmip_identity(std::int64_t now_seconds);
  [[nodiscard]] std::string kmip_certificate() const;  // PEM; empty: none

  // A client's certificate for its request. REQUIRES: has_authority().
  [[nodiscard]] Result<std::string> sign(const std::string& request_pem,
                                         std::int64_t now_seconds) const;

 private:
  ReplicaIdentity(SecretFile& secrets, Names names)
      : secrets_(&secrets), names_(std::move(names)) {}
  [[nodiscard]] std::string text(const std::string& entry) const;
  [[nodiscard]] Result<void> put(const std::string& entry, const std::string& pem);

  SecretFile* secrets_;
  Names names_;
  Hash fingerprint_{};
};

}  // namespace keytrail::kms
