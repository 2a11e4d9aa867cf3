// The audit of a whole installation that has come to rest: what its parts know, hold and have on
// their disks agrees with the log, and with each other.
#pragma once

#include <memory>
#include <vector>

#include "tests/simulation/installation/host_node.h"
#include "tests/simulation/installation/vcenter_node.h"

namespace keytrail::simulation {

struct Parts {
  const StoreTwin& store;
  const std::vector<std::unique_ptr<ReplicaNode>>& replicas;
  const VCenterNode& vcenter;
  const std::vector<std::unique_ptr<HostNode>>& hosts;
  const Datastore& datastore;
  const SeenKeys& seen;
};

// The first thing that is wrong fails the run.
void audit(World& world, const Parts& parts);

}  // namespace keytrail::simulation
