// A KMIP client's session: one TLS connection to one server, requests one after the other.
//
// Blocking, with a bound on every wait. Errors tell two cases apart, because callers act on them
// differently:
//   unavailable  no connection, no answer in time, or no valid one. The connection is closed and
//                stays so; what was asked may or may not have happened. Connect anew, or turn to
//                the next server.
//   refused      the server answered that it will not; `refusal()` has its reason. The session
//                goes on.
// Threads: one at a time.
// Secrets: request and answer are wiped once they are sent or decoded.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kms/kmip/messages.h"
#include "kms/kmip/tls.h"

namespace keytrail::kmip {

class TlsConnection;

struct Endpoint {
  std::string host;
  std::uint16_t port = 5696;
};
// "host:port", "[::1]:5696", or a host alone.
[[nodiscard]] Result<Endpoint> parse_endpoint(std::string_view text);

struct ClientTimeouts {
  int connect_ms = 3'000;  // Name resolution aside: TCP and TLS handshake together.
  int request_ms = 10'000;
};

struct ClientOptions {
  ProtocolVersion version = kVersion1_4;
  ClientTimeouts timeouts;
  // Sent with every request if the user name is not empty.
  std::string username;
  SecretBytes password;
};

// The server's certificate, seen without sending one and without trusting it.
struct SeenCertificate {
  std::string pem;
  Hash fingerprint{};
};
[[nodiscard]] Result<SeenCertificate> look_at_server(const Endpoint& server, int timeout_ms);

class Client {
 public:
  // `tls` is borrowed until the handshake is over.
  [[nodiscard]] static Result<std::unique_ptr<Client>> connect(const Endpoint& server,
                                                               const TlsContext& tls,
                                                               ClientOptions options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // One operation in a message of its own. A refusal is an Error of code `refused`.
  [[nodiscard]] Result<std::vector<ProtocolVersion>> discover_versions();
  [[nodiscard]] Result<QueryResponse> query(std::vector<QueryFunction> functions);
  [[nodiscard]] Result<CreateResponse> create(CreateRequest request);
  [[nodiscard]] Result<RegisterResponse> register_object(RegisterRequest request);
  [[nodiscard]] Result<GetResponse> get(const std::string& id);
  [[nodiscard]] Result<std::vector<Attribute>> get_attributes(const std::string& id,
                                                              std::vector<std::string> names);
  [[nodiscard]] Result<std::vector<std::string>> get_attribute_list(const std::string& id);
  [[nodiscard]] Result<Attribute> add_attribute(const std::string& id, Attribute attribute);
  [[nodiscard]] Result<LocateResponse> locate(LocateRequest request);
  [[nodiscard]] Result<void> activate(const std::string& id);
  [[nodiscard]] Result<void> revoke(const std::string& id, RevocationReason reason,
                                    std::optional<std::int64_t> compromise_occurrence_seconds = {});
  [[nodiscard]] Result<void> destroy(const std::string& id);

  // A whole batch as it is; the answers are in its items.
  [[nodiscard]] Result<ResponseMessage> exchange(RequestMessage request);

  // Asks with Discover Versions and goes on in the highest version that both speak. A server that
  // does not know the operation (1.0) is spoken to in 1.0.
  [[nodiscard]] Result<ProtocolVersion> negotiate();

  // Why the last typed call was refused.
  [[nodiscard]] const std::optional<Failure>& refusal() const { return refusal_; }
  [[nodiscard]] ProtocolVersion version() const { return options_.version; }
  [[nodiscard]] bool connected() const { return connection_ != nullptr; }

 private:
  Client(std::unique_ptr<TlsConnection> connection, ClientOptions options);
  template <class Response, class Request>
  Result<Response> call(Request request);

  std::unique_ptr<TlsConnection> connection_;
  ClientOptions options_;
  std::optional<Failure> refusal_;
};

}  // namespace keytrail::kmip
