// evolve: what each fact changes in the State. Pure and total; facts of others are passed over.
//
// The caller gives the facts of one cluster, in the order of the log: `concerns` says which those
// are.
#pragma once

#include "bus/events/fact.h"
#include "kms/model/state.h"

namespace keytrail::kms {

// Whether a fact is the cluster's: on its own streams, or what a replica says of itself on those
// that it has for itself.
[[nodiscard]] bool concerns(std::string_view cluster, const Fact& fact);

void evolve(State& state, const Fact& fact);

// The same for an event that has no stamp yet: on a draft, at the moment `now`.
struct EventStamp {
  Position position = 0;
  TimeNs time = 0;
  std::uint64_t version = 0;
};
void evolve(State& state, const Event& event, const EventStamp& stamp);

}  // namespace keytrail::kms
