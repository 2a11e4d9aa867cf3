// The supervisor of simulated processes: whoever dies is started again.
#pragma once

#include <string>

#include "tests/simulation/world.h"

namespace keytrail::simulation {

inline constexpr TimeNs kDownMax = 2 * kSecond;

// The process of `node` dies now, between two of its steps, and comes back.
template <class Node>
void restart(World& world, Node& node) {
  world.after(0, [&node] { node.crash(); });
  world.after(world.random().below(kDownMax), [&node] {
    if (!node.is_up()) node.start();
  });
}

// A process that ended by itself. It may have been fenced: what its predecessor had sent before it
// crashed arrived late, and claimed the epoch first. Any other end fails the run.
template <class Node>
void restart_fenced(World& world, Node& node, const std::string& name, const std::string& reason) {
  if (!reason.starts_with("fenced")) return world.fail(name + " ended: " + reason);
  world.note(name + " ended: " + reason);
  restart(world, node);
}

}  // namespace keytrail::simulation
