#include "tests/bench/log/without_curve.h"

#include <unistd.h>
#include <zmq.h>

#include <atomic>
#include <string_view>

namespace keytrail::bench {

namespace {

constexpr int kZapEnforceDomain = 93;  // ZMQ_ZAP_ENFORCE_DOMAIN, as in bus/wire/socket.cc

std::atomic<bool> without_curve = false;
std::atomic<pid_t> granting = 0;

bool is_xpub(void* socket) {
  int kind = 0;
  std::size_t size = sizeof kind;
  return zmq_getsockopt(socket, ZMQ_TYPE, &kind, &size) == 0 && kind == ZMQ_XPUB;
}

}  // namespace

WithoutCurve::WithoutCurve() { without_curve = true; }
WithoutCurve::~WithoutCurve() { without_curve = false; }

pid_t granting_thread() { return granting; }

}  // namespace keytrail::bench

// The names are the linker's: `--wrap=zmq_setsockopt`, `--wrap=zmq_msg_gets`.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {

int __real_zmq_setsockopt(void* socket, int option, const void* value, std::size_t size);
const char* __real_zmq_msg_gets(const zmq_msg_t* message, const char* name);

int __wrap_zmq_setsockopt(void* socket, int option, const void* value, std::size_t size) {
  using namespace keytrail::bench;  // NOLINT: the linker's names stand outside.
  if (option == ZMQ_SUBSCRIBE && is_xpub(socket)) granting = ::gettid();
  if (!without_curve) return __real_zmq_setsockopt(socket, option, value, size);
  switch (option) {
    case ZMQ_CURVE_SERVER:
    case ZMQ_CURVE_SERVERKEY:
    case ZMQ_CURVE_SECRETKEY:
    case ZMQ_ZAP_DOMAIN:
    case kZapEnforceDomain:
      return 0;
    case ZMQ_CURVE_PUBLICKEY:
      return __real_zmq_setsockopt(socket, ZMQ_ROUTING_ID, value, size);
    default:
      return __real_zmq_setsockopt(socket, option, value, size);
  }
}

// No ZAP handler said who a peer without CURVE is: its routing id does.
const char* __wrap_zmq_msg_gets(const zmq_msg_t* message, const char* name) {
  const char* const text = __real_zmq_msg_gets(message, name);
  if (text != nullptr || std::string_view(name) != "User-Id") return text;
  return __real_zmq_msg_gets(message, "Identity");
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
