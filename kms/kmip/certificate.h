// X.509 certificates: made, signed, requested, looked at (RFC 5280, RFC 2986; keys: EC P-256).
//
// Everything passes as PEM text, private keys as SecretBytes that hold PKCS#8 PEM. What comes from
// outside is capped at `kPemBytesMax` before OpenSSL sees it. Times are given, not read from a
// clock; serial numbers and keys are drawn from OpenSSL's generator, so these are calls for shells.
// Errors: `invalid` for text that is not what it should be, with the reason. Threads: any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bus/secret/secret_bytes.h"

namespace keytrail::kmip {

inline constexpr std::size_t kPemBytesMax = 64 * 1024;

enum class CertificateUse {
  kAuthority,        // signs others
  kServer,           // extendedKeyUsage serverAuth
  kClient,           // extendedKeyUsage clientAuth
  kServerAndClient,  // both
};

struct CertificateTerms {
  std::string common_name;
  CertificateUse use = CertificateUse::kServer;
  std::vector<std::string> dns_names;     // subjectAltName
  std::vector<std::string> ip_addresses;  // subjectAltName
  std::int64_t not_before_seconds = 0;    // Since 1970.
  std::int64_t not_after_seconds = 0;
};

// An authority's certificate and the key that signs with it; borrowed for a call.
struct Authority {
  const std::string& certificate_pem;
  const SecretBytes& key_pem;
};

[[nodiscard]] Result<SecretBytes> make_private_key();

[[nodiscard]] Result<std::string> make_self_signed(const SecretBytes& key_pem,
                                                   const CertificateTerms& terms);
// A certificate for the public half of `key_pem`, signed by `authority`.
[[nodiscard]] Result<std::string> make_signed(const SecretBytes& key_pem,
                                              const CertificateTerms& terms, Authority authority);

// A request for a certificate with the common name, names and addresses of `terms`.
[[nodiscard]] Result<std::string> make_signing_request(const SecretBytes& key_pem,
                                                       const CertificateTerms& terms);
// Signs a request after checking its own signature. Subject, subjectAltName and public key are the
// request's (RSA of 2048 bits or more and EC keys are taken), everything else is `terms`'.
[[nodiscard]] Result<std::string> sign_request(const std::string& request_pem,
                                               const CertificateTerms& terms, Authority authority);

struct CertificateFacts {
  Hash fingerprint{};   // SHA-256 of the DER form.
  std::string subject;  // RFC 2253, "CN=kms-1".
  std::string issuer;
  std::int64_t not_before_seconds = 0;
  std::int64_t not_after_seconds = 0;
};
// Of the first certificate in `pem`.
[[nodiscard]] Result<CertificateFacts> read_certificate(const std::string& pem);
[[nodiscard]] Result<Hash> certificate_fingerprint(const std::string& pem);

// Whether `key_pem` is the private half of the certificate's public key.
[[nodiscard]] Result<bool> belongs_to(const SecretBytes& key_pem,
                                      const std::string& certificate_pem);

}  // namespace keytrail::kmip
