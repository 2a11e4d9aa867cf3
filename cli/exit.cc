#include "cli/exit.h"

#include <cstdio>

#include "bus/events/words.h"

namespace keytrail::cli {

Exit fail(const Error& error) {
  std::fprintf(stderr, "keytrail: %s\n", printable(error.detail).c_str());
  switch (error.code) {
    case ErrorCode::kInvalid:
      return Exit::kUsage;
    case ErrorCode::kUnavailable:
      return Exit::kUnreachable;
    default:
      return Exit::kFailed;
  }
}

}  // namespace keytrail::cli
