// start_thread: a std::thread whose refusal is an Error instead of an exception.
//
// A machine that is short of memory or of processes gives no thread. Whoever starts one while
// guests run has to go on without it: an exception that nobody takes would end them all.
#pragma once

#include <system_error>
#include <thread>
#include <utility>

#include "bus/secret/result.h"

namespace keytrail {

// kUnavailable: there is no thread, and `run` is gone without having been called.
template <class Run>
[[nodiscard]] Result<std::thread> start_thread(Run run) {
  try {
    return std::thread(std::move(run));
  } catch (const std::system_error& error) {
    return Error{ErrorCode::kUnavailable,
                 "this machine gives no thread: " + error.code().message()};
  }
}

}  // namespace keytrail
