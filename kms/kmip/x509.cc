#include "kms/kmip/x509.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "kms/kmip/certificate.h"

namespace keytrail::kmip {
namespace {

constexpr std::size_t kChainMax = 16;

// Without this OpenSSL would ask the terminal for the password of an encrypted key.
int no_password(char*, int, int, void*) { return 0; }

}  // namespace

void FreeBio::operator()(bio_st* bio) const { BIO_free(bio); }
void FreeCertificate::operator()(x509_st* certificate) const { X509_free(certificate); }
void FreeKey::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

Result<std::vector<CertificateHandle>> read_certificates(const std::string& pem) {
  if (pem.size() > kPemBytesMax) {
    return Error{ErrorCode::kInvalid, "the certificate's text is too long"};
  }
  const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  KEYTRAIL_CHECK(bio != nullptr);
  std::vector<CertificateHandle> certificates;
  while (CertificateHandle next{PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)}) {
    if (certificates.size() == kChainMax) {
      return Error{ErrorCode::kInvalid, "the certificate's chain is too long"};
    }
    certificates.push_back(std::move(next));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (certificates.empty() || !at_end) {
    return Error{ErrorCode::kInvalid, "the text is no certificate in PEM form"};
  }
  return certificates;
}

Result<KeyHandle> read_private_key(const SecretBytes& pem) {
  if (pem.size() > kPemBytesMax) {
    return Error{ErrorCode::kInvalid, "the private key's text is too long"};
  }
  const ByteView text = pem.read(SecretAccess());
  const BioHandle bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  KEYTRAIL_CHECK(bio != nullptr);
  KeyHandle key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (key == nullptr) {
    ERR_clear_error();
    return Error{ErrorCode::kInvalid, "the text is no private key in PEM form without a password"};
  }
  return key;
}

Hash fingerprint_of(const x509_st* certificate) {
  Hash hash{};
  unsigned int size = 0;
  KEYTRAIL_CHECK(X509_digest(certificate, EVP_sha256(), hash.data(), &size) == 1 &&
                 size == hash.size());
  return hash;
}

std::string pem_of(const x509_st* certificate) {
  const BioHandle bio(BIO_new(BIO_s_mem()));
  KEYTRAIL_CHECK(bio != nullptr && PEM_write_bio_X509(bio.get(), certificate) == 1);
  return std::string(text_in(bio.get()));
}

std::string_view text_in(bio_st* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string openssl_error_text() {
  std::string text;
  char line[256];
  while (const unsigned long code = ERR_get_error()) {
    ERR_error_string_n(code, line, sizeof line);
    // "error:0A000410:SSL routines::sslv3 alert handshake failure": the last part is for people.
    const std::string_view whole(line);
    text = whole.substr(whole.rfind(':') + 1);
  }
  return text.empty() ? "no reason given" : text;
}

}  // namespace keytrail::kmip
