// `keytrail up`: a whole installation on one machine, until SIGINT or SIGTERM.
//
//   open the folder (first start: make it) ─► event store ─► key servers, the first admits
//   the others ─► vCenter ─► hosts ─► endpoints.json ─► supervise
// Threads: one. Errors end it with a sentence; the parts end with it.
#pragma once

#include "cli/command_line.h"
#include "cli/up/installation.h"

namespace keytrail::cli {

[[nodiscard]] Exit run_up(const Globals& globals, const UpOptions& options);

}  // namespace keytrail::cli
