// RequestDecider: one KMIP request message, from its payloads to what is to be recorded and
// answered.
//
// The whole batch is decided on one draft and becomes one unit of the log: items see the effects of
// earlier ones, the ID placeholder goes along, and Undo means to drop the draft. A refused item is
// a fact like a granted one. Nothing is revealed here: the answer waits for its unit. Material is
// made and sealed once per item and kept with the request, so that a request decided again neither
// spends another leaf nor gives another key. Threads: one, the core's. Borrows the state, the
// materials and the leaves.
#pragma once

#include <map>
#include <string>

#include "kms/kmip/messages.h"
#include "kms/service/authorship.h"
#include "kms/service/entropy.h"
#include "kms/service/leaf_blocks.h"
#include "kms/service/material_store.h"
#include "kms/service/replica_messages.h"

namespace keytrail::kms {

struct PreparedMaterial {
  std::string object;
  SealedMaterial sealed;
  keyring::Material material;
};

// A request message on its way.
struct KmipWork {
  Requester peer;
  kmip::DecodedRequest request;
  Entropy entropy;
  std::map<std::size_t, PreparedMaterial> prepared;  // by item
};

struct RequestDecision {
  enum class Kind {
    kDecided,
    kStranger,     // no enrolled client has the certificate, or there is none
    kNeedsLeaves,  // decide again when a block is leased
  };
  Kind kind = Kind::kDecided;
  protocol::Decision decision;   // no facts: nothing is to be recorded
  SecretBytes answer;            // encoded
  bool reads_unguarded = false;  // decide at a head asked for after the request came
};

struct Moment {
  TimeNs wall = 0;
  TimeNs log = 0;
};

class RequestDecider {
 public:
  RequestDecider(const State& state, MaterialStore& materials, LeafBlocks& leaves, Scope scope,
                 bool record_reads);

  [[nodiscard]] RequestDecision decide(KmipWork& work, const Moment& moment);

  // Nothing in it can be recorded, failures aside: so the head is asked for first, and it is
  // decided once.
  [[nodiscard]] bool only_reads(const KmipWork& work) const;

 private:
  const State& state_;
  MaterialStore& materials_;
  LeafBlocks& leaves_;
  const Scope scope_;
  const bool record_reads_;
};

// The whole answer of a request that may not run.
[[nodiscard]] SecretBytes failing_answer(const kmip::DecodedRequest& request, kmip::Failure failure,
                                         TimeNs wall);

}  // namespace keytrail::kms
