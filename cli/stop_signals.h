// SIGINT and SIGTERM as something to wait for, instead of a handler.
#pragma once

namespace keytrail::cli {

// A descriptor that becomes readable when the process is asked to stop. Blocks both signals for the
// calling thread and those that it makes: call it before any other thread is there.
[[nodiscard]] int stop_signals();

}  // namespace keytrail::cli
