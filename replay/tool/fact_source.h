// FactSource: the seam to a log, wherever it is: the event store's read socket, a folder, a test's
// memory.
//
// Implementations belong to one thread. Facts come as they are stored: nobody here trusts a decoder
// before the chain is checked.
#pragma once

#include <functional>

#include "bus/events/fact.h"

namespace keytrail::replay {

class FactSource {
 public:
  using Visitor = std::function<bool(const StoredFact&)>;  // false ends the reading

  virtual ~FactSource() = default;
  // The last durable position; 0 = the log is empty.
  [[nodiscard]] virtual Result<Position> head() = 0;
  // The facts of (after, until], in order, every one. kCorrupt names the position.
  [[nodiscard]] virtual Result<void> read(Position after, Position until, const Visitor& visit) = 0;
  // The last position whose time (log time, which never goes back) is before `time`; 0 = none.
  // Without reading all that lies before it.
  [[nodiscard]] virtual Result<Position> position_before(TimeNs time) = 0;
};

}  // namespace keytrail::replay
