#include "kms/model/keyring_duties.h"

#include <algorithm>

namespace keytrail::kms {

std::uint64_t decide(Draft& draft, const LeaseLeaves&) {
  const std::uint64_t block = draft.leases().next_block;
  draft.record(LeafBlockLeased{.block = block, .replica = draft.scope().replica});
  return block;
}

void decide(Draft& draft, const StateShredded& command) {
  const std::string& self = draft.scope().replica;
  (void)draft.keyring_of(self);
  draft.record(ShreddedThrough{.replica = self,
                               .through = command.through,
                               .leaves = command.leaves,
                               .provable = command.provable});
}

void decide(Draft& draft, const StateRestored& command) {
  const std::string& self = draft.scope().replica;
  (void)draft.keyring_of(self);
  draft.record(KeyringRestored{.replica = self, .found = command.found, .stated = command.stated});
}

std::vector<OwedPuncture> owed_punctures(const State& state, Position through) {
  std::vector<OwedPuncture> owed;
  for (const Object& object : state.objects()) {
    if (object.destroyed > through) owed.push_back({object.leaf, object.destroyed});
  }
  std::sort(owed.begin(), owed.end(),
            [](const OwedPuncture& a, const OwedPuncture& b) { return a.destroyed < b.destroyed; });
  return owed;
}

Shredding shredding_of(const State& state, const Object& object) {
  Shredding shredding;
  for (const auto& [name, member] : state.cluster().members) {
    if (!has_keyring(state.cluster(), name, member)) continue;
    const bool through = is_destroyed(object) && member.shredded_through >= object.destroyed;
    if (!through) {
      shredding.may_hold.push_back(name);
    } else if (member.provable) {
      shredding.gone.push_back(name);
    } else {
      shredding.not_provable.push_back(name);
    }
  }
  return shredding;
}

}  // namespace keytrail::kms
