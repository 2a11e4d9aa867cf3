// Whether anybody listens at an endpoint of the bus: libzmq itself only ever tries again, so it
// takes its time to say that nobody does. Threads: any.
#pragma once

#include <string>

namespace keytrail::cli {

// False where the kernel says at once that nobody listens at `endpoint` ("tcp://127.0.0.1:5711").
// True of all else, also of what is no numeric address: whoever connects finds out. Speaks to
// nobody; waits for kListeningWaitMs at most.
[[nodiscard]] bool may_listen(const std::string& endpoint);

inline constexpr int kListeningWaitMs = 200;

}  // namespace keytrail::cli
