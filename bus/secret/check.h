// KEYTRAIL_CHECK: the program is wrong, not the world. Always compiled in; prints the condition,
// aborts.
//
// Never pass anything secret in the condition's text; the values themselves are not printed.
#pragma once

namespace keytrail {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}  // namespace keytrail

#define KEYTRAIL_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::keytrail::check_failed(#condition, __FILE__, __LINE__))
