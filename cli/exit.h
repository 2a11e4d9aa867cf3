// How the program ends, and how it says why. The same for every command.
#pragma once

#include <string>
#include <string_view>

#include "bus/secret/result.h"

namespace keytrail::cli {

enum class Exit : int {
  kDone = 0,
  kFailed = 1,       // refused, or it failed
  kUsage = 2,        // the command line is wrong
  kUnreachable = 3,  // nobody answered
};

// What happened, and what to do about it, in this program's one voice: begins in lower case unless
// with a name ("KMIP", "vCenter"), no full stop at the end. Parts of it come from other programs.
[[nodiscard]] std::string sentence_of(std::string_view what, std::string_view hint = {});

// Prints the error's sentence on stderr and gives the exit code that fits it: kInvalid is the
// caller's mistake, so wrong usage; kUnavailable is nobody reached; all else is refused or failed.
[[nodiscard]] Exit fail(const Error& error);

}  // namespace keytrail::cli
