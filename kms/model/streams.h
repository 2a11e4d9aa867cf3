// The streams of a KMS cluster: where each event stands, so that no decision names a stream by
// hand.
//
//   kms/CLUSTER/object/ID   kms/CLUSTER/name/HASH   kms/CLUSTER/client/NAME
//   kms/CLUSTER/members     kms/CLUSTER/leases      kms/REPLICA/shred
// A name's stream is a hash of owner and name: names are unique within an owner only, and may be
// longer than a stream's name. Pure.
#pragma once

#include <string>
#include <string_view>

#include "bus/events/kms_events.h"

namespace keytrail::kms {

struct Scope {
  std::string cluster;
  std::string replica;
  bool operator==(const Scope&) const = default;
};

[[nodiscard]] std::string object_stream(const Scope& scope, std::string_view object);
[[nodiscard]] std::string name_stream(const Scope& scope, std::string_view owner,
                                      std::string_view name);
[[nodiscard]] std::string client_stream(const Scope& scope, std::string_view client);
[[nodiscard]] std::string members_stream(const Scope& scope);
[[nodiscard]] std::string leases_stream(const Scope& scope);
[[nodiscard]] std::string shred_stream(std::string_view replica);
// What a replica says of itself alone: refusals of strangers.
[[nodiscard]] std::string replica_stream(std::string_view replica);

[[nodiscard]] std::string stream_of(const Scope& scope, const Event& event);

}  // namespace keytrail::kms
