// ReplicaBugs: rules that the simulation can break in a replica, to see whether it notices. The
// core is the real one: what it puts out is changed on its way, as a core without the rule would
// have it.
#pragma once

#include "bus/protocol/transactor.h"

namespace keytrail::simulation {

struct ReplicaBugs {
  bool unguarded_refusals = false;   // a refusal does not depend on what it read
  bool unguarded_clients = false;    // nothing depends on the client's enrolment
  bool heartbeat_as_head = false;    // a question about the head is answered with what is known
  bool counter_from_memory = false;  // blocks of leaves are counted, not leased
  bool answers_before_ack = false;   // the customer is told when the unit is sent
  bool shreds_in_name_only = false;  // says that leaves are gone, and keeps them
};

// The decision as a core with these bugs makes it.
[[nodiscard]] protocol::Decision with(const ReplicaBugs& bugs, protocol::Decision decision);

[[nodiscard]] bool leases_leaves(const protocol::Decision& decision);
[[nodiscard]] bool is_of_customer(const protocol::Decision& decision);

}  // namespace keytrail::simulation
