#include "kms/service/replica_identity.h"

#include "kms/kmip/certificate.h"

namespace keytrail::kms {
namespace {

constexpr std::int64_t kDay = 24 * 3600;
constexpr std::int64_t kYear = 365 * kDay;
constexpr std::int64_t kLifeOfAuthority = 20 * kYear;
constexpr std::int64_t kLifeOfCertificate = 5 * kYear;
constexpr std::int64_t kRenewBefore = 90 * kDay;

constexpr const char* kIdentityKey = "identity-key";
constexpr const char* kIdentityCertificate = "identity-certificate";
constexpr const char* kKmipKey = "kmip-key";
constexpr const char* kKmipCertificate = "kmip-certificate";
constexpr const char* kCaKey = "ca-key";
constexpr const char* kCaCertificate = "ca-certificate";

// From yesterday, since clients' clocks are not the server's.
kmip::CertificateTerms terms(std::string name, kmip::CertificateUse use, std::int64_t now,
                             std::int64_t life) {
  kmip::CertificateTerms terms;
  terms.common_name = std::move(name);
  terms.use = use;
  terms.not_before_seconds = now - kDay;
  terms.not_after_seconds = now + life;
  return terms;
}

}  // namespace

Result<ReplicaIdentity> ReplicaIdentity::open(SecretFile& secrets, Names names,
                                              std::int64_t now_seconds) {
  ReplicaIdentity identity(secrets, std::move(names));
  if (secrets.find(kIdentityKey) == nullptr || secrets.find(kIdentityCertificate) == nullptr) {
    const SecretBytes key = TRY(kmip::make_private_key());
    const std::string certificate = TRY(kmip::make_self_signed(
        key, terms(identity.names_.replica, kmip::CertificateUse::kServerAndClient, now_seconds,
                   kLifeOfAuthority)));
    TRY(secrets.put(kIdentityKey, key));
    TRY(identity.put(kIdentityCertificate, certificate));
  }
  identity.fingerprint_ = TRY(kmip::certificate_fingerprint(identity.text(kIdentityCertificate)));
  return identity;
}

kmip::TlsIdentity ReplicaIdentity::identity() const {
  return {.certificate_pem = text(kIdentityCertificate),
          .key_pem = secrets_->find(kIdentityKey)->clone()};
}

bool ReplicaIdentity::has_authority() const {
  return secrets_->find(kCaKey) != nullptr && secrets_->find(kCaCertificate) != nullptr;
}

Result<void> ReplicaIdentity::make_authority(std::int64_t now_seconds) {
  const SecretBytes key = TRY(kmip::make_private_key());
  const std::string certificate = TRY(kmip::make_self_signed(
      key, terms("Keytrail " + names_.cluster + " authority", kmip::CertificateUse::kAuthority,
                 now_seconds, kLifeOfAuthority)));
  TRY(secrets_->put(kCaKey, key));
  return put(kCaCertificate, certificate);
}

Result<void> ReplicaIdentity::take_authority(const Handover& handover) {
  const bool fits = TRY(kmip::belongs_to(handover.ca_key_pem, handover.ca_certificate_pem));
  if (!fits) return Error{ErrorCode::kCorrupt, "The authority that was handed over is none."};
  TRY(secrets_->put(kCaKey, handover.ca_key_pem));
  return put(kCaCertificate, handover.ca_certificate_pem);
}

SecretBytes ReplicaIdentity::authority_key() const { return secrets_->find(kCaKey)->clone(); }

std::string ReplicaIdentity::authority_certificate() const { return text(kCaCertificate); }

Result<kmip::TlsIdentity> ReplicaIdentity::kmip_identity(std::int64_t now_seconds) {
  const SecretBytes* kept = secrets_->find(kKmipKey);
  if (kept != nullptr && secrets_->find(kKmipCertificate) != nullptr) {
    const auto facts = TRY(kmip::read_certificate(text(kKmipCertificate)));
    if (facts.not_after_seconds > now_seconds + kRenewBefore) {
      return kmip::TlsIdentity{.certificate_pem = text(kKmipCertificate), .key_pem = kept->clone()};
    }
  }
  SecretBytes key = TRY(kmip::make_private_key());
  kmip::CertificateTerms wanted =
      terms(names_.replica, kmip::CertificateUse::kServer, now_seconds, kLifeOfCertificate);
  wanted.dns_names = names_.dns_names;
  wanted.dns_names.emplace_back("localhost");
  wanted.ip_addresses = names_.ip_addresses;
  wanted.ip_addresses.emplace_back("127.0.0.1");
  const std::string ca_pem = authority_certificate();
  std::string certificate = TRY(kmip::make_signed(
      key, wanted, {.certificate_pem = ca_pem, .key_pem = *secrets_->find(kCaKey)}));
  TRY(secrets_->put(kKmipKey, key));
  TRY(put(kKmipCertificate, certificate));
  return kmip::TlsIdentity{.certificate_pem = std::move(certificate), .key_pem = std::move(key)};
}

std::string ReplicaIdentity::kmip_certificate() const { return text(kKmipCertificate); }

Result<std::string> ReplicaIdentity::sign(const std::string& request_pem,
                                          std::int64_t now_seconds) const {
  const std::string ca_pem = authority_certificate();
  return kmip::sign_request(
      request_pem, terms({}, kmip::CertificateUse::kClient, now_seconds, kLifeOfCertificate),
      {.certificate_pem = ca_pem, .key_pem = *secrets_->find(kCaKey)});
}

std::string ReplicaIdentity::text(const std::string& entry) const {
  const SecretBytes* bytes = secrets_->find(entry);
  return bytes == nullptr ? std::string() : std::string(as_text(bytes->read(SecretAccess())));
}

Result<void> ReplicaIdentity::put(const std::string& entry, const std::string& pem) {
  return secrets_->put(entry, SecretBytes::copy_of(as_bytes(pem)));
}

}  // namespace keytrail::kms
