// How the program ends, and how it says why. The same for every command.
#pragma once

#include "bus/secret/result.h"

namespace keytrail::cli {

enum class Exit : int {
  kDone = 0,
  kFailed = 1,       // refused, or it failed
  kUsage = 2,        // the command line is wrong
  kUnreachable = 3,  // nobody answered
};

// Prints the error's sentence on stderr and gives the exit code that fits it: kInvalid is the
// caller's mistake, so wrong usage; kUnavailable is nobody reached; all else is refused or failed.
[[nodiscard]] Exit fail(const Error& error);

}  // namespace keytrail::cli
