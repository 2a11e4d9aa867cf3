#include "eventstore/model/clock_watch.h"

namespace keytrail::eventstore {

std::optional<ClockStepped> ClockWatch::observe(TimeNs now, TimeNs monotonic) {
  const TimeNs passed = monotonic - last_monotonic_;
  const TimeNs expected = last_now_ + passed;
  const bool first = !started_;
  started_ = true;
  last_now_ = now;
  last_monotonic_ = monotonic;
  if (first) return std::nullopt;
  const TimeNs distance = now > expected ? now - expected : expected - now;
  if (distance < kClockStepMinNs) return std::nullopt;
  return ClockStepped{.expected = expected, .found = now};
}

Result<void> clock_fits(TimeNs last, TimeNs now) {
  if (now >= last || last - now <= kClockBehindMaxNs) return {};
  return Error{ErrorCode::kRefused,
               "the clock is " + std::to_string((last - now) / 1'000'000'000) +
                   " s behind the last fact of the log: set it, or start with --accept-clock"};
}

}  // namespace keytrail::eventstore
