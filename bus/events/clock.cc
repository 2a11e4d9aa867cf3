#include "bus/events/clock.h"

#include <chrono>

namespace keytrail {
namespace {

template <class Clock>
TimeNs since_zero() {
  const auto elapsed = Clock::now().time_since_epoch();
  return static_cast<TimeNs>(std::chrono::duration_cast<std::chrono::nanoseconds>(elapsed).count());
}

}  // namespace

TimeNs SystemClock::now() const { return since_zero<std::chrono::system_clock>(); }
TimeNs SystemClock::monotonic() const { return since_zero<std::chrono::steady_clock>(); }

}  // namespace keytrail
