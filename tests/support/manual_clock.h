// ManualClock: a clock that stands still until a test moves it. One thread.
#pragma once

#include "bus/events/clock.h"

namespace keytrail::test {

class ManualClock final : public Clock {
 public:
  explicit ManualClock(TimeNs now = 1'800'000'000'000'000'000) : now_(now) {}

  [[nodiscard]] TimeNs now() const override { return now_; }
  [[nodiscard]] TimeNs monotonic() const override { return monotonic_; }

  void advance(TimeNs by) {
    now_ += by;
    monotonic_ += by;
  }
  // Somebody set the wall clock.
  void set(TimeNs now) { now_ = now; }

 private:
  TimeNs now_;
  TimeNs monotonic_ = 0;
};

}  // namespace keytrail::test
