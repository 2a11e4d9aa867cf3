// TLS for KMIP: contexts for the server and the client, over OpenSSL.
//
// TLS 1.2 and 1.3; no compression, no renegotiation, records wiped after reading
// (SSL_OP_CLEANSE_PLAINTEXT). For TLS 1.2 the suites include CBC with ECDHE and plain RSA, which
// the field's clients ask for.
// The server takes any client certificate at the handshake, also none, and only tells its
// fingerprint: who a client is gets decided per request, against the enrolled clients, so that
// resumed sessions are covered and a client may look before it is enrolled.
// Threads: a context is set up by one thread and may then be used by several; `rotate_ticket_keys`
// is safe at any time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "bus/secret/secret_bytes.h"

struct ssl_ctx_st;
struct ssl_st;

namespace keytrail::kmip {

// A certificate (its chain behind it, in the same PEM text) and its private key.
struct TlsIdentity {
  std::string certificate_pem;
  SecretBytes key_pem;
};

// Which server a client talks to.
struct PinnedCertificate {
  Hash fingerprint{};  // Exactly this certificate; its names, dates and signer do not matter.
};
struct TrustedAuthority {
  std::string ca_pem;
  std::string server_name;  // A DNS name or an address that the certificate must bear; empty: any.
};
struct AnyServer {};  // Only to look: a connection that carries no request.
using ServerTrust = std::variant<PinnedCertificate, TrustedAuthority, AnyServer>;

// A TLS set-up that connections are made from.
class TlsContext {
 public:
  TlsContext(TlsContext&&) noexcept;
  TlsContext& operator=(TlsContext&&) noexcept;
  ~TlsContext();

  [[nodiscard]] ssl_ctx_st* native() const;

  // For servers: new keys for session tickets; those of the time before stay good for opening until
  // the next call. Called hourly, so that a stolen key opens two hours of TLS 1.2 sessions at most.
  void rotate_ticket_keys();

 private:
  friend Result<TlsContext> make_server_context(const TlsIdentity& identity);
  friend Result<TlsContext> make_client_context(const TlsIdentity* identity,
                                                const ServerTrust& trust);
  struct Parts;
  explicit TlsContext(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

[[nodiscard]] Result<TlsContext> make_server_context(const TlsIdentity& identity);

// `identity` null: without a client certificate.
[[nodiscard]] Result<TlsContext> make_client_context(const TlsIdentity* identity,
                                                     const ServerTrust& trust);

// After a handshake: SHA-256 of the peer's certificate, nothing if it has none.
[[nodiscard]] std::optional<Hash> peer_fingerprint(const ssl_st* connection);
// The peer's certificate as PEM text; empty if it has none.
[[nodiscard]] std::string peer_certificate(const ssl_st* connection);

// What OpenSSL's error queue of this thread says, emptied; for an Error's detail.
[[nodiscard]] std::string tls_error_text();

}  // namespace keytrail::kmip
