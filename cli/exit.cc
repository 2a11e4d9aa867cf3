#include "cli/exit.h"

#include <cstdio>

#include "cli/table.h"

namespace keytrail::cli {

Exit fail(const Error& error) {
  std::fprintf(stderr, "keytrail: %s\n", printable(error.detail).c_str());
  return error.code == ErrorCode::kUnavailable ? Exit::kUnreachable : Exit::kFailed;
}

}  // namespace keytrail::cli
