// Clock: the seam through which time enters. Only shells read it; cores get times as data.
#pragma once

#include "bus/events/ids.h"

namespace keytrail {

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual TimeNs now() const = 0;        // wall clock, UTC
  [[nodiscard]] virtual TimeNs monotonic() const = 0;  // never goes back; its zero means nothing
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] TimeNs now() const override;
  [[nodiscard]] TimeNs monotonic() const override;
};

}  // namespace keytrail
