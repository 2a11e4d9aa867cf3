// One TLS connection of a client, blocking, with a bound on every wait. Internal to kms/kmip.
//
// Errors: `unavailable`, with what happened to which server. After one the connection is of no use.
// Threads: one at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "bus/secret/secret_bytes.h"

struct ssl_st;

namespace keytrail::kmip {

struct Endpoint;
class TlsContext;

class TlsConnection {
 public:
  [[nodiscard]] static Result<std::unique_ptr<TlsConnection>> open(const Endpoint& server,
                                                                   const TlsContext& context,
                                                                   int timeout_ms);
  ~TlsConnection();
  TlsConnection(const TlsConnection&) = delete;
  TlsConnection& operator=(const TlsConnection&) = delete;

  // Sends a request message, wipes it, and waits for the whole answer.
  [[nodiscard]] Result<SecretBytes> exchange(SecretBytes request, int timeout_ms);

  [[nodiscard]] std::optional<Hash> peer_fingerprint() const;
  [[nodiscard]] std::string peer_certificate() const;

 private:
  class Deadline;
  TlsConnection(int socket, std::string name, const TlsContext& context);
  [[nodiscard]] Result<void> shake_hands(const std::string& host, const Deadline& deadline);
  [[nodiscard]] Result<void> write(ByteView bytes, const Deadline& deadline);
  [[nodiscard]] Result<void> read(std::span<std::uint8_t> bytes, const Deadline& deadline);
  // Waits for what OpenSSL wants after `result`; an error if it wants nothing that time brings.
  [[nodiscard]] Result<void> wait(int result, const Deadline& deadline, const char* doing);
  [[nodiscard]] Error failed(const std::string& what) const;

  int socket_;
  std::string name_;  // "host:port", for errors.
  ssl_st* tls_;
};

}  // namespace keytrail::kmip
