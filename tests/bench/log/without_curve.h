// WithoutCurve: sockets of bus/wire without CURVE, for this program alone.
//
// Production code has no such switch, and gets none: the bench is linked with `--wrap`, so that the
// calls of bus/wire/socket.cc to libzmq pass here. While a WithoutCurve lives, a new socket is left
// without keys and without ZAP, and a client's "public key" is its routing id instead: the name
// that the server then takes for its identity. So the very same object code is measured twice.
// Any thread makes sockets; one makes and ends this.
#pragma once

#include <sys/types.h>

namespace keytrail::bench {

class WithoutCurve {
 public:
  WithoutCurve();
  ~WithoutCurve();
  WithoutCurve(const WithoutCurve&) = delete;
  WithoutCurve& operator=(const WithoutCurve&) = delete;
};

// The thread that last granted a subscription at an XPUB: the store's publishing one. 0: none yet.
[[nodiscard]] pid_t granting_thread();

}  // namespace keytrail::bench
