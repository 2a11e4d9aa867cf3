// What a replica owes for its keyring: leasing leaves before it seals, and saying what it can no
// longer derive.
//
//   kms  LeafBlockLeased{block}          guarded by the leases and by the author's epoch, so nobody
//                                        else has it
//   kms  ShreddedThrough{position}       once the file forgot the leaves destroyed up to there
//   kms  KeyringRestored{found, stated}  the file was an old copy, and was punctured again
#pragma once

#include "kms/model/draft.h"

namespace keytrail::kms {

inline constexpr std::uint64_t kLeavesPerBlock = 4096;

struct LeaseLeaves {};
struct StateShredded {
  Position through = 0;
  std::uint64_t leaves = 0;
  bool provable = true;
};
struct StateRestored {
  Position found = 0;
  Position stated = 0;
};

// Gives the block.
[[nodiscard]] std::uint64_t decide(Draft& draft, const LeaseLeaves& command);
void decide(Draft& draft, const StateShredded& command);
void decide(Draft& draft, const StateRestored& command);

// A leaf to puncture, and the destruction that asks for it.
struct OwedPuncture {
  std::uint64_t leaf = 0;
  Position destroyed = 0;
};
// Of the objects destroyed after `through`: what a keyring punctured through there still has to
// forget.
[[nodiscard]] std::vector<OwedPuncture> owed_punctures(const State& state, Position through);

// Which members' current keyrings can no longer derive an object's leaf, and which still may.
struct Shredding {
  std::vector<std::string> gone;
  std::vector<std::string> not_provable;  // gone, but the medium copies on write
  std::vector<std::string> may_hold;      // has not said so yet; retired and silent ones too
};
[[nodiscard]] Shredding shredding_of(const State& state, const Object& object);

}  // namespace keytrail::kms
