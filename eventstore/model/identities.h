// Identities: who may speak to the event store, and what about.
//
//   configuration  bootstrap identities: the parts of this installation, operator/cli
//   operator       GrantIdentity ──► IdentityGranted ──► in the list
//                  RevokeIdentity ─► IdentityRevoked ──► out of it, and of every socket
// The list is the fold of these facts over the bootstrap identities. Pure values: decide, evolve;
// no threads.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bus/events/fact.h"

namespace keytrail::eventstore {

// A row of the allow-list. The name is the ZAP User-Id of every message from this key.
struct Identity {
  std::string name;                   // "kms/kms-1"
  std::string curve_key;              // public, z85, 40 letters
  std::vector<std::string> prefixes;  // of streams it may append; whole pieces: "kms/cluster-1"
  std::vector<std::string> topics;    // of the live socket; also which facts it may read
  std::vector<std::string> sockets;   // "append", "live", "read", "command"
  bool operator==(const Identity&) const = default;
};

[[nodiscard]] bool may_use(const Identity& identity, std::string_view socket);
[[nodiscard]] bool may_follow(const Identity& identity, std::string_view topic);
// `stream` is one of the prefixes or lies below one.
[[nodiscard]] bool may_append(const Identity& identity, std::string_view stream);

// Names that fit a stamp: PART/INSTANCE, the part [a-z]{1,10}, the instance [a-z0-9-]{1,21}.
[[nodiscard]] bool is_identity_name(std::string_view name);
// What stands before the slash of a name.
[[nodiscard]] std::string_view part_of_name(std::string_view name);

struct Identities {
  struct Entry {
    Identity identity;
    bool bootstrap = false;  // from the configuration: no fact takes it away
    bool operator==(const Entry&) const = default;
  };
  std::map<std::string, Entry, std::less<>> entries;
  std::map<std::string, std::uint64_t, std::less<>> versions;  // of identity/NAME; none = 0

  [[nodiscard]] const Identity* find(std::string_view name) const;
  bool operator==(const Identities&) const = default;
};

// kInvalid: a bootstrap identity that could not have been granted either; says which and why.
[[nodiscard]] Result<Identities> bootstrap(const std::vector<Identity>& identities);

struct GrantIdentity {
  Identity identity;
};
struct RevokeIdentity {
  std::string name;
};

// What to append, where, and the version that the decision read.
struct IdentityDecision {
  Event event;
  std::string stream;
  std::uint64_t version = 0;  // guard of `stream`
  bool operator==(const IdentityDecision&) const = default;
};

// kInvalid: malformed; kRefused: a bootstrap name, a key that another identity has, kms.sealed for
// somebody who is no replica, commands for anybody, anything for an event store; kNotFound: nobody
// to revoke. `store` is the store's own name, "store-1".
[[nodiscard]] Result<IdentityDecision> decide(const Identities& state, std::string_view store,
                                              const GrantIdentity& command);
[[nodiscard]] Result<IdentityDecision> decide(const Identities& state, std::string_view store,
                                              const RevokeIdentity& command);

// Facts about anything else leave the state as it is.
[[nodiscard]] Identities evolve(Identities state, const Fact& fact);

}  // namespace keytrail::eventstore
