// OpenSSL's certificates and keys as owned handles, read from PEM text. Internal to kms/kmip.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bus/secret/secret_bytes.h"

struct bio_st;
struct x509_st;
struct evp_pkey_st;

namespace keytrail::kmip {

struct FreeBio {
  void operator()(bio_st* bio) const;
};
struct FreeCertificate {
  void operator()(x509_st* certificate) const;
};
struct FreeKey {
  void operator()(evp_pkey_st* key) const;
};
using BioHandle = std::unique_ptr<bio_st, FreeBio>;
using CertificateHandle = std::unique_ptr<x509_st, FreeCertificate>;
using KeyHandle = std::unique_ptr<evp_pkey_st, FreeKey>;

// All certificates in `pem`, in order; `invalid` if there is none or one cannot be read.
[[nodiscard]] Result<std::vector<CertificateHandle>> read_certificates(const std::string& pem);
[[nodiscard]] Result<KeyHandle> read_private_key(const SecretBytes& pem);

// What was written into a memory BIO; good while that is.
[[nodiscard]] std::string_view text_in(bio_st* bio);
[[nodiscard]] Hash fingerprint_of(const x509_st* certificate);
[[nodiscard]] std::string pem_of(const x509_st* certificate);

// What OpenSSL's error queue of this thread says, emptied; for an Error's detail.
[[nodiscard]] std::string openssl_error_text();

}  // namespace keytrail::kmip
