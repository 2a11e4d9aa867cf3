// Authorship: on whose behalf a decision is taken; and the decision as the log takes it.
#pragma once

#include "bus/protocol/transactor.h"
#include "kms/model/draft.h"

namespace keytrail::kms {

struct Authorship {
  std::string user;  // the client's name, "operator/cli", or the replica itself
  Origin origin;
  ActionId action;
  TimeNs clock = 0;
};

[[nodiscard]] Body body_by(const Authorship& authorship, std::string stream, keytrail::Event event);
// What the draft recorded, guarded by what it read.
[[nodiscard]] protocol::Decision decision_of(const Draft& draft, const Authorship& authorship);

// What one unit of the log can hold, less the epoch's guard, which is added later.
inline constexpr std::size_t kGuardsMax = protocol::kGuardsPerUnitMax - 1;
[[nodiscard]] bool fits_a_unit(const Draft& draft);

}  // namespace keytrail::kms
