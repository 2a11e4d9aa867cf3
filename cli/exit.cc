#include "cli/exit.h"

#include <cstdio>

namespace keytrail::cli {

Exit fail(const Error& error) {
  std::fprintf(stderr, "keytrail: %s\n", error.detail.c_str());
  return error.code == ErrorCode::kUnavailable ? Exit::kUnreachable : Exit::kFailed;
}

}  // namespace keytrail::cli
