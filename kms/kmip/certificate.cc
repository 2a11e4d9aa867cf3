#include "kms/kmip/certificate.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "kms/kmip/x509.h"

namespace keytrail::kmip {
namespace {

template <auto Function>
struct Free {
  template <class T>
  void operator()(T* object) const {
    Function(object);
  }
};
using RequestHandle = std::unique_ptr<X509_REQ, Free<X509_REQ_free>>;
using NamesHandle = std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>>;
using ExtensionHandle = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;

void free_extensions(STACK_OF(X509_EXTENSION) * all) {
  sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
}
using ExtensionsHandle = std::unique_ptr<STACK_OF(X509_EXTENSION), Free<free_extensions>>;

constexpr std::size_t kSerialBytes = 16;
constexpr std::size_t kNameBytesMax = 64;  // RFC 5280's bound of a common name.
constexpr std::size_t kNamesMax = 64;
constexpr int kRsaBitsMin = 2048;

Error invalid(std::string detail) { return {ErrorCode::kInvalid, std::move(detail)}; }
Error failed(const std::string& what) {
  return {ErrorCode::kInvalid, what + " failed: " + openssl_error_text()};
}

Result<void> check_terms(const CertificateTerms& terms) {
  if (terms.common_name.empty() || terms.common_name.size() > kNameBytesMax) {
    return invalid("a certificate's common name has 1 to 64 bytes");
  }
  if (terms.dns_names.size() + terms.ip_addresses.size() > kNamesMax) {
    return invalid("too many names for one certificate");
  }
  if (terms.not_after_seconds <= terms.not_before_seconds) {
    return invalid("the certificate would end before it begins");
  }
  return {};
}

Result<void> add_dns_name(GENERAL_NAMES* names, const std::string& dns_name) {
  const auto is_host_character = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '*' || c == '_';
  };
  if (dns_name.empty() || dns_name.size() > 253 ||
      !std::all_of(dns_name.begin(), dns_name.end(), is_host_character)) {
    return invalid("\"" + dns_name + "\" is no DNS name");
  }
  GENERAL_NAME* name = GENERAL_NAME_new();
  ASN1_IA5STRING* text = ASN1_IA5STRING_new();
  KEYTRAIL_CHECK(name != nullptr && text != nullptr &&
                 ASN1_STRING_set(text, dns_name.data(), static_cast<int>(dns_name.size())) == 1);
  GENERAL_NAME_set0_value(name, GEN_DNS, text);
  KEYTRAIL_CHECK(sk_GENERAL_NAME_push(names, name) > 0);
  return {};
}

Result<void> add_ip_address(GENERAL_NAMES* names, const std::string& address) {
  ASN1_OCTET_STRING* bytes = a2i_IPADDRESS(address.c_str());
  if (bytes == nullptr) {
    ERR_clear_error();
    return invalid("\"" + address + "\" is no IP address");
  }
  GENERAL_NAME* name = GENERAL_NAME_new();
  KEYTRAIL_CHECK(name != nullptr);
  GENERAL_NAME_set0_value(name, GEN_IPADD, bytes);
  KEYTRAIL_CHECK(sk_GENERAL_NAME_push(names, name) > 0);
  return {};
}

// Null if `terms` has neither names nor addresses.
Result<ExtensionHandle> alternative_names(const CertificateTerms& terms) {
  if (terms.dns_names.empty() && terms.ip_addresses.empty()) return ExtensionHandle();
  const NamesHandle names(GENERAL_NAMES_new());
  KEYTRAIL_CHECK(names != nullptr);
  for (const std::string& dns_name : terms.dns_names) TRY(add_dns_name(names.get(), dns_name));
  for (const std::string& address : terms.ip_addresses) TRY(add_ip_address(names.get(), address));
  ExtensionHandle extension(X509V3_EXT_i2d(NID_subject_alt_name, 0, names.get()));
  KEYTRAIL_CHECK(extension != nullptr);
  return extension;
}

void set_common_name(X509_NAME* name, const std::string& common_name) {
  KEYTRAIL_CHECK(
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(common_name.data()),
                                 static_cast<int>(common_name.size()), -1, 0) == 1);
}

void add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionHandle extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  KEYTRAIL_CHECK(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

const char* extended_key_usage(CertificateUse use) {
  switch (use) {
    case CertificateUse::kServer:
      return "serverAuth";
    case CertificateUse::kClient:
      return "clientAuth";
    case CertificateUse::kServerAndClient:
      return "serverAuth,clientAuth";
    case CertificateUse::kAuthority:
      return nullptr;
  }
  return nullptr;
}

// Version, serial number, times and the extensions of the certificate's use.
CertificateHandle begin_certificate(const CertificateTerms& terms, EVP_PKEY* public_key) {
  CertificateHandle certificate(X509_new());
  std::uint8_t serial[kSerialBytes];
  KEYTRAIL_CHECK(certificate != nullptr && RAND_bytes(serial, sizeof serial) == 1);
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7F) | 0x40);  // Positive and 16 bytes long.
  BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
  KEYTRAIL_CHECK(number != nullptr &&
                 BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get())) != nullptr);
  BN_free(number);
  KEYTRAIL_CHECK(X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
                 X509_set_pubkey(certificate.get(), public_key) == 1);
  KEYTRAIL_CHECK(
      ASN1_TIME_set(X509_getm_notBefore(certificate.get()), terms.not_before_seconds) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(certificate.get()), terms.not_after_seconds) != nullptr);
  return certificate;
}

Result<std::string> finish_certificate(X509* certificate, const CertificateTerms& terms,
                                       X509* issuer, EVP_PKEY* signing_key) {
  KEYTRAIL_CHECK(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1);
  const bool authority = terms.use == CertificateUse::kAuthority;
  add_extension(certificate, issuer, NID_basic_constraints,
                authority ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE");
  add_extension(
      certificate, issuer, NID_key_usage,
      authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature,keyEncipherment");
  if (const char* usage = extended_key_usage(terms.use)) {
    add_extension(certificate, issuer, NID_ext_key_usage, usage);
  }
  add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
  if (issuer != certificate) {
    add_extension(certificate, issuer, NID_authority_key_identifier, "keyid");
  }
  if (X509_sign(certificate, signing_key, EVP_sha256()) == 0)
    return failed("signing a certificate");
  return pem_of(certificate);
}

struct Signer {
  CertificateHandle certificate;
  KeyHandle key;
};

Result<Signer> read_authority(const Authority& authority) {
  std::vector<CertificateHandle> certificates = TRY(read_certificates(authority.certificate_pem));
  Signer signer{std::move(certificates.front()), TRY(read_private_key(authority.key_pem))};
  if (X509_check_ca(signer.certificate.get()) == 0) {
    return invalid("the certificate that should sign is not an authority's");
  }
  if (X509_check_private_key(signer.certificate.get(), signer.key.get()) != 1) {
    ERR_clear_error();
    return invalid("the authority's key does not belong to its certificate");
  }
  return signer;
}

Result<void> check_public_key(EVP_PKEY* key) {
  if (key == nullptr) return invalid("the request has no public key that can be read");
  const int type = EVP_PKEY_get_base_id(key);
  if (type == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= kRsaBitsMin) return {};
  if (type == EVP_PKEY_EC && EVP_PKEY_get_bits(key) >= 256) return {};
  if (type == EVP_PKEY_ED25519) return {};
  return invalid("keys for certificates are RSA of 2048 bits or more, or EC of 256 or more");
}

std::int64_t seconds_of(const ASN1_TIME* time) {
  tm broken_down{};
  if (ASN1_TIME_to_tm(time, &broken_down) != 1) return 0;
  return timegm(&broken_down);
}

std::string text_of(const X509_NAME* name) {
  const BioHandle bio(BIO_new(BIO_s_mem()));
  KEYTRAIL_CHECK(bio != nullptr);
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  return std::string(text_in(bio.get()));
}

Result<RequestHandle> read_request(const std::string& pem) {
  if (pem.size() > kPemBytesMax) return invalid("the signing request is too long");
  const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  KEYTRAIL_CHECK(bio != nullptr);
  RequestHandle request(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (request == nullptr) return invalid("the text is no signing request (PKCS #10) in PEM form");
  return request;
}

}  // namespace

Result<SecretBytes> make_private_key() {
  const KeyHandle key(EVP_EC_gen("P-256"));
  if (key == nullptr) return failed("making a P-256 key");
  const BioHandle bio(BIO_new(BIO_s_secmem()));
  if (bio == nullptr || PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0,
                                                      nullptr, nullptr) != 1) {
    return failed("writing a P-256 key");
  }
  return SecretBytes::copy_of(as_bytes(text_in(bio.get())));
}

Result<std::string> make_self_signed(const SecretBytes& key_pem, const CertificateTerms& terms) {
  TRY(check_terms(terms));
  const KeyHandle key = TRY(read_private_key(key_pem));
  const CertificateHandle certificate = begin_certificate(terms, key.get());
  set_common_name(X509_get_subject_name(certificate.get()), terms.common_name);
  if (const ExtensionHandle names = TRY(alternative_names(terms))) {
    KEYTRAIL_CHECK(X509_add_ext(certificate.get(), names.get(), -1) == 1);
  }
  return finish_certificate(certificate.get(), terms, certificate.get(), key.get());
}

Result<std::string> make_signed(const SecretBytes& key_pem, const CertificateTerms& terms,
                                Authority authority) {
  TRY(check_terms(terms));
  const Signer signer = TRY(read_authority(authority));
  const KeyHandle key = TRY(read_private_key(key_pem));
  const CertificateHandle certificate = begin_certificate(terms, key.get());
  set_common_name(X509_get_subject_name(certificate.get()), terms.common_name);
  if (const ExtensionHandle names = TRY(alternative_names(terms))) {
    KEYTRAIL_CHECK(X509_add_ext(certificate.get(), names.get(), -1) == 1);
  }
  return finish_certificate(certificate.get(), terms, signer.certificate.get(), signer.key.get());
}

Result<std::string> make_signing_request(const SecretBytes& key_pem,
                                         const CertificateTerms& terms) {
  if (terms.common_name.empty() || terms.common_name.size() > kNameBytesMax) {
    return invalid("a certificate's common name has 1 to 64 bytes");
  }
  const KeyHandle key = TRY(read_private_key(key_pem));
  const RequestHandle request(X509_REQ_new());
  KEYTRAIL_CHECK(request != nullptr && X509_REQ_set_version(request.get(), 0) == 1 &&
                 X509_REQ_set_pubkey(request.get(), key.get()) == 1);
  set_common_name(X509_REQ_get_subject_name(request.get()), terms.common_name);
  const ExtensionsHandle extensions(sk_X509_EXTENSION_new_null());
  if (ExtensionHandle names = TRY(alternative_names(terms))) {
    KEYTRAIL_CHECK(sk_X509_EXTENSION_push(extensions.get(), names.release()) > 0);
    KEYTRAIL_CHECK(X509_REQ_add_extensions(request.get(), extensions.get()) == 1);
  }
  if (X509_REQ_sign(request.get(), key.get(), EVP_sha256()) == 0) {
    return failed("signing a signing request");
  }
  const BioHandle bio(BIO_new(BIO_s_mem()));
  KEYTRAIL_CHECK(bio != nullptr && PEM_write_bio_X509_REQ(bio.get(), request.get()) == 1);
  return std::string(text_in(bio.get()));
}

Result<std::string> sign_request(const std::string& request_pem, const CertificateTerms& terms,
                                 Authority authority) {
  const RequestHandle request = TRY(read_request(request_pem));
  EVP_PKEY* public_key = X509_REQ_get0_pubkey(request.get());
  TRY(check_public_key(public_key));
  if (X509_REQ_verify(request.get(), public_key) != 1) {
    ERR_clear_error();
    return invalid("the signing request is not signed by the key that it names");
  }
  const Signer signer = TRY(read_authority(authority));
  if (terms.not_after_seconds <= terms.not_before_seconds) {
    return invalid("the certificate would end before it begins");
  }
  const CertificateHandle certificate = begin_certificate(terms, public_key);
  X509_NAME* subject = X509_REQ_get_subject_name(request.get());
  if (X509_NAME_entry_count(subject) > 0) {
    KEYTRAIL_CHECK(X509_set_subject_name(certificate.get(), subject) == 1);
  } else if (!terms.common_name.empty() && terms.common_name.size() <= kNameBytesMax) {
    set_common_name(X509_get_subject_name(certificate.get()), terms.common_name);
  } else {
    return invalid("the signing request names no subject");
  }
  const ExtensionsHandle asked(X509_REQ_get_extensions(request.get()));
  const int names = X509v3_get_ext_by_NID(asked.get(), NID_subject_alt_name, -1);
  if (names >= 0) {
    KEYTRAIL_CHECK(X509_add_ext(certificate.get(), X509v3_get_ext(asked.get(), names), -1) == 1);
  }
  return finish_certificate(certificate.get(), terms, signer.certificate.get(), signer.key.get());
}

Result<CertificateFacts> read_certificate(const std::string& pem) {
  const std::vector<CertificateHandle> certificates = TRY(read_certificates(pem));
  const X509* first = certificates.front().get();
  return CertificateFacts{fingerprint_of(first), text_of(X509_get_subject_name(first)),
                          text_of(X509_get_issuer_name(first)),
                          seconds_of(X509_get0_notBefore(first)),
                          seconds_of(X509_get0_notAfter(first))};
}

Result<Hash> certificate_fingerprint(const std::string& pem) {
  const std::vector<CertificateHandle> certificates = TRY(read_certificates(pem));
  return fingerprint_of(certificates.front().get());
}

Result<bool> belongs_to(const SecretBytes& key_pem, const std::string& certificate_pem) {
  const std::vector<CertificateHandle> certificates = TRY(read_certificates(certificate_pem));
  const KeyHandle key = TRY(read_private_key(key_pem));
  const bool belongs = X509_check_private_key(certificates.front().get(), key.get()) == 1;
  ERR_clear_error();
  return belongs;
}

}  // namespace keytrail::kmip
