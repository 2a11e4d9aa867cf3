// Commands of a replica and their answers: what an operator may ask of a key server.
//
// Plain structs. command_json.h turns them from and into the JSON of the command socket. Only the
// identity operator/cli gives commands; the facts carry it as their user.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "kms/model/admit_replica.h"
#include "kms/model/enrol_client.h"
#include "kms/model/keyring_duties.h"

namespace keytrail::kms {

struct AskStatus {};
struct ListKeys {
  std::string after;  // continue behind this object; empty: from the first
  std::size_t limit = 1000;
};
struct ListClients {};
struct AskShredded {
  std::string object;
};
// A client's request that the shell has signed with the cluster's authority: recorded, then given
// out.
struct RecordSigned {
  std::string subject;
  Hash fingerprint{};
  std::string certificate_pem;
};
struct Stop {};

using Command = std::variant<AskStatus, ListKeys, ListClients, AskShredded, EnrolClient,
                             RemoveClient, AdmitReplica, RetireReplica, RecordSigned, Stop>;

// Where a replica stands on its way to serving, and back.
enum class Phase {
  kFollowing,       // the log, from its beginning
  kFounding,        // the first replica: its ClusterCreated is under way
  kUnadmitted,      // waits for an operator's word
  kRetired,         // was a member; only an operator's word admits it again
  kWithoutKeyring,  // admitted; waits for a member to hand it the keyring
  kPuncturing,      // forgets what was destroyed meanwhile
  kServing,
  kAway,  // the log is out of reach: listener closed
  kEnded,
};
[[nodiscard]] std::string_view to_string(Phase phase);

struct StatusAnswer {
  Phase phase = Phase::kFollowing;
  Position followed = 0;
  std::size_t objects = 0;
  std::size_t clients = 0;
  Position punctured_through = 0;
  Cluster cluster;
};
struct KeysAnswer {
  struct Key {
    Object object;  // without its attributes
    ObjectState state = ObjectState::kPreActive;
  };
  std::vector<Key> keys;
  bool more = false;
};
struct ClientsAnswer {
  std::vector<Client> clients;
};
struct ShreddedAnswer {
  std::string object;
  bool destroyed = false;
  Shredding shredding;
};
struct DoneAnswer {
  std::string name;       // of the client or the replica
  Position position = 0;  // where it stands on the log; 0: it was so already
};
struct StoppingAnswer {};
struct SignedAnswer {
  std::string certificate_pem;
  Hash fingerprint{};
};
struct FailedAnswer {
  std::string code;  // of the command protocol: "refused", "not-found", "invalid", "unavailable"
  std::string message;
  std::string hint;
};
using Answer = std::variant<StatusAnswer, KeysAnswer, ClientsAnswer, ShreddedAnswer, DoneAnswer,
                            StoppingAnswer, SignedAnswer, FailedAnswer>;

}  // namespace keytrail::kms
