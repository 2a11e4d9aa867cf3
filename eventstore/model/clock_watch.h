// ClockWatch: notices when the wall clock moves against the monotonic one.
//
// The orderer stamps max(previous, now), so a clock set back never makes time run backwards; it
// makes time stand still, and a clock set forward carries it away for good. Both must be on the
// log. Pure; one thread.
#pragma once

#include <optional>

#include "bus/events/clock.h"
#include "bus/events/eventstore_events.h"

namespace keytrail::eventstore {

inline constexpr TimeNs kClockStepMinNs = 1'000'000'000;      // smaller ones are slewing
inline constexpr TimeNs kClockBehindMaxNs = 300'000'000'000;  // at start, behind the last fact

class ClockWatch {
 public:
  // A step since the last observation, which it is measured from no more.
  [[nodiscard]] std::optional<ClockStepped> observe(TimeNs now, TimeNs monotonic);

 private:
  bool started_ = false;
  TimeNs last_now_ = 0;
  TimeNs last_monotonic_ = 0;
};

// Whether an orderer may start at `now` on a log whose last fact is of `last`. kRefused: the clock
// is far behind; new facts would all be stamped with the past's last moment. An operator may start
// it all the same.
[[nodiscard]] Result<void> clock_fits(TimeNs last, TimeNs now);

}  // namespace keytrail::eventstore
