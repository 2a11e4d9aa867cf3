#include "kms/kmip/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

#include "kms/kmip/x509.h"

namespace keytrail::kmip {
namespace {

// Forward secrecy and AEAD first; then what older KMIP clients offer: PyKMIP 0.10 has CBC and plain
// RSA alone, vCenter CBC and GCM. With an EC certificate the ECDHE-ECDSA ones of each kind are what
// is left.
constexpr char kTls12Suites[] =
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA256:"
    "ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA256:"
    "AES256-GCM-SHA384:AES128-GCM-SHA256:AES256-SHA256:AES128-SHA256";

constexpr unsigned char kSessionContext[] = "keytrail/kmip";

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

// The keys of one period: a name, so that a ticket finds them again, AES-256 and HMAC-SHA-256.
struct TicketKeys {
  std::array<std::uint8_t, 16> name{};
  SecretBytes secrets{64};  // AES key, then HMAC key.
};

TicketKeys fresh_ticket_keys() {
  TicketKeys keys;
  KEYTRAIL_CHECK(RAND_bytes(keys.name.data(), static_cast<int>(keys.name.size())) == 1);
  KEYTRAIL_CHECK(RAND_priv_bytes(keys.secrets.write(SecretAccess()).data(), 64) == 1);
  return keys;
}

// Current and previous keys; handshakes on any thread use them while another rotates.
class TicketKeyRing {
 public:
  TicketKeyRing() : current_(fresh_ticket_keys()), previous_(fresh_ticket_keys()) {}

  void rotate() {
    TicketKeys fresh = fresh_ticket_keys();
    const std::lock_guard lock(mutex_);
    previous_ = std::move(current_);
    current_ = std::move(fresh);
  }

  // SSL_CTX_set_tlsext_ticket_key_evp_cb's contract: 1 go on, 2 go on and renew the ticket, 0 no
  // such key, -1 error.
  int use(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
          bool encrypt) {
    const std::lock_guard lock(mutex_);
    if (encrypt) {
      if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1) return -1;
      std::memcpy(name, current_.name.data(), current_.name.size());
      return start(current_, iv, cipher, mac, true) ? 1 : -1;
    }
    for (const TicketKeys* keys : {&current_, &previous_}) {
      if (std::memcmp(name, keys->name.data(), keys->name.size()) != 0) continue;
      if (!start(*keys, iv, cipher, mac, false)) return -1;
      return keys == &current_ ? 1 : 2;
    }
    return 0;
  }

 private:
  static bool start(const TicketKeys& keys, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
                    EVP_MAC_CTX* mac, bool encrypt) {
    const ByteView secrets = keys.secrets.read(SecretAccess());
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_octet_string(
                                         "key", const_cast<std::uint8_t*>(secrets.data() + 32), 32),
                                     OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                     OSSL_PARAM_construct_end()};
    return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, secrets.data(), iv,
                             encrypt ? 1 : 0) == 1 &&
           EVP_MAC_CTX_set_params(mac, parameters) == 1;
  }

  std::mutex mutex_;
  TicketKeys current_;
  TicketKeys previous_;
};

// Where a context keeps its ring; not its application data, which Asio takes for its own.
int ring_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

int ticket_key_callback(SSL* connection, unsigned char* name, unsigned char* iv,
                        EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int encrypt) {
  auto* ring =
      static_cast<TicketKeyRing*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), ring_index()));
  return ring->use(name, iv, cipher, mac, encrypt == 1);
}

int accept_any(X509_STORE_CTX*, void*) { return 1; }

// The certificate of a server is the pinned one, bit by bit; the pin is the context's.
int accept_pinned(X509_STORE_CTX* store, void* pin) {
  const X509* certificate = X509_STORE_CTX_get0_cert(store);
  if (certificate != nullptr &&
      equal_in_constant_time(fingerprint_of(certificate), *static_cast<const Hash*>(pin))) {
    return 1;
  }
  X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
  return 0;
}

}  // namespace

struct TlsContext::Parts {
  // Before the context, which refers to them, so that they outlive it.
  TicketKeyRing tickets;
  Hash pin{};
  std::unique_ptr<SSL_CTX, FreeContext> context;
};

namespace {

Error failed(const std::string& what) {
  return {ErrorCode::kInvalid, what + " failed: " + openssl_error_text()};
}

Result<void> set_protocol(SSL_CTX* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context, kTls12Suites) != 1 ||
      SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") != 1) {
    return failed("setting up TLS");
  }
  return {};
}

Result<void> set_identity(SSL_CTX* context, const TlsIdentity& identity) {
  const std::vector<CertificateHandle> chain = TRY(read_certificates(identity.certificate_pem));
  const KeyHandle key = TRY(read_private_key(identity.key_pem));
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1) {
    return failed("using the certificate");
  }
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1) return failed("using its chain");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    ERR_clear_error();
    return Error{ErrorCode::kInvalid, "the private key does not belong to the certificate"};
  }
  return {};
}

Result<void> trust_authority(SSL_CTX* context, const TrustedAuthority& authority) {
  const std::vector<CertificateHandle> trusted = TRY(read_certificates(authority.ca_pem));
  for (const CertificateHandle& certificate : trusted) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate.get()) != 1) {
      return failed("trusting the authority");
    }
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  X509_VERIFY_PARAM* parameters = SSL_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
  const std::string& name = authority.server_name;
  if (name.empty() || X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str()) == 1) return {};
  ERR_clear_error();
  if (X509_VERIFY_PARAM_set1_host(parameters, name.data(), name.size()) != 1) {
    return failed("expecting the server's name");
  }
  return {};
}

}  // namespace

TlsContext::TlsContext(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TlsContext::TlsContext(TlsContext&&) noexcept = default;
TlsContext& TlsContext::operator=(TlsContext&&) noexcept = default;
TlsContext::~TlsContext() = default;

ssl_ctx_st* TlsContext::native() const { return parts_->context.get(); }
void TlsContext::rotate_ticket_keys() { parts_->tickets.rotate(); }

Result<TlsContext> make_server_context(const TlsIdentity& identity) {
  auto parts = std::make_unique<TlsContext::Parts>();
  parts->context.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = parts->context.get();
  if (context == nullptr) return failed("setting up TLS");
  TRY(set_protocol(context));
  TRY(set_identity(context, identity));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);  // Asked for, not demanded.
  SSL_CTX_set_cert_verify_callback(context, accept_any, nullptr);
  KEYTRAIL_CHECK(SSL_CTX_set_ex_data(context, ring_index(), &parts->tickets) == 1);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket_key_callback);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // Sessions live in tickets alone.
  if (SSL_CTX_set_session_id_context(context, kSessionContext, sizeof kSessionContext - 1) != 1) {
    return failed("setting up TLS");
  }
  return TlsContext(std::move(parts));
}

Result<TlsContext> make_client_context(const TlsIdentity* identity, const ServerTrust& trust) {
  auto parts = std::make_unique<TlsContext::Parts>();
  parts->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = parts->context.get();
  if (context == nullptr) return failed("setting up TLS");
  TRY(set_protocol(context));
  if (identity != nullptr) TRY(set_identity(context, *identity));
  if (const auto* pinned = std::get_if<PinnedCertificate>(&trust)) {
    parts->pin = pinned->fingerprint;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(context, accept_pinned, &parts->pin);
  } else if (const auto* authority = std::get_if<TrustedAuthority>(&trust)) {
    TRY(trust_authority(context, *authority));
  } else {
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  }
  return TlsContext(std::move(parts));
}

std::optional<Hash> peer_fingerprint(const ssl_st* connection) {
  const X509* certificate = SSL_get0_peer_certificate(connection);
  if (certificate == nullptr) return std::nullopt;
  return fingerprint_of(certificate);
}

std::string peer_certificate(const ssl_st* connection) {
  const X509* certificate = SSL_get0_peer_certificate(connection);
  return certificate == nullptr ? "" : pem_of(certificate);
}

std::string tls_error_text() { return openssl_error_text(); }

}  // namespace keytrail::kmip
