#include "bus/secret/check.h"

#include <cstdio>
#include <cstdlib>

namespace keytrail {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "keytrail: internal check failed: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace keytrail
