// RefusalCounter: refusals before authentication, in aggregate, so that knocking on the door cannot
// fill the log.
//
// The first of its kind is due at once, the rest are counted; at most kRefusalFactsPerMinute facts
// a minute in all, and at most kRefusalKindsMax kinds are told apart: what exceeds that is counted
// under "others". Pure; one thread.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "bus/events/part_events.h"

namespace keytrail::eventstore {

inline constexpr std::size_t kRefusalFactsPerMinute = 60;
inline constexpr std::size_t kRefusalKindsMax = 256;

class RefusalCounter {
 public:
  void add(const std::string& socket, const std::string& reason, const std::string& address);
  // What is to be recorded now. `monotonic` never goes back.
  [[nodiscard]] std::vector<part::RefusalsRepeated> take_due(TimeNs monotonic);

 private:
  struct Kind {
    std::uint64_t count = 0;  // not yet recorded
    TimeNs recorded_at = 0;   // 0: never
  };
  using Key = std::tuple<std::string, std::string, std::string>;  // socket, reason, address
  std::map<Key, Kind> kinds_;
  std::deque<TimeNs> recorded_;  // in the last minute
};

}  // namespace keytrail::eventstore
