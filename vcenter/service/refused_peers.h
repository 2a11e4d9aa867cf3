// RefusedPeers: who was turned away at a socket before having a name we trust, counted, so that
// strangers cannot fill the log: the first of an address at once, the others together a minute
// later, at most 60 facts a minute.
//
// What is remembered is bounded; beyond, addresses share one count. Times are data. One thread, the
// core's.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bus/events/part_events.h"

namespace keytrail::vcenter {

class RefusedPeers {
 public:
  static constexpr TimeNs kMinute = TimeNs{60} * 1'000'000'000;
  static constexpr std::size_t kFactsAMinuteMax = 60;
  static constexpr std::size_t kAddressesMax = 1024;

  void refused(const std::string& socket, const std::string& address);
  // The facts that are due now.
  [[nodiscard]] std::vector<part::RefusalsRepeated> due(TimeNs now);

 private:
  struct Count {
    std::uint64_t untold = 0;
    TimeNs told = 0;  // 0: never
  };
  std::map<std::pair<std::string, std::string>, Count> counts_;
  TimeNs minute_ = 0;  // when the running one began
  std::size_t stated_ = 0;
};

}  // namespace keytrail::vcenter
