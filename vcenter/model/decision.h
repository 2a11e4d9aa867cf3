// Decision: what a decide function gives. The same shape as the bus's, without depending on it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bus/events/fact.h"

namespace keytrail::vcenter {

// Facts to append as one unit and (stream, version) of every stream that the decision read.
// No facts: there is nothing to say (it stands in the log already, or somebody else was first).
struct Decision {
  std::vector<Body> facts;
  std::vector<std::pair<std::string, std::uint64_t>> guards;
  std::vector<Attachment> attachments;
  bool operator==(const Decision&) const = default;
};

// Who asks, and under which action the facts will stand.
struct Caller {
  ActionId action;
  std::string user;
  Origin origin;
  Position cause = 0;
  bool operator==(const Caller&) const = default;
};

}  // namespace keytrail::vcenter
