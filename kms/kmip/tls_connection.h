// A client's connection to a KMIP server: whole messages over a TlsStream, with a bound on every
// wait. Internal to kms/kmip.
//
// Errors: `unavailable`, with what happened to which server. After one the connection is of no use.
// Threads: one at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kms/kmip/tls_stream.h"

namespace keytrail::kmip {

struct Endpoint;
class TlsContext;

class TlsConnection {
 public:
  [[nodiscard]] static Result<std::unique_ptr<TlsConnection>> open(const Endpoint& server,
                                                                   const TlsContext& context,
                                                                   int timeout_ms);

  // Sends a request message, wipes it, and waits for the whole answer.
  [[nodiscard]] Result<SecretBytes> exchange(SecretBytes request, int timeout_ms);

  [[nodiscard]] std::optional<Hash> peer_fingerprint() const;
  [[nodiscard]] std::string peer_certificate() const;

 private:
  TlsConnection(Fd socket, std::string name, const TlsContext& context);
  [[nodiscard]] Result<void> shake_hands(const std::string& host);
  [[nodiscard]] Error failed(const std::string& what) const;

  std::string name_;  // "host:port", for errors.
  TlsStream stream_;
};

}  // namespace keytrail::kmip
