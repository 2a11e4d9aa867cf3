// Bring-up: starts the parts of an installation in order, each once the one before answers.
//
// The first replica makes the cluster; the others ask to be admitted, and `up`, being the operator of the replicas it
// starts, admits them. Threads: one; `turn` keeps supervising while this waits.
#pragma once

#include <functional>

#include "cli/endpoints.h"
#include "cli/up/supervisor.h"

namespace keytrail::cli {

// Fills in what only running parts know. kUnavailable: a part did not answer in time; says which, and where its log is.
[[nodiscard]] Result<void> bring_up(Endpoints& endpoints, Supervisor& supervisor,
                                    const std::function<void()>& turn,
                                    const std::function<bool()>& is_stopping);

// Whether a part answers now as it should: "live" store or vCenter, "serving" replica, a host that vCenter knows to be
// started. The text is the state it is in.
struct Readiness {
  bool ready = false;
  std::string state;
};
[[nodiscard]] Readiness readiness_of(const Endpoints& endpoints, const std::string& part);

}  // namespace keytrail::cli
