// Strangers: who was turned away before having a name we trust, counted, so that they cannot fill
// the log.
//
// The first refusal of a kind is stated at once, as long as at most 60 are stated in a minute; the
// others are counted and stated together a minute later. What is remembered is bounded. Threads:
// one; a value.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bus/events/part_events.h"

namespace keytrail::kms {

class Strangers {
 public:
  // The fact to record before the refusal is told; nothing: it was only counted.
  [[nodiscard]] std::optional<part::RefusalsRepeated> refuse(const std::string& socket,
                                                             const std::string& reason,
                                                             const std::string& address,
                                                             TimeNs now);
  // What was counted and is to be stated now.
  [[nodiscard]] std::vector<part::RefusalsRepeated> due(TimeNs now);

 private:
  struct Key {
    std::string socket, reason, address;
    auto operator<=>(const Key&) const = default;
  };
  struct Count {
    std::uint64_t untold = 0;
    TimeNs told = 0;
  };
  [[nodiscard]] bool may_state(TimeNs now);

  std::map<Key, Count> counts_;
  TimeNs minute_ = 0;  // when the running one began
  int stated_ = 0;     // in it
};

}  // namespace keytrail::kms
