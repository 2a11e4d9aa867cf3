#include "kms/kmip/tls_stream.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "kms/kmip/tls.h"

namespace keytrail::kmip {
namespace {

// A peer that closes makes OpenSSL's plain write() raise SIGPIPE; no library may let that end the
// process, nor change what the process does with the signal elsewhere.
class NoPipeSignal {
 public:
  NoPipeSignal() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoPipeSignal() {
    const timespec now{0, 0};
    if (!was_pending_) sigtimedwait(&pipe_, nullptr, &now);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;

 private:
  sigset_t pipe_;
  sigset_t before_;
  bool was_pending_ = false;
};

Error unavailable(std::string why) { return {ErrorCode::kUnavailable, std::move(why)}; }

}  // namespace

Result<void> wait_for_socket(int socket, short events, WaitClock::time_point until, int stop_fd) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - WaitClock::now());
    if (left.count() <= 0) return unavailable("it was not done in time");
    pollfd waiting[] = {{socket, events, 0}, {stop_fd, POLLIN, 0}};
    const int ready = ::poll(waiting, 2, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (waiting[1].revents != 0) return unavailable("told to stop");
    if (waiting[0].revents != 0) return {};
  }
}

TlsStream::TlsStream(Fd socket, const TlsContext& context, int stop_fd)
    : socket_(std::move(socket)), tls_(SSL_new(context.native())), stop_fd_(stop_fd) {
  KEYTRAIL_CHECK(tls_ != nullptr && SSL_set_fd(tls_.get(), socket_.get()) == 1);
  fcntl(socket_.get(), F_SETFL, fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
}

TlsStream::TlsStream(TlsStream&&) noexcept = default;

TlsStream::~TlsStream() {
  if (tls_ == nullptr) return;
  const NoPipeSignal no_signal;
  SSL_shutdown(tls_.get());
  ERR_clear_error();
}

void TlsStream::Free::operator()(ssl_st* tls) const { SSL_free(tls); }

template <class Step>
Result<void> TlsStream::drive(Step step) {
  const NoPipeSignal no_signal;
  for (;;) {
    ERR_clear_error();  // What an earlier call left there would be taken for this one's.
    const int result = step();
    if (result == 1) return {};
    TRY(wait(result));
  }
}

Result<void> TlsStream::shake_hands(Side side) {
  return drive(
      [&] { return side == Side::kAccept ? SSL_accept(tls_.get()) : SSL_connect(tls_.get()); });
}

Result<void> TlsStream::write(ByteView bytes) {
  while (!bytes.empty()) {
    std::size_t written = 0;
    TRY(drive([&] { return SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &written); }));
    bytes = bytes.subspan(written);
  }
  return {};
}

Result<void> TlsStream::read(std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    std::size_t got = 0;
    TRY(drive([&] { return SSL_read_ex(tls_.get(), bytes.data(), bytes.size(), &got); }));
    bytes = bytes.subspan(got);
  }
  return {};
}

Result<void> TlsStream::wait(int result) const {
  const int system_error = errno;
  switch (SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return wait_for_socket(socket_.get(), POLLIN, until_, stop_fd_);
    case SSL_ERROR_WANT_WRITE:
      return wait_for_socket(socket_.get(), POLLOUT, until_, stop_fd_);
    case SSL_ERROR_ZERO_RETURN:
      return unavailable("it closed the connection");
    case SSL_ERROR_SYSCALL:
      if (ERR_peek_error() == 0) {
        return unavailable(system_error == 0 ? "the connection broke"
                                             : std::strerror(system_error));
      }
      [[fallthrough]];
    default:
      return unavailable(tls_error_text());
  }
}

}  // namespace keytrail::kmip
