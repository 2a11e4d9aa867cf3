// Disks: what was made of an order, told once the descriptor on the storage says so.
//
//   esxi     EncryptionStarted durable
//            new flat and descriptor beside, synced; the descriptor's rename is the commit
//   esxi     DiskEncrypted (DiskDecrypted, DiskRecrypted, DiskCreated)
//            the old flat is overwritten and unlinked only after this is durable
// The descriptor carries the action's id, so after a crash the storage says whether the fact is
// still owed.
#pragma once

#include "esxi/model/decision.h"
#include "esxi/model/host.h"

namespace keytrail::esxi {

// What the storage has after the commit.
struct DiskOutcome {
  DiskState disk;
  Bytes dek_fingerprint;  // empty: plain now
  bool operator==(const DiskOutcome&) const = default;
};

[[nodiscard]] Decision decide_disk_done(const State& state, const Identity& self,
                                        const ActionId& action, const DiskOutcome& outcome);

}  // namespace keytrail::esxi
