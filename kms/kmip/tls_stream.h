// TlsStream: one blocking TLS connection over a socket: OpenSSL's steps, repeated until they are
// done, cannot be done, or their time is over.
//
// Whatever the peer sends and however slowly, what is done with it ends in time: allow() bounds all
// that follows it, together. Errors: `unavailable`, with what happened; after one the stream is of
// no use. Threads: one at a time.
#pragma once

#include <chrono>
#include <memory>
#include <span>

#include "bus/secret/fd.h"
#include "bus/secret/secret_bytes.h"

struct ssl_st;

namespace keytrail::kmip {

class TlsContext;

using WaitClock = std::chrono::steady_clock;

// Until `socket` is ready for `events` (poll's). `stop_fd` becomes readable when there is no more
// time; -1: never.
[[nodiscard]] Result<void> wait_for_socket(int socket, short events, WaitClock::time_point until,
                                           int stop_fd);

class TlsStream {
 public:
  enum class Side { kAccept, kConnect };

  // REQUIRES: a connected socket; `context` is a server's to accept, a client's to connect.
  TlsStream(Fd socket, const TlsContext& context, int stop_fd);
  // Says goodbye; does not wait for the other's.
  ~TlsStream();
  TlsStream(TlsStream&&) noexcept;
  TlsStream& operator=(TlsStream&&) = delete;

  // From now on: for all that follows, together. REQUIRES: before the first step.
  void allow(WaitClock::duration time) { until_ = WaitClock::now() + time; }

  [[nodiscard]] Result<void> shake_hands(Side side);
  // All of `bytes`.
  [[nodiscard]] Result<void> write(ByteView bytes);
  [[nodiscard]] Result<void> read(std::span<std::uint8_t> bytes);

  [[nodiscard]] ssl_st* native() const { return tls_.get(); }

 private:
  struct Free {
    void operator()(ssl_st* tls) const;
  };
  template <class Step>
  [[nodiscard]] Result<void> drive(Step step);
  // Waits for what OpenSSL wants after `result`; an error if it wants nothing that time brings.
  [[nodiscard]] Result<void> wait(int result) const;

  Fd socket_;
  std::unique_ptr<ssl_st, Free> tls_;
  int stop_fd_;
  WaitClock::time_point until_;
};

}  // namespace keytrail::kmip
