// Push keys: a host asks, and gets what it may have, sealed to the boot key of its own fact.
//
//   esxi     WANT on the host channel                            (no fact)
//   kms      KeyReleased to vCenter                              (KMIP Get)
//   vcenter  KeyPushed, then the sealed key      | KeyUnavailable, then the reason
//   esxi     KeyReceived
// A host may have the host key of its mode or of an order for it; when it is safe, the keys that
// disks of its cluster's VMs have, or are about to get. What it stated itself is folded in
// host_facts.h.
#pragma once

#include <string>

#include "vcenter/model/draft.h"

namespace keytrail::vcenter {

// Whether `host` may have `key` now.
[[nodiscard]] bool may_have(const State& state, const std::string& host, const KeyId& key);

// No facts: the host has started anew or may not have the key any more; what was sealed is thrown
// away.
struct RecordPush {
  std::string host;
  std::string boot;
  KeyId key;
  std::string server;  // that released it
  bool operator==(const RecordPush&) const = default;
};
struct RecordUnavailable {
  std::string host;
  KeyId key;
  std::string detail;
  bool operator==(const RecordUnavailable&) const = default;
};
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const RecordPush& command);
[[nodiscard]] Decision decide(const State& state, const Caller& caller,
                              const RecordUnavailable& command);

}  // namespace keytrail::vcenter
