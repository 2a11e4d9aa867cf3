// KmipServer: the replica's ear. TLS connections of KMIP clients, requests in, answers out.
//
// It knows frames, not meanings: a request is the bytes of one whole message and goes to the
// handler, together with who sent it; the answer comes back through `respond`, from any thread. A
// connection's next request is read once its last is answered, so answers are in order whatever a
// client pipelines. What does not even begin like a request is answered with a KMIP error and ends
// the connection.
// The listener can be closed and opened again (a replica that cannot reach the log refuses, so that
// clients turn to another at once): connections without a running request are closed with it, the
// others after their answer.
// Who shows no certificate of an enrolled client is a stranger, however good the certificate looks:
// anybody can make one. Strangers may ask, to be told so, but they share a part of the connections,
// where the oldest gives way to the next; their requests are small and their pauses short. So no
// number of them keeps a client out.
// Threads: one of its own does all I/O and calls the handler; every method may be called by any,
// but open_listener not by the handler: it waits for that thread.
// Secrets: requests and answers are SecretBytes; TLS records are wiped (kms/kmip/tls.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "kms/kmip/tls.h"
#include "kms/service/connection_id.h"

namespace keytrail::kms {

struct Peer {
  std::string address;                          // "127.0.0.1:40322"
  std::optional<Hash> certificate_fingerprint;  // None: it showed no certificate.
};

// Called on the server's thread: it hands over and returns at once.
class KmipRequestHandler {
 public:
  virtual ~KmipRequestHandler() = default;
  // To be answered with one `respond`, in time.
  virtual void on_request(ConnectionId connection, const Peer& peer, SecretBytes request) = 0;
  // After the last request of a connection that made any; an answer to it is dropped from now on.
  virtual void on_closed(ConnectionId connection) = 0;
  // A connection that came to nothing: no TLS, over a bound, or it gave way to another.
  virtual void on_refused(const Peer& peer, const std::string& reason) = 0;
};

struct KmipServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 5696;            // 0: any free one.
  std::size_t connections_max = 1'000;  // Strangers' included.
  std::size_t strangers_max = 250;
  std::size_t request_bytes_max = std::size_t{1} << 20;
  std::size_t stranger_request_bytes_max = std::size_t{16} << 10;
  std::size_t buffered_bytes_max = std::size_t{64} << 20;  // Requests that are arriving, together.
  int handshake_timeout_ms = 10'000;
  int request_timeout_ms = 30'000;  // From a request's first byte to its last; likewise an answer.
  int answer_timeout_ms = 60'000;   // The handler's; then the connection ends.
  int idle_timeout_ms = 3'600'000;  // Between requests.
  int stranger_idle_timeout_ms = 10'000;
};

class KmipServer {
 public:
  // Binds the address, so that a port in use is told here, and starts the thread; the listener is
  // still closed. `handler` must outlive the server.
  [[nodiscard]] static Result<std::unique_ptr<KmipServer>> start(const KmipServerOptions& options,
                                                                 kmip::TlsContext tls,
                                                                 KmipRequestHandler& handler);
  // Closes everything and joins the thread.
  ~KmipServer();
  KmipServer(const KmipServer&) = delete;
  KmipServer& operator=(const KmipServer&) = delete;

  // Sends the answer to the connection's running request; drops it if the connection is gone.
  void respond(ConnectionId connection, SecretBytes answer);

  // The certificates of all enrolled clients, in place of those told before; at first there are
  // none. Counts for connections that are open, too.
  void recognise(std::set<Hash> clients);

  void close_listener();
  // `unavailable` if the port was taken meanwhile.
  [[nodiscard]] Result<void> open_listener();

  [[nodiscard]] std::uint16_t port() const;

 private:
  class Io;
  explicit KmipServer(std::unique_ptr<Io> io);
  std::unique_ptr<Io> io_;
};

}  // namespace keytrail::kms
