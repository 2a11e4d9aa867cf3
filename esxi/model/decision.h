// Decision: what a host's decide functions give. The same shape as the bus's, without depending on
// it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bus/events/fact.h"

namespace keytrail::esxi {

// Facts to append as one unit and (stream, version) of every stream that the decision read.
// No facts: there is nothing to say any more (somebody else was first, or it stands in the log
// already).
struct Decision {
  std::vector<Body> facts;
  std::vector<std::pair<std::string, std::uint64_t>> guards;
  bool operator==(const Decision&) const = default;
};

}  // namespace keytrail::esxi
