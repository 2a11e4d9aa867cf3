#include "kms/model/admit_replica.h"

#include <algorithm>

namespace keytrail::kms {
namespace {

constexpr std::size_t kReplicaNameBytesMax = 21;

Refusal refusal(Reason reason, std::string message) {
  return {.reason = reason, .message = std::move(message), .detail = {}};
}

}  // namespace

bool is_replica_name(std::string_view text) {
  return !text.empty() && text.size() <= kReplicaNameBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

bool is_member(const Cluster& cluster, const std::string& replica) {
  const auto found = cluster.members.find(replica);
  return found != cluster.members.end() && !found->second.retired;
}

Decided<MemberChanged> decide(Draft& draft, const FoundCluster& command) {
  const std::string& self = draft.scope().replica;
  const Cluster& cluster = draft.cluster();
  if (cluster.founder == self) return MemberChanged{self};
  if (!cluster.name.empty()) {
    return refusal(Reason::kPermissionDenied,
                   "The cluster '" + cluster.name + "' was founded by " + cluster.founder + ".");
  }
  draft.record(ClusterCreated{.cluster = draft.scope().cluster,
                              .replica = self,
                              .certificate = command.certificate,
                              .keyring_fingerprint = command.keyring_fingerprint});
  return MemberChanged{self};
}

Decided<MemberChanged> decide(Draft& draft, const AdmitReplica& command) {
  const Cluster& cluster = draft.cluster();
  if (!is_replica_name(command.replica) || command.replica == draft.scope().cluster) {
    return refusal(Reason::kInvalidField,
                   "A replica has a name of 1 to 21 of a-z, 0-9 and '-', not the cluster's.");
  }
  for (const auto& [name, member] : cluster.members) {
    if (name != command.replica && !member.retired && member.certificate == command.certificate) {
      return refusal(Reason::kPermissionDenied, "That certificate is the replica " + name + "'s.");
    }
  }
  const auto found = cluster.members.find(command.replica);
  const bool known = found != cluster.members.end() && !found->second.retired;
  if (known && found->second.certificate == command.certificate) {
    return MemberChanged{command.replica};
  }
  if (known) {
    return refusal(Reason::kPermissionDenied,
                   command.replica + " is a member with another certificate: retire it first.");
  }
  draft.record(ReplicaAdmitted{.replica = command.replica, .certificate = command.certificate});
  return MemberChanged{command.replica};
}

Decided<MemberChanged> decide(Draft& draft, const RetireReplica& command) {
  const Cluster& cluster = draft.cluster();
  const auto found = cluster.members.find(command.replica);
  if (found == cluster.members.end()) {
    return refusal(Reason::kItemNotFound, command.replica + " was never a member.");
  }
  if (found->second.retired) return MemberChanged{command.replica};
  const bool another_holds_keys = std::any_of(
      cluster.members.begin(), cluster.members.end(), [&](const auto& entry) {
        return entry.first != command.replica && !entry.second.retired &&
               has_keyring(cluster, entry.first, entry.second);
      });
  if (!another_holds_keys) {
    return refusal(Reason::kPermissionDenied,
                   command.replica + " is the last replica that has the keyring: without it all "
                                     "keys are gone.");
  }
  draft.record(ReplicaRetired{.replica = command.replica});
  return MemberChanged{command.replica};
}

Decided<MemberChanged> decide(Draft& draft, const GrantKeyring& command) {
  const std::string& self = draft.scope().replica;
  const Cluster& cluster = draft.cluster();
  if (!is_member(cluster, self)) {
    return refusal(Reason::kPermissionDenied, self + " is no member of the cluster.");
  }
  for (const auto& [name, member] : cluster.members) {
    if (member.retired || member.certificate != command.certificate || name == self) continue;
    draft.record(KeyringGranted{.to = name, .by = self, .as_of = command.punctured_through});
    return MemberChanged{name};
  }
  return refusal(Reason::kPermissionDenied, "No replica with that certificate is admitted.");
}

}  // namespace keytrail::kms
