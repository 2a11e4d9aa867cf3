// The members of a cluster: who founded it, who was let in by an operator, who got the keyring from
// whom.
//
//   kms  ClusterCreated                     the first replica, which makes keyring and authority
//   kms  ReplicaAdmitted, KeyringGranted    every other one; the keyring travels, not on the log
//   kms  ReplicaRetired                     it may serve no more; what it holds it may still hold
#pragma once

#include "kms/model/draft.h"
#include "kms/model/refusal.h"

namespace keytrail::kms {

// As instances are named: 1 to 21 of [a-z0-9-].
[[nodiscard]] bool is_replica_name(std::string_view text);
[[nodiscard]] bool is_member(const Cluster& cluster, const std::string& replica);

struct FoundCluster {
  Hash certificate{};
  Hash keyring_fingerprint{};
};
struct AdmitReplica {
  std::string replica;
  Hash certificate{};
};
struct RetireReplica {
  std::string replica;
};
struct GrantKeyring {
  Hash certificate{};              // who asks: pinned by its ReplicaAdmitted
  Position punctured_through = 0;  // the granter's keyring
};
struct MemberChanged {
  std::string replica;
};

// The draft's own replica founds, and grants. Nothing recorded: it is so already.
[[nodiscard]] Decided<MemberChanged> decide(Draft& draft, const FoundCluster& command);
[[nodiscard]] Decided<MemberChanged> decide(Draft& draft, const AdmitReplica& command);
[[nodiscard]] Decided<MemberChanged> decide(Draft& draft, const RetireReplica& command);
[[nodiscard]] Decided<MemberChanged> decide(Draft& draft, const GrantKeyring& command);

}  // namespace keytrail::kms
