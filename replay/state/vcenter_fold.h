// The part of the fold that is about one vCenter. Private to replay/state; pure.
#pragma once

#include "replay/state/state.h"

namespace keytrail::replay {

void evolve_vcenter(VCenter& vcenter, const ActionId& action, const vcenter::Event& event);

}  // namespace keytrail::replay
